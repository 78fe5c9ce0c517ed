// How a caller is told of its own limits, in the headers that clients of its dialect read. For http/errors and http/call.
import type { DialectName } from '../core/names.ts';
import type { LimitView, QuotaView } from '../core/quota.ts';

export function rateLimitHeaders(
  { requests, tokens, wallMs }: QuotaView,
  dialect: DialectName | null,
): Record<string, string> {
  const headers: Record<string, string> = {};
  const anthropic = dialect === 'anthropic-messages' || dialect === 'anthropic-count-tokens';
  for (const [what, view] of [['requests', requests] as const, ['tokens', tokens] as const]) {
    if (view === null) continue;
    if (anthropic) addAnthropic(headers, what, view, wallMs);
    else addOpenAi(headers, what, view);
  }
  return headers;
}

function addOpenAi(headers: Record<string, string>, what: string, { limit, remaining, resetMs }: LimitView): void {
  headers[`x-ratelimit-limit-${what}`] = String(limit);
  headers[`x-ratelimit-remaining-${what}`] = String(remaining);
  headers[`x-ratelimit-reset-${what}`] = durationText(resetMs);
}

function addAnthropic(
  headers: Record<string, string>,
  what: string,
  { limit, remaining, resetMs }: LimitView,
  wallMs: number,
): void {
  headers[`anthropic-ratelimit-${what}-limit`] = String(limit);
  headers[`anthropic-ratelimit-${what}-remaining`] = String(remaining);
  headers[`anthropic-ratelimit-${what}-reset`] = timeText(wallMs + resetMs);
}

/** `120ms`, `1s`, `6m0s`: never sooner than it is. */
export function durationText(ms: number): string {
  const wholeMs = Math.ceil(ms);
  if (wholeMs < 1_000) return wholeMs <= 0 ? '0s' : `${wholeMs}ms`;
  const seconds = Math.ceil(wholeMs / 1_000);
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return `${seconds}s`;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes}m${seconds % 60}s` : `${hours}h${minutes % 60}m${seconds % 60}s`;
}

/** RFC 3339, to the second, as Anthropic's own. */
function timeText(wallMs: number): string {
  return `${new Date(Math.ceil(wallMs / 1_000) * 1_000).toISOString().slice(0, 19)}Z`;
}
