// OpenAI's error shapes, out to callers and in from targets. For OpenAI's dialects.
import type { RouterError } from '../core/errors.ts';
import { encodeEvent } from '../wire/sse.ts';
import { resetsAt } from './faults.ts';

/** The JSON body of an error. */
export function errorBody(error: RouterError): string {
  const { message, type, code, detail } = error;
  return JSON.stringify({ error: { message, type, param: detail.param ?? null, code, ...resetsAt(error) } });
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
