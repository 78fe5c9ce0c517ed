// What several attempts used in all. For router/dispatch and router/account.
import type { Usage } from '../core/dialect.ts';

/** Null adds nothing. */
export function addedUsage(sum: Usage | null, usage: Usage | null): Usage | null {
  if (sum === null || usage === null) return usage ?? sum;
  const written = (sum.cacheWriteTokens ?? 0) + (usage.cacheWriteTokens ?? 0);
  const long = (sum.cacheWriteLongTokens ?? 0) + (usage.cacheWriteLongTokens ?? 0);
  return {
    uncachedTokens: sum.uncachedTokens + usage.uncachedTokens,
    cachedTokens: sum.cachedTokens + usage.cachedTokens,
    outputTokens: sum.outputTokens + usage.outputTokens,
    reasoningTokens: sum.reasoningTokens + usage.reasoningTokens,
    ...(written === 0 ? {} : { cacheWriteTokens: written }),
    ...(long === 0 ? {} : { cacheWriteLongTokens: long }),
  };
}
