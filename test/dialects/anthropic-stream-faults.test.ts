// Which events of a streamed message are failures, and which are only skipped. For src/dialects/anthropic-stream.
import { describe, expect, it } from 'vitest';
import { begin, end, openText, reason, text } from './anthropic-events.ts';
import { having, streaming } from './anthropic-judged.ts';

const SECRET = 'sk-ant-upstream-4f1c2ab90d7e';

describe('failures inside a stream', () => {
  const errors: [string, unknown, string][] = [
    ['overloaded', { type: 'error', error: { type: 'overloaded_error', message: SECRET } }, 'worker_full'],
    ['over its rate', { type: 'error', error: { type: 'rate_limit_error', message: SECRET } }, 'worker_full'],
    ['out of money', { type: 'error', error: { type: 'billing_error', message: SECRET } }, 'upstream_unfunded'],
    [
      'at its spend limit',
      {
        type: 'error',
        error: { type: 'rate_limit_error', message: SECRET, details: { error_code: 'enforced_spend_limit_reached' } },
      },
      'upstream_unfunded',
    ],
    ['failing', { type: 'error', error: { type: 'api_error', message: SECRET } }, 'upstream_error'],
    ['an error that is text', { type: 'error', error: SECRET }, 'upstream_error'],
    ['an error without more', { type: 'error' }, 'upstream_error'],
    ['OpenAI’s form', { error: { message: SECRET, code: 429 } }, 'worker_full'],
  ];
  it.each(errors)('F060 before content: %s', (_, data, code) => {
    const j = having(begin(), openText());
    expect(j.event(data)).toBe('stop');
    expect(j.state).toEqual({ started: false, finished: false, done: false, fault: code });
    expect(j.judge.fault!.message).not.toContain(SECRET);
  });

  it.each(errors)('F060 after content: %s', (_, data, code) => {
    const j = having(begin(), openText(), text('H'));
    expect(j.event(data)).toBe('stop');
    expect(j.state).toMatchObject({ started: true, finished: false, fault: code });
  });

  it('F060 an event that is named error is one, whatever its data holds', () => {
    for (const data of [
      'data: {"message":"x"}\n',
      'data: Internal Server Error\n',
      'data: {"type":"error"}\n',
      'data\n',
      '',
    ]) {
      const j = having(begin(), openText(), text('H'));
      expect(j.raw(`event: error\n${data}\n`), data).toBe('stop');
      expect(j.state).toMatchObject({ finished: false, fault: 'upstream_error' });
    }
  });

  it('F060 a bare JSON error after the events is one, as an event of its own or as the tail', () => {
    const bare = `{"type":"error","error":{"type":"overloaded_error","message":"${SECRET}"}}`;
    const j = having(begin(), openText(), text('H'));
    expect(j.raw(`${bare}\n\n`)).toBe('stop');
    expect(j.state.fault).toBe('worker_full');
    const other = having(begin(), openText(), text('H'));
    other.tail(bare);
    expect(other.state.fault).toBe('worker_full');
    const untold = having(begin());
    untold.tail('{"type":"error"}');
    expect(untold.state.fault).toBe('upstream_error');
    const cut = having(begin(), openText(), text('H'));
    cut.tail('{"type":"err');
    cut.tail('event: message_stop\ndata: {"type":"message_st');
    expect(cut.state).toMatchObject({ finished: false, fault: null });
  });

  it('an error of null is none', () => {
    const j = having(begin());
    expect(j.event({ ...text('H'), error: null })).toBe('forward');
    expect(j.state).toMatchObject({ started: true, fault: null });
  });

  it('F063 one bad line is skipped and counted, and the stream goes on', () => {
    const j = having(begin(), openText(), text('H'));
    for (const data of [
      '{"type":"content_bl',
      'Internal Server Error',
      '[1]',
      '"x"',
      '[DONE]',
      '\u0000',
      '{"type":"a","type":"b"}',
    ])
      expect(j.event(data)).toBe('drop');
    expect(j.judge.skippedEvents).toBe(7);
    j.say(reason());
    j.say(end);
    expect(j.state).toEqual({ started: true, finished: true, done: true, fault: null });
  });

  it.each([
    ['deltas', text('x')],
    ['blocks', openText('x')],
  ])('F066 a target that runs on far beyond the asked tokens is stopped: %s', (_, event) => {
    const j = streaming({ max_tokens: 10 });
    j.say(begin());
    let events = 0;
    while (j.say(event) === 'forward') if (++events > 1_000) throw new Error('never stopped');
    expect(events).toBeGreaterThanOrEqual(10 * 8);
    expect(events).toBeLessThanOrEqual(10 * 8 + 65);
    expect(j.state).toMatchObject({ finished: false, fault: 'upstream_error' });
  });
});
