// The rate-limit headers of managed APIs: their names, and the times in them. For fleet and upstream.

/** The longest pause a header can talk the router into, ms: a hint of a day must not take a target out for a day. */
export const MAX_PAUSE_MS = 60_000;

export interface LimitNames {
  readonly limit: string;
  readonly remaining: string;
  readonly reset: string;
  /** What counts against it: prompt tokens in flight are not yet in what the header says is left. */
  readonly counts: 'calls' | 'prompt' | 'output';
}

const openai = (what: string, counts: LimitNames['counts']): LimitNames => ({
  limit: `x-ratelimit-limit-${what}`,
  remaining: `x-ratelimit-remaining-${what}`,
  reset: `x-ratelimit-reset-${what}`,
  counts,
});
const anthropic = (what: string, counts: LimitNames['counts']): LimitNames => ({
  limit: `anthropic-ratelimit-${what}-limit`,
  remaining: `anthropic-ratelimit-${what}-remaining`,
  reset: `anthropic-ratelimit-${what}-reset`,
  counts,
});

export const RATE_LIMITS: readonly LimitNames[] = [
  openai('requests', 'calls'),
  openai('tokens', 'prompt'),
  anthropic('requests', 'calls'),
  anthropic('tokens', 'prompt'),
  anthropic('input-tokens', 'prompt'),
  anthropic('output-tokens', 'output'),
];

/** A whole number from 0; -1 and other signs of "no limit" are none. */
export function countOf(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text.trim()) ? Number(text) : null;
}

const DURATION =
  /^(?=\d)(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?$/;

/** `6m0s`, `120ms`, seconds as a plain number, or an RFC 3339 time; null when it is none of these. */
export function untilMs(header: string | null, wallMs: number): number | null {
  const text = header?.trim() ?? '';
  if (/^\d{4}-\d\d-\d\dT.*:/.test(text)) {
    const at = Date.parse(text);
    return Number.isNaN(at) ? null : Math.max(0, at - wallMs);
  }
  // A larger plain number is a time of some epoch, and nobody says which.
  if (/^\d{1,6}(\.\d{1,9})?$/.test(text)) return Number(text) * 1_000;
  const parts = DURATION.exec(text);
  if (parts === null) return null;
  const [days, hours, minutes, seconds, ms] = parts.slice(1).map((part) => Number(part ?? 0));
  return days! * 86_400_000 + hours! * 3_600_000 + minutes! * 60_000 + seconds! * 1_000 + ms!;
}
