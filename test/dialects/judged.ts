// Decides how a test shows events to a judge: one whole event at a time, as the framer does. For tests of src/dialects.
import type { Dialect, ParsedCall, StreamJudge } from '../../src/core/dialect.ts';
import { DROP, FORWARD, STOP } from '../../src/wire/sse.ts';
import { parseCall, toward } from '../fakes/call-parts.ts';
import { bytesOf } from './json-bodies.ts';

const NAMES = new Map([
  [FORWARD, 'forward'],
  [DROP, 'drop'],
  [STOP, 'stop'],
]);

export function streamCall(dialect: Dialect, more: Record<string, unknown> = {}): ParsedCall {
  const asks = { model: 'm', messages: [], prompt: 'x', stream: true, ...more };
  return parseCall(dialect, bytesOf(JSON.stringify(asks)));
}

/** A judge and what it says of events: `forward`, `drop` or `stop`. */
export function judging(dialect: Dialect, more: Record<string, unknown> = {}) {
  const judge: StreamJudge = toward(streamCall(dialect, more), 'm').judge();
  const raw = (text: string) => {
    const bytes = bytesOf(text);
    return NAMES.get(judge.judge(bytes, 0, bytes.length));
  };
  return {
    judge,
    /** Raw bytes of one event, blank line and all. */
    raw,
    event: (data: unknown) => raw(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`),
    tail: (text: string) => judge.tail(bytesOf(text)),
    /** What the call would be taken for if the stream ended cleanly now. */
    get state() {
      const { started, finished, done, fault } = judge;
      return { started, finished, done, fault: fault?.code ?? null };
    },
  };
}

export const chunk = (delta: object | null, finish: string | null = null, index = 0, more: object = {}) => ({
  id: 'c',
  object: 'chat.completion.chunk',
  model: 'served',
  choices: [{ index, delta, finish_reason: finish }],
  ...more,
});

export const textChunk = (text: string, finish: string | null = null, index = 0) => ({
  object: 'text_completion',
  model: 'served',
  choices: [{ index, text, finish_reason: finish }],
});
