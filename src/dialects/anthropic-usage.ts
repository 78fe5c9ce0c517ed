// Brings Anthropic's usage objects into the one normal form. For Anthropic's dialects.
import type { Usage } from '../core/dialect.ts';
import { tokenCount } from './values.ts';

const COUNTERS = [
  'input_tokens',
  'cache_creation_input_tokens',
  'cache_read_input_tokens',
  'output_tokens',
  'thinking_tokens',
] as const;

/** What a reply has said so far of each counter. */
export type Counted = Readonly<Partial<Record<(typeof COUNTERS)[number], number>>>;

/**
 * The counters with what one more usage object says. They are totals of the whole message, left out or null where they
 * say nothing new, so the newest number of each stands. Negative and absurd ones count as 0.
 */
export function counted(before: Counted | null, value: unknown): Counted | null {
  if (typeof value !== 'object' || value === null) return before;
  const said = value as Record<string, unknown>;
  const details = said['output_tokens_details'] as Record<string, unknown> | null | undefined;
  const now: Record<string, number> = { ...before };
  for (const name of COUNTERS) {
    const tokens = name === 'thinking_tokens' ? details?.[name] : said[name];
    if (typeof tokens === 'number') now[name] = tokenCount(tokens);
  }
  return now;
}

/** Here cached tokens are no part of the input's. Tokens that fill a cache were computed, so they are uncached. */
export function usageOf(counters: Counted): Usage {
  const outputTokens = counters.output_tokens ?? 0;
  return {
    uncachedTokens: (counters.input_tokens ?? 0) + (counters.cache_creation_input_tokens ?? 0),
    cachedTokens: counters.cache_read_input_tokens ?? 0,
    outputTokens,
    reasoningTokens: Math.min(outputTokens, counters.thinking_tokens ?? 0),
  };
}

/** The usage of a whole reply; null when it is no usage object. */
export function usageFrom(value: unknown): Usage | null {
  const counters = counted(null, value);
  return counters === null ? null : usageOf(counters);
}
