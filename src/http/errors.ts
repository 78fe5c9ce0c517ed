// The one shape of every refusal over HTTP. For all routes, guards and servers.
import type { Dialect } from '../core/dialect.ts';
import type { RouterError } from '../core/errors.ts';
import { RESPONSE_HEADERS } from '../core/names.ts';
import { errorBody } from '../dialects/openai-errors.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';

export interface ErrorReply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Codes after which the connection cannot be trusted to be at a message boundary, or is not worth keeping. */
const CLOSES: ReadonlySet<string> = new Set([
  'request_too_large',
  'malformed_request',
  'chunk_overhead',
  'headers_too_large',
  'body_timeout',
  'expectation_failed',
]);

/** Renders a failure in the caller's dialect; without one, in OpenAI's shape. */
export function errorReply(error: RouterError, requestId: string, dialect?: Dialect, asked?: string): ErrorReply {
  const { detail } = error;
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'x-request-id': requestId,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...detail.headers,
  };
  if (detail.retryAfterSeconds !== undefined) headers['retry-after'] = String(detail.retryAfterSeconds);
  else if (error.waits) headers['retry-after'] = '1';
  else if (error.blame === 'caller' || error.code === 'upstream_unfunded') headers['x-should-retry'] = 'false';
  if (detail.quota !== undefined) Object.assign(headers, rateLimitHeaders(detail.quota, dialect?.name ?? null));
  if (detail.readyInSeconds !== undefined) headers[RESPONSE_HEADERS.readyIn] = String(detail.readyInSeconds);
  if (detail.attempts !== undefined) headers[RESPONSE_HEADERS.attempts] = String(detail.attempts);
  if (asked !== undefined) headers[RESPONSE_HEADERS.asked] = headerText(asked);
  if (dialect?.requestIdHeader != null) headers[dialect.requestIdHeader] = requestId;
  if (CLOSES.has(error.code)) headers['connection'] = 'close';
  const body = dialect === undefined ? errorBody(error) : dialect.errorBody(error, requestId);
  return { status: dialect?.errorStatus(error) ?? error.status, headers, body };
}

/** A caller's or policy's text as a header value: visible ASCII stays, all else is percent-encoded as UTF-8. */
export function headerText(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const wellFormed = text.replace(/[\ud800-\udfff]/gu, '\ufffd');
  return wellFormed.replace(/[^\x20-\x7e]+/gu, encodeURIComponent);
}
