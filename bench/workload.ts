// What is sent and what must come back, byte for byte: requests, replies and streams. For the load and the upstream.

export const MODEL = 'bench-model';

export const WORKLOADS = ['small', 'large', 'stream', 'idle'] as const;
export type WorkloadName = (typeof WORKLOADS)[number];

export interface Workload {
  readonly requestBody: Buffer;
  /** Bytes of the reply, each piece one write (and one HTTP chunk when `streamed`). */
  readonly pieces: readonly Buffer[];
  readonly reply: Buffer;
  readonly streamed: boolean;
  /** The stream stays open after its last piece. */
  readonly open: boolean;
}

export const STREAM_EVENTS = 500;
const SMALL_BYTES = 2_048;
const LARGE_BYTES = 220 * 1_024;
const REPLY_BYTES = 1_024;
const EVENT_BYTES = 250;

const SENTENCE = 'The quick answer is that the tank holds 40 litres; see "manual", page 12 — section über Ventile. ';

function prose(bytes: number): string {
  return SENTENCE.repeat(Math.ceil(bytes / SENTENCE.length)).slice(0, bytes);
}

const TOOL = {
  type: 'function',
  function: {
    name: 'look_up_part',
    description: 'Looks up a spare part by its number',
    parameters: { type: 'object', properties: { part: { type: 'string' } }, required: ['part'] },
  },
};

/** A chat request of about `bytes`: a system text, turns of tool use, and one question. */
function chatBody(bytes: number, stream: boolean): Buffer {
  const history: object[] = [];
  const turnBytes = 6_000;
  const fixed = 800;
  for (let left = bytes - fixed; left > turnBytes; left -= turnBytes) {
    const id = `call_${history.length}`;
    const call = { id, type: 'function', function: { name: 'look_up_part', arguments: '{"part":"A-113"}' } };
    history.push({ role: 'assistant', content: null, tool_calls: [call] });
    history.push({ role: 'tool', tool_call_id: id, content: prose(turnBytes - 250) });
  }
  const make = (question: string) =>
    Buffer.from(
      JSON.stringify({
        model: MODEL,
        messages: [
          { role: 'system', content: prose(Math.min(900, bytes / 3)) },
          { role: 'user', content: 'Which part do I need?' },
          ...history,
          { role: 'user', content: question },
        ],
        tools: [TOOL],
        temperature: 0.2,
        max_tokens: 256,
        stream,
        ...(stream ? { stream_options: { include_usage: true } } : {}),
      }),
    );
  return make('x'.repeat(Math.max(16, bytes - make('').length)));
}

function chatReply(): Buffer {
  const make = (content: string) =>
    Buffer.from(
      JSON.stringify({
        id: 'chatcmpl-bench',
        object: 'chat.completion',
        created: 1_700_000_000,
        model: MODEL,
        choices: [{ index: 0, message: { role: 'assistant', content }, logprobs: null, finish_reason: 'stop' }],
        usage: { prompt_tokens: 512, completion_tokens: 128, total_tokens: 640 },
      }),
    );
  return make('y'.repeat(REPLY_BYTES - make('').length));
}

function chunkEvent(fields: object): Buffer {
  const head = { id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_700_000_000, model: MODEL };
  return Buffer.from(`data: ${JSON.stringify({ ...head, ...fields })}\n\n`);
}

function textEvent(index: number): Buffer {
  const make = (content: string) =>
    chunkEvent({ choices: [{ index: 0, delta: { content }, logprobs: null, finish_reason: null }], usage: null });
  const content = ` ${index}`;
  return make(content + 'z'.repeat(EVENT_BYTES - make(content).length));
}

function chatStream(events: number): Buffer[] {
  const pieces = Array.from({ length: events - 3 }, (_, index) => textEvent(index));
  pieces.push(chunkEvent({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: null }));
  const usage = { prompt_tokens: 512, completion_tokens: events, total_tokens: 512 + events };
  pieces.push(chunkEvent({ choices: [], usage }), Buffer.from('data: [DONE]\n\n'));
  return pieces;
}

const BUILD: Record<WorkloadName, () => Omit<Workload, 'reply'>> = {
  small: () => ({ requestBody: chatBody(SMALL_BYTES, false), pieces: [chatReply()], streamed: false, open: false }),
  large: () => ({ requestBody: chatBody(LARGE_BYTES, false), pieces: [chatReply()], streamed: false, open: false }),
  stream: () => ({
    requestBody: chatBody(SMALL_BYTES, true),
    pieces: chatStream(STREAM_EVENTS),
    streamed: true,
    open: false,
  }),
  idle: () => ({ requestBody: chatBody(SMALL_BYTES, true), pieces: [textEvent(0)], streamed: true, open: true }),
};

export function workload(name: WorkloadName): Workload {
  const built = BUILD[name]();
  return { ...built, reply: Buffer.concat(built.pieces) };
}
