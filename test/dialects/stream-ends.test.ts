// When a stream is whole and when it is a failure, in-band ones included. For src/dialects.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dialects } from '../../src/dialects/index.ts';
import { judging, chunk as of, textChunk } from './judged.ts';

const { 'openai-chat': chat, 'openai-completions': completions } = dialects;
const SECRET = 'sk-upstream-4f1c2ab90d7e';

describe('the end of a stream', () => {
  it('a finish reason ends it; [DONE] may follow', () => {
    const j = judging(chat);
    j.event(of({ content: 'H' }));
    j.event(of({}, 'stop'));
    expect(j.state).toMatchObject({ finished: true, done: false });
    expect(j.event('[DONE]')).toBe('forward');
    expect(j.state).toEqual({ started: true, finished: true, done: true, fault: null });
  });

  it.each(['stop', 'length', 'tool_calls', 'content_filter', 'function_call', 'eos_token'])('reason %s', (reason) => {
    const j = judging(chat);
    j.event(of({ content: 'H' }));
    j.event(of({ content: '' }, reason));
    expect(j.state.finished).toBe(true);
  });

  it('F059 [DONE] without a finish reason is a failure, not an end', () => {
    const j = judging(chat);
    j.event(of({ content: 'H' }));
    expect(j.event('[DONE]')).toBe('stop');
    expect(j.state).toEqual({ started: true, finished: false, done: false, fault: 'upstream_error' });
  });

  it('F059 an empty finish reason, as some servers send it in every chunk, ends nothing', () => {
    const j = judging(chat);
    j.event(of({ role: 'assistant' }, ''));
    expect(j.state).toMatchObject({ started: false, finished: false });
    j.event(of({ content: 'H' }, ''));
    j.event(of({ content: 'i' }, ''));
    expect(j.state).toMatchObject({ started: true, finished: false });
    j.event(of({}, 'stop'));
    expect(j.state.finished).toBe(true);
  });

  it('F059 with n choices it ends when each of them has ended, in any order', () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 8 })
          .chain((n) => fc.shuffledSubarray([...Array(n).keys()], { minLength: n, maxLength: n })),
        (order) => {
          const j = judging(chat, { n: order.length });
          for (const index of order) {
            expect(j.state.finished).toBe(false);
            j.event(of({ content: 'x' }, null, index));
            j.event(of({}, 'stop', index));
            // A choice that ends twice does not stand for another.
            j.event(of({}, 'stop', index));
          }
          expect(j.state.finished).toBe(true);
          expect(j.event('[DONE]')).toBe('forward');
        },
      ),
      { numRuns: 200 },
    );
  });

  it('F059 generated text that spells a finish reason ends nothing', () => {
    const j = judging(chat);
    for (const content of ['"finish_reason":"stop"', '"finish_reason": "stop"}]}', '[DONE]', 'data: [DONE]']) {
      expect(j.event(of({ content }))).toBe('forward');
    }
    expect(j.state).toEqual({ started: true, finished: false, done: false, fault: null });
  });

  it('finish reason and usage may come in one chunk', () => {
    const j = judging(chat);
    const usage = { prompt_tokens: 3, completion_tokens: 1 };
    expect(j.event(of({ content: 'H' }, 'stop', 0, { usage }))).toBe('forward');
    expect(j.state.finished).toBe(true);
    expect(j.judge.usage).toMatchObject({ uncachedTokens: 3, outputTokens: 1 });
  });
});

describe('failures inside a 200', () => {
  const errors: [string, unknown, string][] = [
    ['an error object', { error: { message: SECRET, type: 'server_error', code: null } }, 'upstream_error'],
    ['one beside empty choices', { choices: [], error: { message: SECRET } }, 'upstream_error'],
    ['an error that is text', { error: SECRET }, 'upstream_error'],
    ['vLLM’s older form', { object: 'error', message: SECRET, type: 'InternalServerError' }, 'upstream_error'],
    ['out of money', { error: { message: SECRET, type: 'insufficient_quota' } }, 'upstream_unfunded'],
    ['full, by code', { error: { message: SECRET, code: 429 } }, 'worker_full'],
    ['full, by word', { error: { message: SECRET, type: 'overloaded_error' } }, 'worker_full'],
    ['full, by rate', { error: { message: SECRET, code: 'rate_limit_exceeded' } }, 'worker_full'],
    ['a bad request', { error: { message: SECRET, code: 400 } }, 'refused_by_target'],
    ['finish_reason error', of({}, 'error'), 'upstream_error'],
  ];
  it.each(errors)('F060 before content: %s', (_, data, code) => {
    const j = judging(chat);
    expect(j.event(of({ role: 'assistant', content: '' }))).toBe('forward');
    expect(j.event(data)).toBe('stop');
    expect(j.state.fault).toBe(code);
    expect(j.judge.fault!.message).not.toContain(SECRET);
  });

  it.each(errors)('F060 after content: %s', (_, data, code) => {
    const j = judging(chat);
    j.event(of({ content: 'H' }));
    expect(j.event(data)).toBe('stop');
    expect(j.state).toMatchObject({ finished: false, fault: code });
  });

  it('F060 an event that is named error is one, whatever its data holds', () => {
    const j = judging(chat);
    j.event(of({ content: 'H' }));
    expect(j.raw(`event: error\ndata: {"message":"${SECRET}"}\n\n`)).toBe('stop');
    expect(j.state.fault).toBe('upstream_error');
  });

  it('F060 a bare JSON error after the events is one, as an event of its own or as the tail', () => {
    const j = judging(chat);
    j.event(of({ content: 'H' }));
    expect(j.raw(`{"error":{"message":"${SECRET}","type":"server_error"}}\n\n`)).toBe('stop');
    expect(j.state.fault).toBe('upstream_error');
    const other = judging(chat);
    other.event(of({ content: 'H' }));
    other.tail(`{"error":{"message":"${SECRET}","code":503}}`);
    expect(other.state.fault).toBe('worker_full');
    const cut = judging(chat);
    cut.event(of({ content: 'H' }));
    cut.tail('data: {"choices":[{"ind');
    expect(cut.state).toMatchObject({ finished: false, fault: null });
  });

  it('an error of null is none', () => {
    const j = judging(chat);
    expect(j.event({ ...of({ content: 'H' }), error: null })).toBe('forward');
    expect(j.state.fault).toBe(null);
  });

  it('F063 one bad line is skipped and counted, and the stream goes on', () => {
    const j = judging(chat);
    j.event(of({ content: 'H' }));
    for (const data of ['{"choices":[{"del', 'Internal Server Error', '[1]', '"x"', '\u0000']) {
      expect(j.event(data)).toBe('drop');
    }
    expect(j.judge.skippedEvents).toBe(5);
    j.event(of({}, 'stop'));
    expect(j.state).toEqual({ started: true, finished: true, done: false, fault: null });
  });

  it('F066 a target that runs on far beyond the asked tokens is stopped', () => {
    const j = judging(chat, { max_tokens: 10 });
    let events = 0;
    while (j.event(of({ content: 'x' })) === 'forward') {
      if (++events > 1_000) throw new Error('never stopped');
    }
    expect(events).toBeGreaterThanOrEqual(10 * 8);
    expect(events).toBeLessThanOrEqual(10 * 8 + 65);
    expect(j.state).toMatchObject({ finished: false, fault: 'upstream_error' });
  });

  it('text completions: the same ends and failures', () => {
    const j = judging(completions, { prompt: ['a', 'b'] });
    j.event(textChunk('x', 'stop', 0));
    expect(j.state.finished).toBe(false);
    j.event(textChunk('y', 'length', 1));
    expect(j.state.finished).toBe(true);
    expect(judging(completions).event({ error: { code: 500 } })).toBe('stop');
    expect(judging(completions).event('[DONE]')).toBe('stop');
  });
});
