// What a managed API says is left of its account's limits, and for how long to leave it alone. For fleet/worker.
import { type HeaderView, headerOf } from '../core/transport.ts';
import { countOf, MAX_PAUSE_MS, RATE_LIMITS, untilMs } from '../wire/rate-limits.ts';

/**
 * How long the model is to be left alone, ms; 0 = not at all. A limit with nothing left is waited for until its reset. One
 * that has less left than the prompts in flight may take is waited for as long as the rest needs to grow back: limits
 * refill evenly, and the reset is when they are full. What makes no sense is ignored.
 */
export function pauseMs(headers: HeaderView, backlogTokens: number, wallMs: number): number {
  let longestMs = 0;
  for (const names of RATE_LIMITS) {
    const left = countOf(headerOf(headers, names.remaining));
    if (left === null) continue;
    const limit = countOf(headerOf(headers, names.limit));
    // Some proxies fill in zeros where there is no limit.
    if (limit === 0 || (limit !== null && left > limit)) continue;
    const missing = names.counts === 'prompt' ? backlogTokens - left : -left;
    if (left > 0 && (missing <= 0 || limit === null || limit === left)) continue;
    const resetMs = untilMs(headerOf(headers, names.reset), wallMs);
    if (resetMs === null) continue;
    const share = left === 0 ? 1 : Math.min(1, missing / (limit! - left));
    longestMs = Math.max(longestMs, resetMs * share);
  }
  return Math.min(longestMs, MAX_PAUSE_MS);
}
