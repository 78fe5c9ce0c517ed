// How long a target asked to be left alone, from whichever header it used. For upstream/classify.
import { type HeaderView, headerOf } from '../core/transport.ts';

/** The longest pause a target can talk the router into, ms: a hint of a day must not take it out for a day. */
export const MAX_COOL_DOWN_MS = 60_000;

/**
 * Reads `retry-after-ms`, then `Retry-After` in seconds or as a date, then the resets of the limits that are used up. Null
 * when there is none that makes sense.
 */
export function coolDownMs(headers: HeaderView, wallMs: number): number | null {
  return retryAfterMs(headers, wallMs) ?? resetMs(headers, wallMs);
}

function retryAfterMs(headers: HeaderView, wallMs: number): number | null {
  const exact = positive(headerOf(headers, 'retry-after-ms'));
  if (exact !== null) return Math.min(exact, MAX_COOL_DOWN_MS);
  const header = headerOf(headers, 'retry-after');
  if (header === null) return null;
  const seconds = positive(header);
  if (seconds !== null) return Math.min(seconds * 1000, MAX_COOL_DOWN_MS);
  // Every form of date has a time of day; without one, Date.parse takes "-5" for a day in May.
  if (!header.includes(':')) return null;
  const at = Date.parse(header);
  if (Number.isNaN(at)) return null;
  return Math.min(Math.max(at - wallMs, 0), MAX_COOL_DOWN_MS);
}

function positive(text: string | null): number | null {
  if (text === null || !/^\d{1,12}(\.\d{1,6})?$/.test(text.trim())) return null;
  return Number(text);
}

/** Limits by the names of their headers, `remaining` and `reset` left open. */
const LIMITS = [
  ...['requests', 'tokens'].map((what) => ['x-ratelimit-', `-${what}`]),
  ...['requests', 'tokens', 'input-tokens', 'output-tokens'].map((what) => [`anthropic-ratelimit-${what}-`, '']),
].map(([before, after]) => ({ remaining: `${before}remaining${after}`, reset: `${before}reset${after}` }));

/** Until the last of the limits that are used up is there again. A limit with something left is not what stopped the call. */
function resetMs(headers: HeaderView, wallMs: number): number | null {
  let longestMs: number | null = null;
  for (const { remaining, reset } of LIMITS) {
    if (headerOf(headers, remaining)?.trim() !== '0') continue;
    const text = headerOf(headers, reset)?.trim() ?? '';
    const at = text.includes(':') ? Date.parse(text) - wallMs : durationMs(text);
    if (at !== null && !Number.isNaN(at)) longestMs = Math.max(longestMs ?? 0, at);
  }
  return longestMs === null ? null : Math.min(longestMs, MAX_COOL_DOWN_MS);
}

const DURATION = /^(?=\d)(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6}(?:\.\d{1,6})?)s)?(?:(\d{1,9}(?:\.\d{1,6})?)ms)?$/;

/** `6m0s`, `1.5s`, `12ms`. */
function durationMs(text: string): number | null {
  const parts = DURATION.exec(text);
  if (parts === null) return null;
  const [hours, minutes, seconds, ms] = parts.slice(1).map((part) => Number(part ?? 0));
  return hours! * 3_600_000 + minutes! * 60_000 + seconds! * 1_000 + ms!;
}
