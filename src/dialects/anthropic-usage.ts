// Brings Anthropic's usage objects into the one normal form. For Anthropic's dialects.
import type { Usage } from '../core/dialect.ts';
import { normalUsage, tierOf } from './usage.ts';
import { part, tokenCount } from './values.ts';

const OWN = ['input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens', 'output_tokens'] as const;
/** Counters inside another object, by its name. */
const INNER = [
  ['output_tokens_details', 'thinking_tokens'],
  ['cache_creation', 'ephemeral_5m_input_tokens'],
  ['cache_creation', 'ephemeral_1h_input_tokens'],
] as const;
type Counter = (typeof OWN)[number] | (typeof INNER)[number][1];

/** What a reply has said so far of each counter, and of its service tier. */
export type Counted = Readonly<Partial<Record<Counter, number>> & { tier?: string | undefined }>;

/**
 * The counters with what one more usage object says. They are totals of the whole message, left out or null where they
 * say nothing new, so the newest number of each stands. Negative and absurd ones count as 0.
 */
export function counted(before: Counted | null, value: unknown): Counted | null {
  if (typeof value !== 'object' || value === null) return before;
  const said = value as Record<string, unknown>;
  const now: { -readonly [Key in keyof Counted]: Counted[Key] } = { ...before };
  for (const name of OWN) {
    const tokens = said[name];
    if (typeof tokens === 'number') now[name] = tokenCount(tokens);
  }
  for (const [place, name] of INNER) {
    const tokens = part(said[place], name);
    if (typeof tokens === 'number') now[name] = tokenCount(tokens);
  }
  now.tier = tierOf(said['service_tier']) ?? now.tier;
  return now;
}

/** Here cached tokens are no part of the input's. Tokens that fill a cache were computed, so they are uncached. */
export function usageOf(counters: Counted): Usage {
  const long = counters.ephemeral_1h_input_tokens ?? 0;
  const written = counters.cache_creation_input_tokens ?? (counters.ephemeral_5m_input_tokens ?? 0) + long;
  const cached = counters.cache_read_input_tokens ?? 0;
  return normalUsage(
    (counters.input_tokens ?? 0) + written + cached,
    cached,
    counters.output_tokens ?? 0,
    counters.thinking_tokens ?? 0,
    written,
    long,
    counters.tier,
  );
}

/** The usage of a whole reply; null when it is no usage object. */
export function usageFrom(value: unknown): Usage | null {
  const counters = counted(null, value);
  return counters === null ? null : usageOf(counters);
}
