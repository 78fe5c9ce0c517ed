// How long a target asked to be left alone, from whichever header it used. For upstream/classify.
import { type HeaderView, headerOf } from '../core/transport.ts';
import { countOf, MAX_PAUSE_MS, RATE_LIMITS, untilMs } from '../wire/rate-limits.ts';

/**
 * Reads `retry-after-ms`, then `Retry-After` in seconds or as a date, then the resets of the limits that are used up. Null
 * when there is none that makes sense.
 */
export function coolDownMs(headers: HeaderView, wallMs: number): number | null {
  return retryAfterMs(headers, wallMs) ?? resetMs(headers, wallMs);
}

function retryAfterMs(headers: HeaderView, wallMs: number): number | null {
  const exact = positive(headerOf(headers, 'retry-after-ms'));
  if (exact !== null) return Math.min(exact, MAX_PAUSE_MS);
  const header = headerOf(headers, 'retry-after');
  if (header === null) return null;
  const seconds = positive(header);
  if (seconds !== null) return Math.min(seconds * 1000, MAX_PAUSE_MS);
  // Every form of date has a time of day; without one, Date.parse takes "-5" for a day in May.
  if (!header.includes(':')) return null;
  const at = Date.parse(header);
  if (Number.isNaN(at)) return null;
  return Math.min(Math.max(at - wallMs, 0), MAX_PAUSE_MS);
}

function positive(text: string | null): number | null {
  if (text === null || !/^\d{1,12}(\.\d{1,6})?$/.test(text.trim())) return null;
  return Number(text);
}

/** Until the last of the limits that are used up is there again. A limit with something left is not what stopped the call. */
function resetMs(headers: HeaderView, wallMs: number): number | null {
  let longestMs: number | null = null;
  for (const { remaining, reset } of RATE_LIMITS) {
    if (countOf(headerOf(headers, remaining)) !== 0) continue;
    const inMs = untilMs(headerOf(headers, reset), wallMs);
    if (inMs !== null) longestMs = Math.max(longestMs ?? 0, inMs);
  }
  return longestMs === null ? null : Math.min(longestMs, MAX_PAUSE_MS);
}
