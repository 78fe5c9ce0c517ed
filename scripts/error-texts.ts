// What each error code means and what to do about it, in words. For docs/errors.md.
import type { ErrorCode } from '../src/core/errors.ts';

export interface ErrorText {
  readonly means: string;
  readonly todo: string;
}

const text = (means: string, todo: string): ErrorText => ({ means, todo });

export const ERROR_TEXTS: Readonly<Record<ErrorCode, ErrorText>> = {
  invalid_json: text('The body is not one JSON object in UTF-8.', 'Send valid JSON, without a byte order mark.'),
  invalid_value: text('A field that the router reads has a wrong type or value; `param` names it.', 'Correct it.'),
  missing_field: text('A field that the router needs is not there; `param` names it.', 'Send it.'),
  duplicate_key: text('A field that the router reads stands twice.', 'Send it once.'),
  forbidden_key: text('A key such as `__proto__` stands in the body.', 'Remove it.'),
  too_deep: text('The JSON is nested deeper than 64.', 'Send a flatter body.'),
  too_complex: text('The body holds more JSON tokens than the router reads.', 'Send fewer or larger values.'),
  too_many: text('A list is longer than its limit, which the text names.', 'Split the request.'),
  invalid_header: text(
    'An `x-spillway-*` header is unknown or has a bad value.',
    'Use one that the text lists; see [headers.md](headers.md).',
  ),
  malformed_request: text('The request is not plain, unambiguous HTTP.', 'Look at the client or the proxy before us.'),
  chunk_overhead: text('The body comes in pieces of a few bytes.', 'Send larger chunks, or a content-length.'),
  no_eligible_target: text(
    'No rung of the model can do what the call needs and its headers allow; the text says why for each.',
    'Ask for less, allow substitutes, or ask another model.',
  ),
  context_length_exceeded: text('The prompt is longer than the target takes.', 'Shorten it, or ask another model.'),
  content_refused: text("The target's content filter refused the request.", 'Change the content.'),
  refused_by_target: text(
    'The target says that the request is wrong. Its own words are not passed on.',
    'Look at the field that `param` names, if any, and at what the target supports.',
  ),
  conflicting_keys: text('`Authorization` and `x-api-key` carry two different keys.', 'Send one of them.'),
  idempotency_in_flight: text(
    'A request with the same `Idempotency-Key` is still under way.',
    'Wait for it; the same request again gets its reply.',
  ),
  idempotency_mismatch: text('The `Idempotency-Key` was used before, with another body.', 'Take a new key.'),
  store_unavailable: text(
    'A store that the call depends on cannot be read or written.',
    'Try again after `Retry-After`; the operator finds why in the log.',
  ),
  invalid_api_key: text(
    'No key that is in force came with the request. Missing, unknown, expired and revoked ones get the same answer.',
    'Ask the operator for a key; see [keys.md](keys.md).',
  ),
  host_not_allowed: text(
    'The Host header names neither loopback nor one of `server.allowedHosts`.',
    'Call 127.0.0.1 or localhost, or add the name.',
  ),
  origin_not_allowed: text(
    'A page in a browser called, and its origin is not in `server.allowedOrigins`.',
    'Call from a program, or add the origin.',
  ),
  not_allowed: text('The caller may not do this.', 'Ask the operator.'),
  not_found: text(
    'There is no such route.',
    'See the routes in the text; `/v1/v1` means that the base URL has one too many.',
  ),
  model_not_found: text('No model of this name can be asked; the text lists those that can.', 'Ask one of them.'),
  method_not_allowed: text('The route takes another method; `Allow` names it.', 'Use that one.'),
  body_timeout: text('The body stalled or came too slowly.', 'Send it again, faster.'),
  request_too_large: text('The body is larger than the limit.', 'Send less.'),
  unsupported_media_type: text('The body is not declared as JSON, or is compressed.', 'Send plain `application/json`.'),
  expectation_failed: text('An `Expect` header other than `100-continue`.', 'Leave it out.'),
  upgrade_required: text('The route wants another protocol.', 'See `Upgrade`.'),
  headers_too_large: text('More than 16 KiB or 100 headers, or a URL over 8 KiB.', 'Send fewer.'),
  above_limit: text(
    "The call alone asks for more than one of the caller's limits ever allows; the text says which.",
    'Ask for less, for instance a smaller `max_tokens`; see [spend.md](spend.md).',
  ),
  project_spend_limit_exceeded: text(
    'What the tenant may spend in this hour, day or month is spent, or less is left than the call is likely to cost. `resets_at` in the body says when the window ends. Anthropic dialects: 402 `billing_error`.',
    'Wait for the reset, or ask the operator for more; see [spend.md](spend.md).',
  ),
  rate_limit_exceeded: text(
    "A limit of the caller's tenant is used up: requests, tokens, or calls in flight; see [quotas.md](quotas.md).",
    'Wait for `Retry-After`.',
  ),
  capacity_contended: text(
    'Workers are up, but all their slots are taken, or they say that they are full, and the wait in line was too long.',
    'Wait for `Retry-After`, or add workers.',
  ),
  worker_full: text('The worker said that it is full or over its rate.', 'Wait for `Retry-After`.'),
  server_is_overloaded: text(
    'No target can serve the model now: all known to be failing.',
    'Wait; operators see why in `spillway status`.',
  ),
  model_warming: text(
    'The model is starting; `x-spillway-ready-in` says how many seconds that will take.',
    'Come back then.',
  ),
  draining: text('This router is shutting down.', 'Try again: another one may answer.'),
  upstream_error: text(
    'The last target failed: unreachable, broken or cut off.',
    'Try again; operators see it in the log.',
  ),
  upstream_refused_key: text(
    "The target refused the router's own credential, or its account has no money.",
    'Operators: look at the key of that pool.',
  ),
  upstream_unfunded: text(
    'The account behind a managed API has run out of money.',
    'Tell the operator; another try is no use.',
  ),
  upstream_timeout: text("The target was slower than the class's timeouts allow.", 'Try again, or raise the timeout.'),
  internal_error: text('A fault of the router. It is logged with the request id.', 'Report it.'),
  client_gone: text('The caller left before the reply was out. Nobody reads it; it stands in the log.', 'Nothing.'),
};
