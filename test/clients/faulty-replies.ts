// Decides what a target sends in each dialect: one good reply, whole and streamed, and the ways in which it goes wrong.
// For the suite that compares what clients make of it with the router and without.
import type Anthropic from '@anthropic-ai/sdk';
import { anthropicFrame, messageEvents } from '../fakes/anthropic-api.ts';
import { chatReply, chatStream } from '../fakes/chat-fixtures.ts';
import { endCleanly, flush, json, reply, reset, type Script, streamHead, writeAll } from '../fakes/fault-upstream.ts';

export type Family = 'chat' | 'messages' | 'responses';
export const TEXT = 'The quick brown fox jumps over the lazy dog.';

interface Good {
  readonly whole: unknown;
  readonly events: readonly (Buffer | string)[];
  /** How many events come before the first text, and with it. */
  readonly beforeText: number;
  readonly withText: number;
}

const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content: [{ type: 'text', text: TEXT, citations: null }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 4, output_tokens: 9 },
} as unknown as Anthropic.Message;

function response(): Good {
  const part = { type: 'output_text', text: TEXT, annotations: [], logprobs: [] };
  const item = { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content: [part] };
  const usage = {
    input_tokens: 4,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 9,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 13,
  };
  const base = { id: 'resp_1', object: 'response', created_at: 1, model: 'm', error: null, incomplete_details: null };
  const whole = { ...base, status: 'completed', output: [item], usage };
  const begun = { ...base, status: 'in_progress', output: [], usage: null };
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
  const delta = (text: string) => ({ type: 'response.output_text.delta', ...place, delta: text, logprobs: [] });
  const middle = TEXT.length / 2;
  const events = [
    { type: 'response.created', response: begun },
    { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
    { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
    delta(TEXT.slice(0, middle)),
    delta(TEXT.slice(middle)),
    { type: 'response.output_text.done', ...place, text: TEXT, logprobs: [] },
    { type: 'response.content_part.done', ...place, part },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: whole },
  ].map((event, sequence_number) => anthropicFrame(Object.assign(event, { sequence_number })));
  return { whole, events, beforeText: 1, withText: 4 };
}

const GOOD: Record<Family, Good> = {
  chat: {
    whole: chatReply({ model: 'm', text: TEXT }),
    events: chatStream({ model: 'm', text: TEXT, usageEvents: 'last' }),
    beforeText: 1,
    withText: 3,
  },
  messages: { whole: MESSAGE, events: messageEvents(MESSAGE), beforeText: 1, withText: 4 },
  responses: response(),
};

const said = (type: string) => ({ message: 'Something is wrong here.', type, param: null, code: type });
const errorBody = (family: Family, type: string) =>
  family === 'messages'
    ? { type: 'error', error: { type, message: 'Something is wrong here.' } }
    : { error: said(type) };

/** As each dialect says an error inside a stream. */
function inBand(family: Family): string {
  if (family === 'chat') return `data: ${JSON.stringify({ error: said('server_error') })}\n\n`;
  if (family === 'messages') return anthropicFrame(errorBody(family, 'overloaded_error') as { type: string });
  const error = { code: 'server_error', message: 'Something is wrong here.' };
  const failed = { ...(GOOD.responses.whole as object), status: 'failed', error, output: [], usage: null };
  const event = { type: 'response.failed', sequence_number: 99, response: failed };
  return anthropicFrame(event);
}

const streamOf = (events: readonly (Buffer | string)[]) => [streamHead(), writeAll(events), flush()];

export function goodReply(family: Family, stream: boolean): Script {
  const { whole, events } = GOOD[family];
  return stream ? [...streamOf(events), endCleanly()] : [json(200, whole)];
}

export interface Fault {
  readonly what: string;
  /** The caller has seen nothing of the reply yet, so that another target can give all of it. */
  readonly early: boolean;
  script(family: Family): Script;
}

const refused = (status: number, type: string, headers: Record<string, string> = {}): Fault['script'] => {
  return (family) => [json(status, errorBody(family, type), headers)];
};
const HTML = reply(200, '<html>Be right back</html>', { 'content-type': 'text/html' });

/** Of replies of both kinds. */
export const FAULTS: readonly Fault[] = [
  { what: '401, the operator’s key being wrong', early: true, script: refused(401, 'authentication_error') },
  { what: '429 with Retry-After', early: true, script: refused(429, 'rate_limit_error', { 'retry-after': '1' }) },
  { what: '429 without it', early: true, script: refused(429, 'rate_limit_error') },
  { what: '500', early: true, script: refused(500, 'api_error') },
  { what: '529', early: true, script: refused(529, 'overloaded_error') },
  { what: 'a reset before the head', early: true, script: () => [reset()] },
  { what: 'a page with status 200', early: true, script: () => [HTML] },
];

const begun = (family: Family) => streamOf(GOOD[family].events.slice(0, GOOD[family].beforeText));
const speaking = (family: Family) => streamOf(GOOD[family].events.slice(0, GOOD[family].withText));

/** Of streams alone. */
export const STREAM_FAULTS: readonly Fault[] = [
  { what: 'a reset before the first text', early: true, script: (family) => [...begun(family), reset()] },
  { what: 'a clean end before it', early: true, script: (family) => [...begun(family), endCleanly()] },
  {
    what: 'an in-band error before it',
    early: true,
    script: (family) => [...begun(family), writeAll([inBand(family)]), endCleanly()],
  },
  { what: 'a reset amid the text', early: false, script: (family) => [...speaking(family), reset()] },
  { what: 'a clean end amid the text', early: false, script: (family) => [...speaking(family), endCleanly()] },
  {
    what: 'an in-band error amid the text',
    early: false,
    script: (family) => [...speaking(family), writeAll([inBand(family)]), endCleanly()],
  },
];

/** Of whole replies alone. */
export const WHOLE_FAULTS: readonly Fault[] = [
  { what: 'an error inside a 200', early: true, script: refused(200, 'server_error') },
  {
    what: 'half a body',
    early: true,
    script: (family) => [
      (x) => {
        const bytes = Buffer.from(JSON.stringify(GOOD[family].whole));
        x.head(200, { 'content-type': 'application/json', 'content-length': String(bytes.length) });
        x.body(bytes.subarray(0, bytes.length / 2));
      },
      flush(),
      reset(),
    ],
  },
];

/** What a target sends that goes wrong in the way of this name. */
export function scriptOf(what: string, family: Family): Script {
  return [...FAULTS, ...STREAM_FAULTS, ...WHOLE_FAULTS].find((fault) => fault.what === what)!.script(family);
}
