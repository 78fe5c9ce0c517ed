// What a target states inside a streamed response when it fails, and what that is taken for. For src/dialects.
import { describe, expect, it } from 'vitest';
import { openaiResponses as responses } from '../../src/dialects/openai-responses.ts';
import { judging } from './judged.ts';
import { begun, completed, opening, textDelta } from './openai-responses-events.ts';

const SECRET = 'sk-upstream-4f1c2ab90d7e';

describe('failures inside a 200', () => {
  const failed = (error: object | null, more: object = {}) => ({
    type: 'response.failed',
    response: { ...begun(), status: 'failed', error, ...more },
    sequence_number: 4,
  });
  const said = (code: string) => failed({ code, message: SECRET });
  const errors: [string, unknown, string][] = [
    ['failed', said('server_error'), 'upstream_error'],
    ['failed without a reason', failed(null), 'upstream_error'],
    ['failed without a response', { type: 'response.failed' }, 'upstream_error'],
    ['failed by its status alone', completed({ status: 'failed' }), 'upstream_error'],
    ['its rate', said('rate_limit_exceeded'), 'worker_full'],
    ['overload', said('server_is_overloaded'), 'worker_full'],
    ['too fast a start', said('slow_down'), 'worker_full'],
    ['out of money', said('insufficient_quota'), 'upstream_unfunded'],
    ['the prompt', said('invalid_prompt'), 'refused_by_target'],
    ['an image', said('image_too_large'), 'refused_by_target'],
    ['an image’s policy', said('image_content_policy_violation'), 'content_refused'],
    ['a policy', said('bio_policy'), 'content_refused'],
    ['a prompt too long', said('context_length_exceeded'), 'context_length_exceeded'],
    ['the router’s own key', said('invalid_api_key'), 'upstream_refused_key'],
    ['a model that is not there', said('model_not_found'), 'upstream_error'],
    ['error as published', { type: 'error', code: 'rate_limit_exceeded', message: SECRET, param: null }, 'worker_full'],
    [
      'error as sent',
      { type: 'error', error: { type: 'tokens', code: 'rate_limit_exceeded', message: SECRET }, sequence_number: 2 },
      'worker_full',
    ],
    [
      'error of a request',
      { type: 'error', error: { type: 'invalid_request_error', message: SECRET } },
      'refused_by_target',
    ],
    ['a bare error', { error: { message: SECRET, code: 503 } }, 'worker_full'],
    ['an error that is text', { error: SECRET }, 'upstream_error'],
    ['vLLM’s older form', { object: 'error', message: SECRET, type: 'InternalServerError' }, 'upstream_error'],
  ];
  it.each(errors)('F060 F061 before content: %s', (_, event, code) => {
    const j = judging(responses);
    for (const frame of opening) j.event(frame);
    expect(j.event(event)).toBe('stop');
    expect(j.state).toEqual({ started: false, finished: false, done: false, fault: code });
    expect(j.judge.fault!.message).not.toContain(SECRET);
  });

  it.each(errors)('F060 after content: %s', (_, event, code) => {
    const j = judging(responses);
    j.event(textDelta('H'));
    expect(j.event(event)).toBe('stop');
    expect(j.state).toMatchObject({ finished: false, done: false, fault: code });
  });

  it.each([
    ['an object', `data: {"message":"${SECRET}","type":"server_error"}\n`],
    ['what is no JSON', `data: ${SECRET}\n`],
    ['nothing', ''],
  ])('F060 an event that is named error is one, though it holds %s', (_, data) => {
    const j = judging(responses);
    expect(j.raw(`event: error\n${data}\n`)).toBe('stop');
    expect(j.state.fault).toBe('upstream_error');
  });

  it('F060 a bare JSON error after the events is one, as an event of its own or as the tail', () => {
    const j = judging(responses);
    j.event(textDelta('H'));
    expect(j.raw(`{"error":{"message":"${SECRET}","code":"server_is_overloaded"}}\n\n`)).toBe('stop');
    expect(j.state.fault).toBe('worker_full');
    const other = judging(responses);
    other.tail(`{"error":{"message":"${SECRET}"}}`);
    expect(other.state.fault).toBe('upstream_error');
    const cut = judging(responses);
    cut.tail('{"type":"response.comp');
    cut.tail('data: {"type":"response.comp');
    expect(cut.state).toMatchObject({ finished: false, fault: null });
  });

  it('a tool that failed is no failure of the response; an error of null is none', () => {
    const j = judging(responses);
    expect(j.event({ type: 'response.mcp_call.failed', item_id: 'mcp_1', output_index: 0, error: { code: 500 } })).toBe(
      'forward',
    );
    expect(j.event({ ...textDelta('H'), error: null })).toBe('forward');
    expect(j.state.fault).toBe(null);
  });

  it('F063 one bad line is skipped and counted, and the stream goes on', () => {
    const j = judging(responses);
    for (const data of ['{"type":"respon', 'Internal Server Error', '[1]', '{"type":"a","type":"b"}', '\u0000'])
      expect(j.event(data)).toBe('drop');
    expect(j.judge.skippedEvents).toBe(5);
    j.event(completed());
    expect(j.state).toEqual({ started: true, finished: true, done: true, fault: null });
  });

  it('F066 a target that runs on far beyond the asked tokens is stopped; what its tools print is not counted', () => {
    const j = judging(responses, { max_output_tokens: 10 });
    j.event(textDelta('x'));
    for (let printed = 0; printed < 1_000; printed++)
      expect(j.event({ type: 'response.shell_call_output_content.delta', delta: { stdout: 'x' } })).toBe('forward');
    let events = 0;
    while (j.event(textDelta('x')) === 'forward') {
      if (++events > 1_000) throw new Error('never stopped');
    }
    expect(events).toBeGreaterThanOrEqual(10 * 8);
    expect(events).toBeLessThanOrEqual(10 * 8 + 65);
    expect(j.state).toMatchObject({ finished: false, fault: 'upstream_error' });
  });

  it('usage is read from a failure too, and clamped', () => {
    const j = judging(responses);
    j.event(failed({ code: 'server_error', message: SECRET }, { usage: { input_tokens: 7, output_tokens: -3 } }));
    expect(j.judge.usage).toEqual({ uncachedTokens: 7, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 });
  });
});
