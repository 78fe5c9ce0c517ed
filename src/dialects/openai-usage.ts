// Brings OpenAI's usage objects into the one normal form. For OpenAI's dialects.
import type { Usage } from '../core/dialect.ts';
import { memberAt, numberAt } from '../wire/entries.ts';
import type { ScannedObject } from '../wire/scan.ts';
import { tokenCount as count, part } from './values.ts';

/** Null when it is no usage object. Negative and absurd numbers count as 0; cached never exceeds the prompt. */
export function usageFrom(value: unknown): Usage | null {
  if (typeof value !== 'object' || value === null) return null;
  const usage = value as Record<string, unknown>;
  const prompt = count(usage['prompt_tokens']);
  const cached = Math.min(prompt, count(part(usage['prompt_tokens_details'], 'cached_tokens')));
  const output = count(usage['completion_tokens']);
  const reasoning = Math.min(output, count(part(usage['completion_tokens_details'], 'reasoning_tokens')));
  return { uncachedTokens: prompt - cached, cachedTokens: cached, outputTokens: output, reasoningTokens: reasoning };
}

/** The same of the usage object at `at` in a reply that was scanned, without parsing it. */
export function usageAt(scan: ScannedObject, at: number): Usage {
  const of = (open: number, name: string) => count(numberAt(scan, memberAt(scan, open, name)));
  const prompt = of(at, 'prompt_tokens');
  const cached = Math.min(prompt, of(memberAt(scan, at, 'prompt_tokens_details'), 'cached_tokens'));
  const output = of(at, 'completion_tokens');
  const reasoning = Math.min(output, of(memberAt(scan, at, 'completion_tokens_details'), 'reasoning_tokens'));
  return { uncachedTokens: prompt - cached, cachedTokens: cached, outputTokens: output, reasoningTokens: reasoning };
}
