// What a target's refusal means: whose fault, is another try of use, for how long to leave it alone. For upstream/attempt.
import { RouterError } from '../core/errors.ts';
import { type HeaderView, headerOf, type TransportFault } from '../core/transport.ts';
import { speaksOfMoney } from './money.ts';
import { coolDownMs } from './retry-after.ts';

const LOADING = /loading model|model is loading|is starting|warming/i;
const CONTEXT =
  /context_length_exceeded|maximum context length|context length|max_model_len|too many tokens|prompt is too long/i;
/** What Anthropic's clients must hear of a message thread, to go on without it. */
const THREAD = /"error_code"\s*:\s*"(thread_(?:unsupported_request|not_found|already_continued|continue_in_flight))"/;
/** The reply before is not stored there (any more): in OpenAI's words, and in vLLM's. */
const NO_REPLY = /previous_response|response with id .{1,200} not found/i;
const FILTERED = /content_filter|content_policy_violation/i;

/**
 * A reply that is not 200, as a RouterError. `body` is read for what it means and never passed on: it may hold keys or
 * the prompt (F038).
 */
export function classifyStatus(
  target: string,
  status: number,
  headers: HeaderView,
  body: string,
  wallMs: number,
): RouterError {
  const wait = coolDownMs(headers, wallMs);
  const cool = wait === null ? {} : { coolDownMs: wait };
  if (status === 429) {
    if (speaksOfMoney(body)) return money(target);
    return new RouterError('worker_full', `${target} is over its rate limit.`, {
      reason: 'saturated',
      rateLimit: true,
      ...cool,
    });
  }
  if (status === 402) return money(target);
  const thread = status >= 400 && status < 500 ? THREAD.exec(body)?.[1] : undefined;
  if (thread !== undefined) {
    const text = `${target} does not go on with this message thread (${thread}).`;
    return new RouterError('refused_by_target', text, { param: 'thread', vendorCode: thread });
  }
  if (status === 503 && LOADING.test(body)) {
    return new RouterError('model_warming', `${target} is starting.`, { reason: 'cold', ...cool });
  }
  if (status === 503 || status === 529) {
    return new RouterError('worker_full', `${target} is full (HTTP ${status}).`, { reason: 'saturated', ...cool });
  }
  if (status === 401 || status === 403) {
    return new RouterError('upstream_refused_key', `${target} refused the router's own credential (HTTP ${status}).`);
  }
  if (status >= 300 && status < 400) {
    return new RouterError('upstream_error', `${target} answered with a redirect, which is not followed.`, {
      retryable: false,
    });
  }
  if (status === 404 && NO_REPLY.test(body)) return refused(target, status, body);
  if (status === 404 || status === 405 || status === 501) {
    return new RouterError('upstream_error', `${target} does not serve this model or route (HTTP ${status}).`, {
      retryable: false,
    });
  }
  if (status === 408 || status >= 500) return new RouterError('upstream_error', `${target} failed (HTTP ${status}).`);
  // Anthropic says so with a 400.
  if (status === 400 && speaksOfMoney(body)) return money(target);
  if (status >= 400) return refused(target, status, body);
  return new RouterError('upstream_error', `${target} answered with HTTP ${status}, which this route does not know.`);
}

function money(target: string): RouterError {
  return new RouterError('upstream_unfunded', `The account behind ${target} has run out of money.`);
}

/** The target says the request itself is wrong: final, and nothing against the target. */
function refused(target: string, status: number, body: string): RouterError {
  const param = /"param"\s*:\s*"([A-Za-z0-9_.[\]]{1,64})"/.exec(body)?.[1];
  const named = param === undefined ? {} : { param };
  if (CONTEXT.test(body)) {
    const limit = /(?:maximum context length|max_model_len)\D{0,24}(\d{2,9})/i.exec(body)?.[1];
    const size = limit === undefined ? '' : ` of ${limit} tokens`;
    return new RouterError(
      'context_length_exceeded',
      `The prompt is too long: it exceeds the maximum context length${size} of ${target}.`,
      named,
    );
  }
  if (FILTERED.test(body))
    return new RouterError('content_refused', `${target} refused the content of the request.`, named);
  const field = param === undefined ? '' : `, because of "${param}"`;
  return new RouterError(
    'refused_by_target',
    `${target} refused the request as invalid (HTTP ${status})${field}.`,
    named,
  );
}

/** A failure below HTTP. */
export function classifyFault(target: string, fault: TransportFault): RouterError {
  switch (fault.kind) {
    case 'refused':
      return new RouterError('upstream_error', `${target} cannot be reached: the connection was refused.`);
    case 'dns':
      return new RouterError('upstream_error', `${target} cannot be reached: its name does not resolve.`);
    case 'tls':
      return new RouterError('upstream_error', `${target} cannot be reached: its TLS certificate or handshake failed.`);
    case 'connect_timeout':
      return new RouterError('upstream_timeout', `${target} did not accept a connection in time.`, { retryable: true });
    case 'headers_too_large':
      return new RouterError('upstream_error', `${target} answered with headers that are too large.`);
    case 'protocol':
      return new RouterError('upstream_error', `${target} broke the HTTP protocol.`);
    default:
      return new RouterError('upstream_error', `${target} closed the connection before its reply was whole.`);
  }
}

/** A 200 that this dialect cannot use, before any of it is read. Null when it can. */
export function classifyHead(target: string, headers: HeaderView, stream: boolean): RouterError | null {
  const encoding = headerOf(headers, 'content-encoding');
  if (encoding !== null && encoding.trim().toLowerCase() !== 'identity') {
    return new RouterError('upstream_error', `${target} compressed its reply although that was not asked for.`);
  }
  const type = (headerOf(headers, 'content-type') ?? '').toLowerCase();
  if (type.startsWith(stream ? 'text/event-stream' : 'application/json')) return null;
  const wanted = stream ? 'an event stream' : 'JSON';
  return new RouterError('upstream_error', `${target} answered 200 with something other than ${wanted}.`);
}
