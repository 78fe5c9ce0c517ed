// Brings OpenAI's usage objects into the one normal form. For OpenAI's dialects.
import type { Usage } from '../core/dialect.ts';
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
