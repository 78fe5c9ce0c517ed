// What begins a streamed response and what ends it, in whatever chunks it comes. For src/dialects.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import { REPLY_LIMITS } from '../../src/core/limits.ts';
import { openaiResponses as responses } from '../../src/dialects/openai-responses.ts';
import { EventFramer } from '../../src/wire/sse.ts';
import { toward } from '../fakes/call-parts.ts';
import { bytesOf } from './json-bodies.ts';
import { judging, streamCall } from './judged.ts';
import {
  begun,
  completed,
  created,
  opening,
  schemaFaults,
  textDelta,
  type WireEvent,
  wholeStream,
  wireText,
} from './openai-responses-events.ts';

const cut = new RouterError('upstream_error', 'The target ended its stream before the reply was finished.');
const at = { item_id: 'i', output_index: 0, sequence_number: 3 };

describe('first content of a response', () => {
  const content: [string, WireEvent][] = [
    ['text', textDelta('H')],
    ['a space', textDelta(' ')],
    ['reasoning', { type: 'response.reasoning_text.delta', ...at, content_index: 0, delta: 'hm' }],
    ['a summary of it', { type: 'response.reasoning_summary_text.delta', ...at, summary_index: 0, delta: 'hm' }],
    ['a refusal', { type: 'response.refusal.delta', ...at, content_index: 0, delta: 'I' }],
    ['arguments', { type: 'response.function_call_arguments.delta', ...at, delta: '{' }],
    ['input of a custom tool', { type: 'response.custom_tool_call_input.delta', ...at, delta: 'ls' }],
    ['arguments for MCP', { type: 'response.mcp_call_arguments.delta', ...at, delta: '{' }],
    ['code', { type: 'response.code_interpreter_call_code.delta', ...at, delta: 'x' }],
    ['audio', { type: 'response.audio.delta', delta: 'AAAA', sequence_number: 3 }],
    [
      'a part of an image',
      { type: 'response.image_generation_call.partial_image', ...at, partial_image_index: 0, partial_image_b64: 'A' },
    ],
    [
      'output of a shell',
      { type: 'response.shell_call_output_content.delta', ...at, command_index: 0, delta: { stdout: 'x' } },
    ],
    [
      'an annotation',
      {
        type: 'response.output_text.annotation.added',
        ...at,
        content_index: 0,
        annotation_index: 0,
        annotation: { type: 'file_citation', file_id: 'f', filename: 'f.txt', index: 0 },
      },
    ],
    [
      'an item that comes whole',
      {
        type: 'response.output_item.done',
        output_index: 0,
        item: { id: 'rs_1', type: 'reasoning', summary: [], encrypted_content: 'x' },
        sequence_number: 3,
      },
    ],
  ];
  it.each(content)('%s', (_, event) => {
    const j = judging(responses);
    for (const frame of opening) expect(j.event(frame)).toBe('forward');
    expect(schemaFaults({ ...event })).toEqual([]);
    expect(j.state.started).toBe(false);
    expect(j.event(event)).toBe('forward');
    expect(j.state).toEqual({ started: true, finished: false, done: false, fault: null });
  });

  const startUp: [string, object][] = [
    ['queued', { type: 'response.queued', response: begun(), sequence_number: 0 }],
    ['empty text', textDelta('')],
    ['an empty delta', { ...textDelta(''), delta: {} }],
    ['a delta of null', { ...textDelta(''), delta: null }],
    ['a delta without one', { type: 'response.output_text.delta' }],
    [
      'a part of a summary',
      { type: 'response.reasoning_summary_part.added', part: { type: 'summary_text', text: '' } },
    ],
    ['a search', { type: 'response.web_search_call.searching', ...at }],
    ['what is not known here', { type: 'response.thing.begun', delta: 'x' }],
    ['another family', { type: 'keepalive', sequence_number: 3 }],
  ];
  it.each(startUp)('F061 is not %s', (_, event) => {
    const j = judging(responses);
    expect(j.event(event)).toBe('forward');
    expect(j.state).toEqual({ started: false, finished: false, done: false, fault: null });
  });

  it('F061 nor pings, names and comments, which go on as they came', () => {
    const j = judging(responses);
    for (const text of [': ping\n\n', 'event: ping\n\n', 'retry: 3000\n\n', 'id: 7\r\n\r\n'])
      expect(j.raw(text)).toBe('forward');
    expect(j.state.started).toBe(false);
  });

  it('an event without a type in its data has that of its name', () => {
    const j = judging(responses);
    j.raw('event: response.output_text.delta\ndata: {"delta":"H"}\n\n');
    expect(j.state.started).toBe(true);
  });
});

describe('the end of a response', () => {
  it.each([
    ['completed', completed()],
    ['incomplete', { ...completed({ status: 'incomplete' }), type: 'response.incomplete' }],
  ])('%s ends it, content or none, and nothing behind it counts', (_, event) => {
    const j = judging(responses);
    expect(j.event(event)).toBe('forward');
    expect(j.state).toEqual({ started: true, finished: true, done: true, fault: null });
    expect(j.judge.usage).toEqual({ uncachedTokens: 4, cachedTokens: 6, outputTokens: 5, reasoningTokens: 2 });
    for (const rest of ['[DONE]', textDelta('more'), { error: { code: 500 } }]) expect(j.event(rest)).toBe('drop');
    j.tail('{"error":{"code":500}}');
    expect(j.state.fault).toBe(null);
  });

  it('F058 F059 a cut at any event boundary before it is no end', () => {
    for (let kept = 0; kept < wholeStream.length; kept++) {
      const j = judging(responses);
      for (const event of wholeStream.slice(0, kept)) expect(j.raw(wireText(event))).toBe('forward');
      expect(j.state).toMatchObject({ finished: false, done: false, fault: null });
    }
  });

  it('F059 [DONE] before it is a failure, not an end', () => {
    const j = judging(responses);
    j.event(textDelta('H'));
    expect(j.event('[DONE]')).toBe('stop');
    expect(j.state).toMatchObject({ finished: false, fault: 'upstream_error' });
  });

  it('F059 an end that holds no response, or a word that no schema knows, ends nothing', () => {
    const j = judging(responses);
    j.event(textDelta('H'));
    expect(j.event({ type: 'response.completed', sequence_number: 5 })).toBe('drop');
    expect(j.event({ type: 'response.completed', response: null })).toBe('drop');
    expect(j.event({ type: 'response.cancelled', response: begun({ status: 'cancelled' }) })).toBe('forward');
    expect(j.state).toMatchObject({ finished: false, fault: null });
    expect(j.judge.skippedEvents).toBe(2);
  });

  it('F059 generated text that spells an end ends nothing', () => {
    const j = judging(responses);
    for (const text of ['"type":"response.completed"', 'event: response.completed', '[DONE]'])
      expect(j.event(textDelta(text))).toBe('forward');
    expect(j.state).toEqual({ started: true, finished: false, done: false, fault: null });
  });

  it('says the model that answered, from its end or from its beginning', () => {
    const j = judging(responses);
    expect(j.judge.servedModel).toBe(null);
    j.event(created());
    expect(j.judge.servedModel).toBe('served-model-2026');
    j.event({ type: 'response.completed', response: { id: 'resp_target', object: 'response', output: [] } });
    expect(j.judge.servedModel).toBe('served-model-2026');
    const other = judging(responses);
    other.event(created());
    other.event(completed({ model: 'other' }));
    expect(other.judge.servedModel).toBe('other');
  });

  it('says by which id it is stored, from its beginning or from its end, where that is one', () => {
    const j = judging(responses);
    expect(j.judge.replyId).toBe(null);
    j.event(created());
    expect(j.judge.replyId).toBe('resp_target');
    j.event({ type: 'response.completed', response: { object: 'response', output: [] } });
    expect(j.judge.replyId).toBe('resp_target');
    const other = judging(responses);
    other.event(completed({ id: 'other' }));
    expect(other.judge.replyId).toBe('other');
    for (const id of ['', 'a b', 'r'.repeat(129)]) {
      const hostile = judging(responses);
      hostile.event(created(begun({ id })));
      hostile.event(completed({ id }));
      expect(hostile.judge.replyId).toBe(null);
    }
  });
});

describe('chunks', () => {
  const text = wholeStream.map(wireText).join('');
  const ends: [string, string][] = [
    ['whole', ''],
    ['whole and more', 'data: [DONE]\n\n'],
  ];
  const bodies = fc.constantFrom(
    ...ends.map(([, rest]) => text + rest),
    text.slice(0, -200),
    `${text.slice(0, text.indexOf('event: response.completed'))}event: error\ndata: {"type":"error","code":"slow_down"}\n\n`,
    `${wireText(created())}data: {"bro\n\n: ping\n\n${wireText(textDelta('grüß dich'))}{"error":{"code":503}}`,
  );

  function read(whole: Uint8Array, cuts: readonly number[]) {
    const judge = toward(streamCall(responses), 'm').judge();
    const framer = new EventFramer(
      (bytes, start, end) => (judge.done ? 2 : judge.judge(bytes, start, end)),
      REPLY_LIMITS.maxEventBytes,
    );
    const out: Uint8Array[] = [];
    const bounds = [0, ...cuts.map((cut) => cut % whole.length).sort((a, b) => a - b), whole.length];
    for (let i = 1; i < bounds.length; i++) {
      // Each chunk lies in memory of its own, and is gone once it is pushed.
      const chunk = whole.slice(bounds[i - 1], bounds[i]);
      framer.push(chunk, (run) => out.push(run.slice()));
      chunk.fill(0);
    }
    judge.tail(framer.tail());
    const { started, finished, done, fault, usage, servedModel, skippedEvents } = judge;
    const failure = judge.failure(fault ?? cut, 'req_1');
    const sent = Buffer.concat(out).toString();
    return { started, finished, done, fault: fault?.code, usage, servedModel, skippedEvents, sent, failure };
  }

  it('F065 cut anywhere, a stream means the same, to the byte', () => {
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(), { maxLength: 40 }), (stream, cuts) => {
        const whole = bytesOf(stream);
        expect(read(whole, cuts)).toEqual(read(whole, []));
      }),
      { numRuns: 300 },
    );
  });

  it('F065 nor do chunks of one byte change it', () => {
    const whole = bytesOf(text);
    const single = read(whole, [...whole.keys()]);
    expect(single).toEqual(read(whole, []));
    expect(single).toMatchObject({ finished: true, sent: text, skippedEvents: 0 });
  });
});
