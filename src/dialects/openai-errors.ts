// OpenAI's error shapes, out to callers and in from targets. For OpenAI's dialects.
import { RouterError } from '../core/errors.ts';
import { encodeEvent } from '../wire/sse.ts';

/** The JSON body of an error. */
export function errorBody(error: RouterError): string {
  return JSON.stringify({
    error: { message: error.message, type: error.type, param: error.detail.param ?? null, code: error.code },
  });
}

/** How OpenAI's dialects say an error. */
export const errorShape = {
  errorStatus: (error: RouterError) => error.status,
  errorBody,
  requestIdHeader: null,
} as const;

/** The event that ends a stream in failure; no `[DONE]` follows it. */
export function streamError(error: RouterError, requestId: string): Uint8Array {
  const { message, type, code } = error;
  return encodeEvent(JSON.stringify({ error: { message, type, param: null, code }, request_id: requestId }));
}

const MONEY = /insufficient_quota|billing|spend|credit/;
const BUSY = /rate_limit|overload|too_many|capacity|slow_down|unavailable|exhausted/;

/** What an error object inside a 200 means. Its own text is never passed on: it may hold keys or prompts. */
export function inBandFault(value: unknown): RouterError {
  const error = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const status = [error['code'], error['status'], error['status_code']].find((part) => typeof part === 'number');
  const words = [error['type'], error['code'], error['status']]
    .filter((part) => typeof part === 'string')
    .join(' ')
    .toLowerCase();
  if (MONEY.test(words)) {
    return new RouterError('upstream_unfunded', 'The account behind the target has run out of money.');
  }
  if (status === 429 || status === 503 || status === 529 || BUSY.test(words)) {
    return new RouterError('worker_full', 'The target said inside its reply that it is full.', { reason: 'saturated' });
  }
  if (status === 400 || status === 422) {
    return new RouterError('refused_by_target', 'The target refused the request as invalid, inside its reply.');
  }
  return new RouterError('upstream_error', 'The target reported an error inside its reply.');
}
