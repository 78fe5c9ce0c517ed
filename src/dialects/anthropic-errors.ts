// Anthropic's error shape, out to callers and in from targets. For Anthropic's dialects.
import { RouterError } from '../core/errors.ts';
import { encodeEvent } from '../wire/sse.ts';
import { inBandFault, resetsAt } from './faults.ts';

/** Types of the API's own errors. */
type ErrorType =
  | 'api_error'
  | 'authentication_error'
  | 'billing_error'
  | 'conflict_error'
  | 'invalid_request_error'
  | 'not_found_error'
  | 'overloaded_error'
  | 'permission_error'
  | 'rate_limit_error'
  | 'request_too_large'
  | 'timeout_error';

/** Every other status below 500 is the caller's mistake, every other one above it the API's. */
const TYPES: ReadonlyMap<number, ErrorType> = new Map([
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [409, 'conflict_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
]);

/** Clients of this API know overload as 529, and money that is gone as 402. */
function errorStatus({ status, code }: RouterError): number {
  if (code === 'project_spend_limit_exceeded') return 402;
  return status === 503 ? 529 : status;
}

/** `details.error_code` is where the official clients look for the cause; they show it as `errorCode`. */
export function errorObject(error: RouterError, requestId: string) {
  const status = errorStatus(error);
  const type = TYPES.get(status) ?? (status < 500 ? 'invalid_request_error' : 'api_error');
  const details = { error_code: error.detail.vendorCode ?? error.code, ...resetsAt(error) };
  return {
    type: 'error',
    error: { type, message: error.message, details },
    request_id: requestId,
  } as const;
}

function errorBody(error: RouterError, requestId: string): string {
  return JSON.stringify(errorObject(error, requestId));
}

/** How Anthropic's dialects say an error. */
export const errorShape = { errorStatus, errorBody, requestIdHeader: 'request-id' } as const;

/** The event that ends a stream in failure; no `message_stop` follows it. */
export function streamError(error: RouterError, requestId: string): Uint8Array {
  return encodeEvent(errorBody(error, requestId), 'error');
}

const NO_CREDIT = /credit balance/i;
const TOO_LONG = /prompt is too long|context length|context window/i;

/** What the `error` of a reply means. Its text is read for that and never passed on (F038). */
export function anthropicFault(value: unknown): RouterError {
  const error = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const details = error['details'] as { error_code?: unknown } | null | undefined;
  const known = inBandFault({ code: details?.error_code, ...error });
  if (known.code !== 'upstream_error') return known;
  const text = typeof error['message'] === 'string' ? error['message'] : '';
  switch (error['type']) {
    case 'invalid_request_error':
      if (NO_CREDIT.test(text)) return inBandFault({ type: 'billing_error' });
      if (TOO_LONG.test(text))
        return new RouterError('context_length_exceeded', 'The prompt is too long for the target.');
      return inBandFault({ code: 400 });
    case 'request_too_large':
      return inBandFault({ code: 400 });
    case 'authentication_error':
    case 'permission_error':
      return new RouterError('upstream_refused_key', 'The target refused the router’s own credential, in its reply.');
    case 'not_found_error':
      return new RouterError('upstream_error', 'The target does not serve this model.', { retryable: false });
    case 'timeout_error':
      return new RouterError('upstream_timeout', 'The target said inside its reply that it ran out of time.');
    default:
      return known;
  }
}
