// What commits a stream: the first generated content, and nothing that comes before it. For src/dialects.
import { describe, expect, it } from 'vitest';
import { dialects } from '../../src/dialects/index.ts';
import { judging, chunk as of, textChunk } from './judged.ts';

const { 'openai-chat': chat, 'openai-completions': completions } = dialects;

describe('first content of a chat', () => {
  const content: [string, object][] = [
    ['text', { content: 'H' }],
    ['a space', { content: ' ' }],
    ['reasoning_content', { reasoning_content: 'hm' }],
    ['reasoning', { reasoning: 'hm' }],
    ['reasoning details', { reasoning_details: [{ type: 'reasoning.text', text: 'hm' }] }],
    ['a refusal', { content: null, refusal: 'I' }],
    ['a tool call', { tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '' } }] }],
    ['the old function call', { function_call: { name: 'f' } }],
    ['audio', { audio: { id: 'a' } }],
    ['content parts', { content: [{ type: 'text', text: 'H' }] }],
  ];
  it.each(content)('%s', (_, delta) => {
    const j = judging(chat);
    expect(j.event(of({ role: 'assistant', content: '', refusal: null }))).toBe('forward');
    expect(j.state.started).toBe(false);
    expect(j.event(of(delta))).toBe('forward');
    expect(j.state).toEqual({ started: true, finished: false, done: false, fault: null });
  });

  const startUp: [string, object | null][] = [
    ['a role', { role: 'assistant' }],
    ['empty text', { role: 'assistant', content: '' }],
    ['nulls', { content: null, reasoning_content: null, tool_calls: null, function_call: null, refusal: null }],
    ['no tool call yet', { tool_calls: [] }],
    ['no reasoning yet', { content: '', reasoning_details: [] }],
    ['an empty delta', {}],
    ['no delta', null],
  ];
  it.each(startUp)('F061 is not %s', (_, delta) => {
    const j = judging(chat);
    expect(j.event(of(delta))).toBe('forward');
    expect(j.state.started).toBe(false);
  });

  it('F061 nor pings, names, retries and comments, which go on as they came', () => {
    const j = judging(chat);
    for (const text of [': ping\n\n', ':\n\n', 'event: ping\n\n', 'retry: 3000\n\n', '\n', 'id: 7\r\n\r\n']) {
      expect(j.raw(text)).toBe('forward');
    }
    expect(j.state).toEqual({ started: false, finished: false, done: false, fault: null });
  });

  it('F061 nor the filter results that Azure sends first, with no choice in them', () => {
    const j = judging(chat);
    expect(j.event({ choices: [], model: '', object: '', prompt_filter_results: [{ prompt_index: 0 }] })).toBe(
      'forward',
    );
    expect(j.state.started).toBe(false);
    expect(j.event(of({ content: 'H' }))).toBe('forward');
    expect(j.state.started).toBe(true);
  });

  it('a finish reason is content too: an empty answer is an answer', () => {
    const j = judging(chat);
    expect(j.event(of({}, 'stop'))).toBe('forward');
    expect(j.state).toEqual({ started: true, finished: true, done: false, fault: null });
  });

  it('chunks of several data lines and with odd spacing are read like any other', () => {
    const j = judging(chat);
    expect(j.raw('event: message\r\ndata: {"choices":[{"index":0,\r\ndata:  "delta":{"content":"H"}}]}\r\n\r\n')).toBe(
      'forward',
    );
    expect(j.state.started).toBe(true);
    expect(j.raw('data:{"choices" : [ {"index":0, "delta":{}, "finish_reason" : "stop"} ] }\n\n')).toBe('forward');
    expect(j.state.finished).toBe(true);
  });
});

describe('first content of a text completion', () => {
  it('is text; an empty one is not', () => {
    const j = judging(completions);
    j.event(textChunk(''));
    expect(j.state.started).toBe(false);
    j.event(textChunk('H'));
    expect(j.state.started).toBe(true);
    j.event(textChunk('', 'length'));
    expect(j.state.finished).toBe(true);
  });
});

describe('the model that answered', () => {
  it('is the first that a chunk names', () => {
    const j = judging(chat);
    j.event({ choices: [] });
    expect(j.judge.servedModel).toBe(null);
    j.event(of({ content: 'a' }));
    j.event({ ...of({ content: 'b' }), model: 'later' });
    expect(j.judge.servedModel).toBe('served');
  });
});
