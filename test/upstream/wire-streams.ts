// Decides which small streams are cut at every byte, and how many whole events a cut leaves. For the cut-point suite.

export interface Frames {
  readonly events: readonly Buffer[];
  /** Indexes of the first event with content and of the one with the finish reason. */
  readonly firstContent: number;
  readonly finish: number;
  /** Stands in every event, and in no other reply. */
  readonly mark: string;
  /** Whether the caller gets to see an event: the usage event only where it was asked for. */
  shown(at: number): boolean;
  /** How many events are whole within the first bytes of the body. */
  wholeIn(bytes: number): number;
}

const MARK = 'cut-1';

function framesOf(values: readonly object[], firstContent: number, finish: number, usage: number | null): Frames {
  const events = [
    ...values.map((value) => Buffer.from(`data: ${JSON.stringify(value)}\n\n`)),
    Buffer.from('data: [DONE]\n\n'),
  ];
  const ends = events.map((_, at) => events.slice(0, at + 1).reduce((sum, { length }) => sum + length, 0));
  return {
    events,
    firstContent,
    finish,
    mark: MARK,
    shown: (at) => at !== usage,
    wholeIn: (bytes) => ends.filter((end) => end <= bytes).length,
  };
}

const USAGE = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };

/** Role, three pieces of text in several alphabets, a tool call, the finish reason, usage that was asked for, [DONE]. */
export function chatFrames(): Frames {
  const chunk = (delta: object, finish: string | null = null) => ({
    id: MARK,
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
    { id: MARK, object: 'chat.completion.chunk', created: 1, model: 'm', choices: [], usage: USAGE },
  ];
  return framesOf(values, 1, 5, null);
}

/** Text completions, with a usage event that the caller did not ask for. */
export function completionFrames(): Frames {
  const chunk = (text: string, finish: string | null = null) => ({
    id: MARK,
    object: 'text_completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, text, finish_reason: finish }],
  });
  const usage = { id: MARK, object: 'text_completion', created: 1, model: 'm', choices: [], usage: USAGE };
  return framesOf([chunk(''), chunk('Grüße'), chunk(' 世界'), chunk(' 🌍'), chunk('', 'stop'), usage], 1, 4, 5);
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
