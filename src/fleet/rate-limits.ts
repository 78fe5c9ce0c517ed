// What a managed API says is left of its account's limits, and for how long to leave it alone. For fleet/worker.
import { type HeaderView, headerOf } from '../core/transport.ts';

/** The longest pause a header can talk the router into, ms. */
const MAX_PAUSE_MS = 60_000;

interface LimitNames {
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

const LIMITS: readonly LimitNames[] = [
  openai('requests', 'calls'),
  openai('tokens', 'prompt'),
  anthropic('requests', 'calls'),
  anthropic('tokens', 'prompt'),
  anthropic('input-tokens', 'prompt'),
  anthropic('output-tokens', 'output'),
];

/**
 * How long the model is to be left alone, ms; 0 = not at all. A limit with nothing left is waited for until its reset. One
 * that has less left than the prompts in flight may take is waited for as long as the rest needs to grow back: limits
 * refill evenly, and the reset is when they are full. What makes no sense is ignored.
 */
export function pauseMs(headers: HeaderView, backlogTokens: number, wallMs: number): number {
  let longestMs = 0;
  for (const names of LIMITS) {
    const left = count(headerOf(headers, names.remaining));
    if (left === null) continue;
    const limit = count(headerOf(headers, names.limit));
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

/** A whole number from 0; -1 and other signs of "no limit" are none. */
function count(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text.trim()) ? Number(text) : null;
}

const DURATION =
  /^(?=\d)(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?$/;

/** `6m0s`, `120ms`, seconds as a plain number, or an RFC 3339 time; null when it is none of these. */
function untilMs(header: string | null, wallMs: number): number | null {
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
