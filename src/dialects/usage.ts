// The one normal form that a target's counts are brought into. For all dialects.
import type { Usage } from '../core/dialect.ts';
import { fieldOf, stringOf } from '../wire/json-view.ts';
import type { ScannedObject } from '../wire/scan.ts';

/** `prompt` holds `cached` and `written`, `written` holds `long`, `output` holds `reasoning`: what is said beyond that is cut. */
export function normalUsage(
  prompt: number,
  cached: number,
  output: number,
  reasoning: number,
  written: number,
  long: number,
  serviceTier: string | undefined,
): Usage {
  const cachedTokens = Math.min(prompt, cached);
  const uncachedTokens = prompt - cachedTokens;
  const reasoningTokens = Math.min(output, reasoning);
  const counts = { uncachedTokens, cachedTokens, outputTokens: output, reasoningTokens };
  const cacheWriteTokens = Math.min(uncachedTokens, written);
  if (cacheWriteTokens === 0 && serviceTier === undefined) return counts;
  const cacheWriteLongTokens = Math.min(cacheWriteTokens, long);
  return {
    ...counts,
    ...(cacheWriteTokens === 0 ? null : { cacheWriteTokens }),
    ...(cacheWriteLongTokens === 0 ? null : { cacheWriteLongTokens }),
    ...(serviceTier === undefined ? null : { serviceTier }),
  };
}

/** Tiers are named in one word; what is longer or holds anything else is a lie or a bug, and is kept nowhere. */
const TIER = /^[a-z][a-z0-9_.-]{0,31}$/i;

export const tierOf = (value: unknown): string | undefined =>
  typeof value === 'string' && TIER.test(value) ? value : undefined;

/** What the field `service_tier` of a reply or an event says. */
export function tierIn(bytes: Uint8Array, scan: ScannedObject): string | undefined {
  const field = fieldOf(scan, 'service_tier');
  return field?.kind === 'string' ? tierOf(stringOf(bytes, field)) : undefined;
}

/** What all of them used together; null where one does not say. Of service tiers the first that is told stands. */
export function summedUsage(parts: readonly (Usage | null)[]): Usage | null {
  const tier = parts.find((usage) => usage?.serviceTier !== undefined)?.serviceTier;
  let prompt = 0;
  let cached = 0;
  let output = 0;
  let reasoning = 0;
  let written = 0;
  let long = 0;
  for (const usage of parts) {
    if (usage === null) return null;
    prompt += usage.uncachedTokens + usage.cachedTokens;
    cached += usage.cachedTokens;
    output += usage.outputTokens;
    reasoning += usage.reasoningTokens;
    written += usage.cacheWriteTokens ?? 0;
    long += usage.cacheWriteLongTokens ?? 0;
  }
  return normalUsage(prompt, cached, output, reasoning, written, long, tier);
}
