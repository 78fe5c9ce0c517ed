// What commits a streamed message, what ends it, and what it says of itself. For src/dialects/anthropic-stream.
import type Anthropic from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import {
  begin,
  close,
  delta,
  end,
  message,
  open,
  openText,
  openTool,
  ping,
  reason,
  text,
  whole,
} from './anthropic-events.ts';
import { having, streaming } from './anthropic-judged.ts';

describe('first content of a message', () => {
  const content: [string, Anthropic.RawMessageStreamEvent | { type: string }][] = [
    ['text', text('H')],
    ['a space', text(' ')],
    ['thinking', delta({ type: 'thinking_delta', thinking: 'hm' })],
    ['a signature', delta({ type: 'signature_delta', signature: 'EqQ=' })],
    ['a piece of a tool’s input', delta({ type: 'input_json_delta', partial_json: '{"pa' })],
    [
      'a citation',
      { type: 'content_block_delta', index: 0, delta: { type: 'citations_delta', citation: {} } } as never,
    ],
    ['a delta of a later kind', { type: 'content_block_delta', delta: { type: 'later_delta', later: 'x' } } as never],
    ['a block that opens with text', openText('H')],
    ['a tool use that opens with its input', openTool({ path: 'a' })],
    ['redacted thinking', open({ type: 'redacted_thinking', data: 'Eq' })],
    [
      'the result of a tool',
      { type: 'content_block_start', content_block: { type: 'web_search_tool_result' } } as never,
    ],
  ];
  it.each(content)('is %s', (_, event) => {
    const j = having(begin());
    expect(j.state.started).toBe(false);
    expect(j.say(event)).toBe('forward');
    expect(j.state).toEqual({ started: true, finished: false, done: false, fault: null });
  });

  const frames: [string, { type: string }][] = [
    ['a ping', ping],
    ['a text block that opens', openText()],
    ['a thinking block that opens', open({ type: 'thinking', thinking: '', signature: '' })],
    ['a tool use that opens, with its name', openTool()],
    ['empty text', text('')],
    ['empty input', delta({ type: 'input_json_delta', partial_json: '' })],
    [
      'an estimate of thinking',
      { type: 'content_block_delta', delta: { type: 'thinking_delta', thinking: '', estimated_tokens: 9 } } as never,
    ],
    ['a delta that is none', { type: 'content_block_delta', delta: null } as never],
    ['a block that closes', close()],
    ['a stop reason', reason()],
    ['an event of a later kind', { type: 'later_event', later: 'x' } as never],
  ];
  it.each(frames)('F061 is not %s', (_, event) => {
    const j = having(begin(), event);
    expect(j.state).toEqual({ started: false, finished: false, done: false, fault: null });
  });

  it('F061 nor comments and names, which go on as they came', () => {
    const j = streaming();
    for (const raw of [
      ': ping\n\n',
      'event: ping\n\n',
      'retry: 3000\n\n',
      '\n',
      'id: 7\r\n\r\n',
      'event: ping\ndata: {}\n\n',
    ])
      expect(j.raw(raw)).toBe('forward');
    expect(j.state).toEqual({ started: false, finished: false, done: false, fault: null });
  });

  it('a message that begins with content is content', () => {
    const first: Anthropic.ContentBlock = { type: 'text', text: 'H', citations: null };
    expect(having(begin({ content: [first] })).state.started).toBe(true);
  });
});

describe('the end of a message', () => {
  it('is message_stop, after which nothing comes', () => {
    const j = streaming();
    for (const event of whole) {
      expect(j.state.finished).toBe(false);
      j.say(event);
    }
    expect(j.state).toEqual({ started: true, finished: true, done: true, fault: null });
  });

  it('an empty answer is an answer', () => {
    expect(having(begin(), reason('refusal'), end).state).toEqual({
      started: true,
      finished: true,
      done: true,
      fault: null,
    });
  });

  it('F058 F059 no event before message_stop ends it, a stop reason included', () => {
    for (let count = 0; count < whole.length; count++) {
      const j = having(...whole.slice(0, count));
      j.tail('');
      expect(j.state, `${count} events`).toMatchObject({ finished: false, done: false, fault: null });
    }
  });

  it('F059 message_stop without a stop reason is a failure, not an end', () => {
    const j = having(begin(), openText(), text('H'), close(), reason(null));
    expect(j.say(end)).toBe('stop');
    expect(j.state).toEqual({ started: true, finished: false, done: false, fault: 'upstream_error' });
  });

  it('F059 text that spells an end ends nothing', () => {
    const j = having(begin(), openText(), text('{"type":"message_stop"}'), text('event: message_stop'));
    expect(j.state).toMatchObject({ finished: false, fault: null });
  });

  it('F124 a second start, and content or an end without one, are failures: clients pass over or refuse them', () => {
    const twice = having(begin(), openText(), text('H'));
    expect(twice.say(begin())).toBe('stop');
    expect(twice.state.fault).toBe('upstream_error');
    for (const event of [openText(), text('H'), end]) {
      const j = streaming();
      expect(j.say(event)).toBe('stop');
      expect(j.state).toEqual({ started: false, finished: false, done: false, fault: 'upstream_error' });
    }
  });
});

describe('what a stream says of itself', () => {
  it('F133 F134 usage is read from the start on and corrected to the end, each token once', () => {
    const j = streaming();
    expect(j.judge.usage).toBe(null);
    j.say(begin());
    const told = { cacheWriteTokens: 20, serviceTier: 'standard' };
    const first = { uncachedTokens: 24, cachedTokens: 300, outputTokens: 1, reasoningTokens: 0 };
    expect(j.judge.usage).toEqual({ ...first, ...told });
    j.say(openText());
    j.say(text('H'));
    j.say(reason(null, { output_tokens: 5 }));
    expect(j.judge.usage).toMatchObject({ uncachedTokens: 24, cachedTokens: 300, outputTokens: 5 });
    j.say(
      reason('end_turn', {
        input_tokens: 6,
        cache_read_input_tokens: 310,
        output_tokens: 9,
        output_tokens_details: { thinking_tokens: 4 },
      }),
    );
    const last = { uncachedTokens: 26, cachedTokens: 310, outputTokens: 9, reasoningTokens: 4 };
    expect(j.judge.usage).toEqual({ ...last, ...told });
  });

  it('F124 usage that is missing, null or nothing at the start comes with the end', () => {
    for (const said of [undefined, null, 7, { input_tokens: 0, output_tokens: 0 }]) {
      const j = streaming();
      j.say({ type: 'message_start', message: { ...message(), usage: said } } as never);
      j.say(reason('end_turn', { input_tokens: 12, output_tokens: 3 }));
      expect(j.judge.usage).toEqual({ uncachedTokens: 12, cachedTokens: 0, outputTokens: 3, reasoningTokens: 0 });
    }
  });

  it('F076 negative, absurd and mistyped numbers are clamped', () => {
    const j = streaming();
    j.event({
      type: 'message_start',
      message: { usage: { input_tokens: -5, cache_read_input_tokens: 1e300, output_tokens: '7' } },
    });
    expect(j.judge.usage).toEqual({ uncachedTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 });
    j.event({ type: 'message_delta', usage: { output_tokens: 3.7, output_tokens_details: { thinking_tokens: 99 } } });
    expect(j.judge.usage).toMatchObject({ outputTokens: 3, reasoningTokens: 3 });
  });

  it('the model is the one that the message begins with', () => {
    const j = streaming();
    expect(j.judge.servedModel).toBe(null);
    j.say(begin());
    expect(j.judge.servedModel).toBe('served-model-2026');
  });
});
