// Writes the `response.failed` that ends a stream of the Responses API. For openai-responses' judge.
import type { RouterError } from '../core/errors.ts';
import { parseSpan } from '../wire/json-view.ts';
import { encodeEvent } from '../wire/sse.ts';

/** Clients give up or ignore hints beyond a minute (docs/errors.md), so no hint is longer than this, seconds. */
const MAX_HINT_SECONDS = 55;
const DEFAULT_HINT_SECONDS = 1;

/** What the judge knows of the response that fails. */
export interface FailedStream {
  /** The response object as the target began it; null where it showed none. */
  readonly begun: Uint8Array | null;
  /** The name by which the target knows the model. */
  readonly model: string;
  readonly sequenceNumber: number;
}

/**
 * One event with a complete response object: the one that the target began, with another end. Nothing follows it. What
 * was generated so far is not repeated, and what it cost is not known: `output` and `usage` are empty.
 */
export function failedEvent(stream: FailedStream, error: RouterError, requestId: string): Uint8Array {
  const response = {
    ...emptyResponse(stream.model, requestId),
    ...begunResponse(stream.begun),
    status: 'failed',
    completed_at: null,
    error: responseError(error),
    incomplete_details: null,
    output: [],
    usage: null,
  };
  // Some clients pass over this event, and the official one leaves it to the program: an error beside it is heard by both.
  const event = { type: 'response.failed', error: response.error, response, sequence_number: stream.sequenceNumber };
  return encodeEvent(JSON.stringify(event), 'response.failed');
}

function begunResponse(begun: Uint8Array | null): object | null {
  return begun === null ? null : (parseSpan(begun, 0, begun.length) as object);
}

/** Every field that the published schema requires of a response. When it was made is not known here: 0. */
export function emptyResponse(model: string, requestId: string) {
  return {
    id: `resp_${requestId.replace(/^req_/, '')}`,
    object: 'response' as const,
    created_at: 0,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    model,
    output: [],
    parallel_tool_calls: true,
    temperature: null,
    tool_choice: 'auto' as const,
    tools: [],
    top_p: null,
  };
}

/**
 * Codes of the published set. Never an overload's own: `server_is_overloaded` ends a Codex run for good, while after
 * `rate_limit_exceeded` it waits for as long as the text says.
 */
export function responseError(error: RouterError) {
  const { message, status, blame } = error;
  if (status === 429 || status === 503)
    return { code: 'rate_limit_exceeded', message: `${message} Please try again in ${hintSeconds(error)}s.` } as const;
  return { code: blame === 'caller' ? 'invalid_prompt' : 'server_error', message } as const;
}

function hintSeconds({ detail }: RouterError): number {
  const coolDownSeconds = detail.coolDownMs === undefined ? DEFAULT_HINT_SECONDS : detail.coolDownMs / 1000;
  const seconds = detail.retryAfterSeconds ?? coolDownSeconds;
  return Math.min(MAX_HINT_SECONDS, Math.max(1, Math.ceil(seconds)));
}
