// Decides which named faults there are for an upstream reply, each a script made of small steps,
// for table tests that run every one of them against the router.

import { chatReply, chatStream, type StreamOptions } from './chat-fixtures.ts';
import type { Cut } from './fault-exchange.ts';
import {
  comment,
  encoded,
  encodedReply,
  event,
  gzipBomb,
  hang,
  hangUp,
  json,
  oversizedHeaders,
  raw,
  reply,
  reset,
  type Script,
  type Step,
  status,
  streamHead,
  write,
  writeAll,
} from './fault-steps.ts';

const replyText = JSON.stringify(chatReply());
const page = '<!doctype html><html><body><h1>Welcome to nginx!</h1></body></html>';

/** A 200 whose body is no reply (fault row F057). */
export const badBodies = {
  'html page': [reply(200, page, { 'content-type': 'text/html' })],
  'html page labelled json': [reply(200, page)],
  'html page labelled event stream': [reply(200, page, { 'content-type': 'text/event-stream' })],
  'invalid json': [reply(200, replyText.slice(0, -7))],
  'json of another shape': [json(200, { ok: true })],
  'json null': [reply(200, 'null')],
  'wrong content-type': [reply(200, replyText, { 'content-type': 'image/png' })],
  'empty body': [reply(200, '')],
  'empty body, chunked': [status(200, { 'content-type': 'application/json' })],
  'empty event stream': [streamHead()],
  'invalid utf-8': [reply(200, Buffer.concat([Buffer.from(replyText.slice(0, 40)), Buffer.from([0xff, 0xfe])]))],
} satisfies Record<string, Script>;

const framed = (length: number) => status(200, { 'content-type': 'application/json', 'content-length': `${length}` });
const statusLine = 'HTTP/1.1 200 OK\r\n';

/** Responses that break HTTP itself; the socket cannot be used again. */
export const brokenFraming = {
  'length longer than the body': [framed(replyText.length + 100), write(replyText), hangUp()],
  'length shorter than the body': [framed(replyText.length - 20), write(replyText)],
  'length that is no number': [raw(`${statusLine}content-length: many\r\n\r\n${replyText}`), hangUp()],
  'two lengths that differ': [raw(`${statusLine}content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef`), hangUp()],
  'chunk size that is no number': [raw(`${statusLine}transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n`), hangUp()],
  'chunked body without its end': [streamHead(), writeAll(chatStream()), hangUp()],
  'no http at all': [raw('SSH-2.0-OpenSSH_9.6\r\n'), hangUp()],
  'reset before the head': [reset()],
  'closed before the head': [hangUp()],
  'half a head': [raw('HTTP/1.1 200 OK\r\ncontent-ty'), hangUp()],
  'oversized response headers': [status(200, oversizedHeaders(256 * 1024)), write(replyText)],
} satisfies Record<string, Script>;

/** Bodies that are small on the wire and huge once decoded, or encoded in unexpected ways (F067). */
export const bombs = (expandedMiB: number) =>
  ({
    gzip: [encodedReply(gzipBomb(expandedMiB), ['gzip'])],
    'gzip in gzip': [encodedReply(encoded(gzipBomb(expandedMiB), ['gzip']), ['gzip', 'gzip'])],
    br: [encodedReply(encoded(Buffer.alloc(expandedMiB * 1024 * 1024, ' '), ['br']), ['br'])],
  }) satisfies Record<string, Script>;

/** A good reply that is merely encoded though nobody asked. */
export const encodedReplies = {
  gzip: [encodedReply(encoded(replyText, ['gzip']), ['gzip'])],
  br: [encodedReply(encoded(replyText, ['br']), ['br'])],
  'gzip, br': [encodedReply(encoded(replyText, ['gzip', 'br']), ['gzip', 'br'])],
} satisfies Record<string, Script>;

export const serverError = { message: 'The engine has died.', type: 'server_error', param: null, code: null };
export const quotaError = {
  message: 'You exceeded your current quota, please check your plan and billing details.',
  type: 'insufficient_quota',
  param: null,
  code: 'insufficient_quota',
};
export const rateError = {
  message: 'Rate limit reached for requests',
  type: 'requests',
  param: null,
  code: 'rate_limit_exceeded',
};

/** Retry-After in every form that providers send; the date needs the time. */
export const retryHints = (wallMs: number) =>
  ({
    none: {},
    seconds: { 'retry-after': '2' },
    'fraction of a second': { 'retry-after': '0.4' },
    date: { 'retry-after': new Date(wallMs + 3_000).toUTCString() },
    'date in the past': { 'retry-after': new Date(wallMs - 60_000).toUTCString() },
    absurd: { 'retry-after': '86400' },
    negative: { 'retry-after': '-5' },
    nonsense: { 'retry-after': 'soon' },
    milliseconds: { 'retry-after-ms': '300' },
  }) satisfies Record<string, Record<string, string>>;

/** A refusal by status (F068): 429, 503 or 529 with the hint given. */
export const busy = (code: 429 | 503 | 529, hint: Record<string, string> = {}): Script => [
  json(code, { error: code === 429 ? rateError : serverError }, hint),
];

/** A 429 that waiting does not cure: the key has no money left. */
export const outOfQuota = (): Script => [json(429, { error: quotaError })];

const events = (count: number, options: StreamOptions = {}) => chatStream({ done: false, ...options }).slice(0, count);

/** An error inside a 200 stream, after `count` good events (F060). */
export const inBandErrors = (count: number, error: object = serverError) => {
  const before = [streamHead(), writeAll(events(count))];
  const chunk = {
    id: 'chatcmpl-7c6d1f0b2a9e4d53',
    object: 'chat.completion.chunk',
    created: 1_795_000_000,
    model: 'support-7b',
  };
  const failed = [{ index: 0, delta: {}, logprobs: null, finish_reason: 'error' }];
  return {
    'error object': [...before, event({ error })],
    'error object, then [DONE]': [...before, event({ error }), event('[DONE]')],
    'error as a named event': [...before, event({ error }, { name: 'error' })],
    'chunk without choices and with an error': [...before, event({ ...chunk, choices: [], error })],
    'raw json tail': [...before, write(JSON.stringify({ error }))],
    'finish_reason error alone': [...before, event({ ...chunk, choices: failed }), event('[DONE]')],
    'finish_reason error with its cause': [...before, event({ ...chunk, choices: failed, error }), event('[DONE]')],
  } satisfies Record<string, Script>;
};

/** Frames without content, then the refusal (F061): the router must still be able to fail over. */
export const refusalsAfterStart = (error: object = quotaError) => {
  const refuse: Step[] = [event({ error })];
  return {
    'role chunk': [streamHead(), writeAll(events(1)), ...refuse],
    comment: [streamHead(), comment('processing'), ...refuse],
    ping: [streamHead(), event({ type: 'ping' }, { name: 'ping' }), ...refuse],
    'many comments': [streamHead(), ...Array.from({ length: 16 }, () => comment()), ...refuse],
    'nothing at all': [streamHead(), ...refuse],
  } satisfies Record<string, Script>;
};

/** A stream that breaks off after `count` whole events, by reset or FIN (F058). */
export const cutStream = (count: number, how: Cut, options: StreamOptions = {}): Script => [
  streamHead(),
  writeAll(events(count, options)),
  how === 'rst' ? reset() : hangUp(),
];

/** A stream that ends in good order at HTTP level, but says neither a finish reason nor [DONE] (F059). */
export const truncatedStream = (count: number, options: StreamOptions = {}): Script => [
  streamHead(),
  writeAll(events(count, { finishReason: null, ...options })),
];

/** Silence in each phase (F064). */
export const silences = {
  'before headers': [hang()],
  'after headers': [streamHead(), hang()],
  'after the role frame': [streamHead(), writeAll(events(1)), hang()],
  'between events': [streamHead(), writeAll(events(3)), hang()],
  'inside an event': [streamHead(), writeAll(events(3)), write('data: {"id":"chatc'), hang()],
  'before the end of the body': [streamHead(), writeAll(chatStream()), hang()],
} satisfies Record<string, Script>;
