// Decides what a reply's end says of what comes next: a tool's answer, a person's turn, or nothing. For leases and order.
import type Anthropic from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import type { Dialect } from '../../src/core/dialect.ts';
import type { Stop } from '../../src/core/runs.ts';
import { dialects } from '../../src/dialects/index.ts';
import { parseCall, toward } from '../fakes/call-parts.ts';
import { begin, reason as ended, end as over, text } from './anthropic-events.ts';
import { streaming } from './anthropic-judged.ts';
import { bytesOf } from './json-bodies.ts';
import { chunk, judging, textChunk } from './judged.ts';
import { begun } from './openai-responses-events.ts';

const { 'openai-chat': chat, 'openai-completions': completions, 'openai-responses': responses } = dialects;
const { 'anthropic-messages': messages, 'anthropic-count-tokens': count } = dialects;

const call = (dialect: Dialect) =>
  toward(parseCall(dialect, bytesOf('{"model":"m","messages":[],"prompt":"x","input":"x","max_tokens":9}')), 'm');
const whole = (dialect: Dialect, reply: object) => call(dialect).check(bytesOf(JSON.stringify(reply)), {}).stop;

describe('chat and text completions', () => {
  const reasons: [string, Stop][] = [
    ['tool_calls', 'tool_use'],
    ['function_call', 'tool_use'],
    ['stop', 'end_turn'],
    ['length', 'other'],
    ['content_filter', 'other'],
    ['something_new', 'other'],
  ];

  it.each(reasons)('%s, whole and streamed, is %s', (reason, stop) => {
    expect(whole(chat, { choices: [{ index: 0, message: { content: 'x' }, finish_reason: reason }] })).toBe(stop);
    const chats = judging(chat);
    chats.event(chunk({ content: 'x' }));
    expect(chats.judge.stop).toBe(null);
    chats.event(chunk({}, reason));
    expect(chats.judge.stop).toBe(stop);
    const texts = judging(completions);
    texts.event(textChunk('x'));
    texts.event(textChunk('', reason));
    expect(texts.judge.stop).toBe(stop);
  });

  it('of several choices one that asks for a tool decides, else the first', () => {
    const choices = (...all: (string | null)[]) => ({
      choices: all.map((finish_reason, index) => ({ index, finish_reason })),
    });
    expect(whole(chat, choices('stop', 'tool_calls', 'length'))).toBe('tool_use');
    expect(whole(chat, choices('length', 'stop'))).toBe('other');
    expect(whole(chat, choices('stop', 'length'))).toBe('end_turn');
    expect(whole(chat, choices(null))).toBe(null);
    expect(whole(chat, { choices: [] })).toBe(null);
    const j = judging(chat, { n: 2 });
    j.event(chunk({}, 'tool_calls', 1));
    j.event(chunk({}, 'stop', 0));
    expect(j.judge.stop).toBe('tool_use');
  });

  it('a reason inside generated text is none', () => {
    const content = '"finish_reason":"tool_calls"';
    expect(whole(chat, { choices: [{ message: { content }, finish_reason: 'stop' }] })).toBe('end_turn');
  });
});

describe('messages', () => {
  const reasons: [Anthropic.StopReason, Stop][] = [
    ['tool_use', 'tool_use'],
    ['end_turn', 'end_turn'],
    ['max_tokens', 'other'],
    ['stop_sequence', 'other'],
    ['pause_turn', 'other'],
    ['refusal', 'other'],
    ['model_context_window_exceeded', 'other'],
  ];

  it.each(reasons)('%s, whole and streamed, is %s', (reason, stop) => {
    expect(whole(messages, { type: 'message', content: [], stop_reason: reason })).toBe(stop);
    const j = streaming();
    j.say(begin());
    j.say(text('x'));
    expect(j.judge.stop).toBe(null);
    j.say(ended(reason));
    j.say(over);
    expect([j.judge.stop, j.judge.finished]).toEqual([stop, true]);
  });

  it('no reason, and a count of tokens, say nothing', () => {
    expect(whole(messages, { type: 'message', content: [], stop_reason: null })).toBe(null);
    expect(whole(count, { input_tokens: 7 })).toBe(null);
  });
});

describe('responses', () => {
  const message = {
    type: 'message',
    role: 'assistant',
    content: [{ type: 'output_text', text: '"type":"function_call"' }],
  };
  const done = (output: object[], more: object = {}) => ({ ...begun(), status: 'completed', output, ...more });

  it.each(['function_call', 'custom_tool_call', 'local_shell_call', 'shell_call', 'computer_call', 'apply_patch_call'])(
    'an item of type %s asks for a tool, at the end alone or only as it comes',
    (type) => {
      const item = { id: 'i', name: 'f', arguments: '{"type":"message"}', type };
      expect(whole(responses, done([message, item]))).toBe('tool_use');
      expect(whole(responses, done([{ type: 'reasoning', summary: [] }, item, message]))).toBe('tool_use');
      for (const output of [[item], []]) {
        const j = judging(responses, { input: 'x' });
        j.event({ type: 'response.created', response: begun(), sequence_number: 0 });
        j.event({ type: 'response.output_item.done', item, output_index: 0, sequence_number: 1 });
        expect(j.judge.stop).toBe(null);
        j.event({ type: 'response.completed', response: done(output), sequence_number: 2 });
        expect([j.judge.stop, j.judge.finished]).toEqual(['tool_use', true]);
      }
    },
  );

  it('text, and tools that the target runs itself, end the turn', () => {
    expect(whole(responses, done([message]))).toBe('end_turn');
    expect(whole(responses, done([]))).toBe('end_turn');
    for (const type of [
      'web_search_call',
      'file_search_call',
      'code_interpreter_call',
      'image_generation_call',
      'mcp_call',
    ])
      expect(whole(responses, done([{ type }, message]))).toBe('end_turn');
    const { status, ...without } = done([message]);
    expect([status, whole(responses, without)]).toEqual(['completed', 'end_turn']);
  });

  it('an end that is none says nothing of a tool, and work in the background has not ended', () => {
    const item = { type: 'function_call', name: 'f', arguments: '{' };
    for (const status of ['incomplete', 'cancelled']) expect(whole(responses, done([item], { status }))).toBe('other');
    for (const status of ['queued', 'in_progress']) expect(whole(responses, done([], { status }))).toBe(null);
    const j = judging(responses, { input: 'x' });
    j.event({ type: 'response.output_item.done', item, sequence_number: 1 });
    j.event({ type: 'response.incomplete', response: done([item], { status: 'incomplete' }), sequence_number: 2 });
    expect(j.judge.stop).toBe('other');
  });
});
