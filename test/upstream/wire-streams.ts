// Decides which small streams targets send in each dialect, where content and end lie in them, and how many whole events
// a cut leaves. For the suites of cut points and of surfaces.

export interface Frames {
  readonly events: readonly Buffer[];
  /** Indexes of the first event with content and of the one that ends the reply. */
  readonly firstContent: number;
  readonly finish: number;
  /** Stands in the stream, and in no other reply. */
  readonly mark: string;
  /** Whether the caller gets to see an event: the usage event only where it was asked for. */
  shown(at: number): boolean;
  /** How many events are whole within the first bytes of the body. */
  wholeIn(bytes: number): number;
}

const MARK = 'cut-1';

function framesOf(
  events: readonly Buffer[],
  { mark, firstContent, finish, hidden = -1 }: { mark: string; firstContent: number; finish: number; hidden?: number },
): Frames {
  const ends = events.map((_, at) => events.slice(0, at + 1).reduce((sum, { length }) => sum + length, 0));
  return {
    events,
    firstContent,
    finish,
    mark,
    shown: (at) => at !== hidden,
    wholeIn: (bytes) => ends.filter((end) => end <= bytes).length,
  };
}

const unnamed = (values: readonly object[]) => [
  ...values.map((value) => Buffer.from(`data: ${JSON.stringify(value)}\n\n`)),
  Buffer.from('data: [DONE]\n\n'),
];
const named = (values: readonly { readonly type: string }[]) =>
  values.map((value) => Buffer.from(`event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`));

const USAGE = {
  prompt_tokens: 7,
  completion_tokens: 4,
  total_tokens: 11,
  prompt_tokens_details: { cached_tokens: 3 },
};

/** Role, three pieces of text in several alphabets, a tool call, the finish reason, usage that was asked for, [DONE]. */
export function chatFrames(mark = MARK): Frames {
  const chunk = (delta: object, finish: string | null = null) => ({
    id: mark,
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const call = { index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"q":"é"}' } };
  const values = [
    chunk({ role: 'assistant', content: '' }),
    chunk({ content: 'Grüße' }),
    chunk({ content: ', 世界' }),
    chunk({ content: ' 🌍 "finish_reason":"stop"' }),
    chunk({ tool_calls: [call] }),
    chunk({}, 'tool_calls'),
    { id: mark, object: 'chat.completion.chunk', created: 1, model: 'm', choices: [], usage: USAGE },
  ];
  return framesOf(unnamed(values), { mark, firstContent: 1, finish: 5 });
}

/** Text completions, with a usage event that the caller did not ask for. */
export function completionFrames(mark = MARK): Frames {
  const chunk = (text: string, finish: string | null = null) => ({
    id: mark,
    object: 'text_completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, text, finish_reason: finish }],
  });
  const usage = { id: mark, object: 'text_completion', created: 1, model: 'm', choices: [], usage: USAGE };
  const values = [chunk(''), chunk('Grüße'), chunk(' 世界'), chunk(' 🌍'), chunk('', 'stop'), usage];
  return framesOf(unnamed(values), { mark, firstContent: 1, finish: 4, hidden: 5 });
}

/** A message of text and a tool call; its first event tells the input's tokens. */
export function messageFrames(mark = MARK): Frames {
  const usage = { input_tokens: 4, cache_read_input_tokens: 3, output_tokens: 1 };
  const message = { id: mark, type: 'message', role: 'assistant', model: 'm', content: [] };
  const delta = (said: object, index = 0) => ({ type: 'content_block_delta', index, delta: said });
  const text = (said: string) => delta({ type: 'text_delta', text: said });
  const values = [
    { type: 'message_start', message: { ...message, stop_reason: null, stop_sequence: null, usage } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'ping' },
    text('Grüße'),
    text(', 世界 🌍 "stop_reason":"end_turn"'),
    { type: 'content_block_stop', index: 0 },
    { type: 'content_block_start', index: 1, content_block: { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} } },
    delta({ type: 'input_json_delta', partial_json: '{"q":"é"}' }, 1),
    { type: 'content_block_stop', index: 1 },
    { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { output_tokens: 4 } },
    { type: 'message_stop' },
  ];
  return framesOf(named(values), { mark, firstContent: 3, finish: 10 });
}

/** A response of one message, numbered event by event. */
export function responseFrames(mark = MARK): Frames {
  const response = { id: mark, object: 'response', status: 'in_progress', model: 'm', error: null, output: [] };
  const place = { item_id: 'i', output_index: 0, content_index: 0 };
  const part = { type: 'output_text', text: '', annotations: [] };
  const item = { id: 'i', type: 'message', role: 'assistant', content: [] };
  const usage = {
    input_tokens: 7,
    input_tokens_details: { cached_tokens: 3 },
    output_tokens: 4,
    output_tokens_details: { reasoning_tokens: 1 },
  };
  const values = [
    { type: 'response.created', response },
    { type: 'response.output_item.added', output_index: 0, item },
    { type: 'response.content_part.added', ...place, part },
    { type: 'response.output_text.delta', ...place, delta: 'Grüße' },
    { type: 'response.output_text.delta', ...place, delta: ', 世界 🌍 "response.completed"' },
    { type: 'response.output_text.done', ...place, text: 'Grüße, 世界 🌍' },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: { ...response, status: 'completed', output: [item], usage } },
  ].map((event, sequence_number) => ({ ...event, sequence_number }));
  return framesOf(named(values), { mark, firstContent: 3, finish: 7 });
}

/** The response as it goes over the wire, one chunk an event, and how much of the body a run of its bytes holds. */
export function wireOf(events: readonly Buffer[]) {
  const parts: { bytes: Buffer; isBody: boolean }[] = [
    {
      bytes: Buffer.from(
        'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n',
      ),
      isBody: false,
    },
  ];
  for (const bytes of events) {
    parts.push({ bytes: Buffer.from(`${bytes.length.toString(16)}\r\n`), isBody: false });
    parts.push({ bytes, isBody: true }, { bytes: Buffer.from('\r\n'), isBody: false });
  }
  parts.push({ bytes: Buffer.from('0\r\n\r\n'), isBody: false });
  return {
    wire: Buffer.concat(parts.map(({ bytes }) => bytes)),
    body: Buffer.concat(events),
    bodyBytesAt(offset: number): number {
      let left = offset;
      let body = 0;
      for (const { bytes, isBody } of parts) {
        const taken = Math.min(left, bytes.length);
        if (isBody) body += taken;
        left -= taken;
      }
      return body;
    },
  };
}
