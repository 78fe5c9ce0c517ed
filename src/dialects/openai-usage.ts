// Brings OpenAI's usage objects into the one normal form. For OpenAI's dialects.
import type { Usage } from '../core/dialect.ts';
import { memberAt, membersAt, numberAt } from '../wire/entries.ts';
import type { ScannedObject } from '../wire/scan.ts';
import { normalUsage } from './usage.ts';
import { tokenCount as count, part } from './values.ts';

/** Null when it is no usage object. Negative and absurd numbers count as 0; cached never exceeds the prompt. */
export function usageFrom(value: unknown, tier?: string): Usage | null {
  if (typeof value !== 'object' || value === null) return null;
  const usage = value as Record<string, unknown>;
  const details = usage['prompt_tokens_details'];
  return normalUsage(
    count(usage['prompt_tokens']),
    count(part(details, 'cached_tokens')),
    count(usage['completion_tokens']),
    count(part(usage['completion_tokens_details'], 'reasoning_tokens')),
    count(part(details, 'cache_write_tokens')),
    0,
    tier,
  );
}

const NAMES = ['prompt_tokens', 'completion_tokens', 'prompt_tokens_details', 'completion_tokens_details'] as const;
const PROMPT_NAMES = ['cached_tokens', 'cache_write_tokens'] as const;

/** The same of the usage object at `at` in a reply that was scanned, without parsing it. */
export function usageAt(scan: ScannedObject, at: number, tier?: string): Usage {
  const of = (place: number) => count(numberAt(scan, place));
  const [prompt, output, promptDetails, outputDetails] = membersAt(scan, at, NAMES) as [number, number, number, number];
  const [cached, written] = membersAt(scan, promptDetails, PROMPT_NAMES) as [number, number];
  const reasoning = memberAt(scan, outputDetails, 'reasoning_tokens');
  return normalUsage(of(prompt), of(cached), of(output), of(reasoning), of(written), 0, tier);
}
