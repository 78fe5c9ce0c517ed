// How long a target asked to be left alone, from whichever header it used. For upstream/classify.
import { type HeaderView, headerOf } from '../core/transport.ts';

/** The longest pause a target can talk the router into, ms: a hint of a day must not take it out for a day. */
export const MAX_COOL_DOWN_MS = 60_000;

/** Reads `retry-after-ms`, then `Retry-After` in seconds or as a date. Null when there is none that makes sense. */
export function coolDownMs(headers: HeaderView, wallMs: number): number | null {
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
