// How ids of requests begin. For the runtimes, which add the chance.

const TIME_DIGITS = 12;
let lastMs = Number.NaN;
let last = '';

/** Hexadecimal digits of chance that follow: 80 bits. */
export const CHANCE_DIGITS = 20;

/**
 * `req_` and the time of day in ms, 48 bits: with the chance behind it the layout of UUID version 7 (RFC 9562) without its fixed
 * bits. Ids are then in the order of time, and an index over them grows at its end instead of all over.
 */
export function idPrefix(wallMs: number): string {
  if (wallMs === lastMs) return last;
  lastMs = wallMs;
  last = `req_${wallMs.toString(16).padStart(TIME_DIGITS, '0')}`;
  return last;
}
