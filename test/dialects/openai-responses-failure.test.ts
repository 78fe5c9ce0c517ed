// The event that ends a response in failure: complete by the published schema, and of use to those who retry by it.
// For src/dialects.
import type { ResponseError } from 'openai/resources/responses/responses';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode, RouterError } from '../../src/core/errors.ts';
import { REPLY_LIMITS } from '../../src/core/limits.ts';
import { openaiResponses as responses } from '../../src/dialects/openai-responses.ts';
import { emptyResponse, responseError } from '../../src/dialects/openai-responses-failure.ts';
import { EventFramer } from '../../src/wire/sse.ts';
import { strictJsonEvents } from '../fakes/raw-client.ts';
import { bytesOf, textFrom } from './json-bodies.ts';
import { judging } from './judged.ts';
import {
  begun,
  completed,
  created,
  opening,
  schemaFaults,
  textDelta,
  type WireResponse,
  wholeStream,
  wireText,
} from './openai-responses-events.ts';

type Failed = { type: string; sequence_number: number; response: WireResponse };
const REQUEST_ID = 'req_00112233445566778899aabbccddeeff';
const cut = new RouterError('upstream_error', 'pool-1 closed the connection before its reply was whole.');

function failureOf(j: ReturnType<typeof judging>, error = cut): Failed {
  const text = textFrom(j.judge.failure(error, REQUEST_ID));
  expect(text.split('\n')).toHaveLength(4);
  expect(text).toMatch(/^event: response\.failed\ndata: \{.*\}\n\n$/);
  const event = JSON.parse(text.slice(text.indexOf('{'))) as Failed;
  expect(schemaFaults({ ...event })).toEqual([]);
  return event;
}

describe('the fixtures', () => {
  it.each(wholeStream.map((event) => [event.type, event] as const))('%s keeps to the published schema', (_, event) => {
    expect(schemaFaults({ ...event })).toEqual([]);
  });

  it('a check of the schema sees what is missing, mistyped or not in its sets', () => {
    const { id, ...rest } = begun();
    expect(schemaFaults({ type: 'response.failed', response: { ...rest, id } })).toEqual([
      'response.failed without sequence_number',
    ]);
    const odd = { ...rest, tools: {}, status: 'gone', error: { code: 'server_is_overloaded' } };
    expect(schemaFaults({ type: 'response.failed', response: odd, sequence_number: 1 })).toEqual([
      'response without id',
      'tools is object',
      'status is gone',
      'error without message',
      'error code server_is_overloaded',
    ]);
  });

  it('what is made here has the types of the official SDK', () => {
    // Compile-time.
    const typed: WireResponse = emptyResponse('m', REQUEST_ID);
    const error: ResponseError = responseError(cut);
    expect([typed.object, error.code]).toEqual(['response', 'server_error']);
  });
});

describe('the failure of a stream', () => {
  it('F058 is the response that was begun, with another end', () => {
    for (let kept = 1; kept < wholeStream.length; kept++) {
      const j = judging(responses);
      for (const event of wholeStream.slice(0, kept)) j.raw(wireText(event));
      expect(failureOf(j)).toEqual({
        type: 'response.failed',
        sequence_number: kept,
        error: { code: 'server_error', message: cut.message },
        response: {
          ...begun(),
          status: 'failed',
          completed_at: null,
          error: { code: 'server_error', message: cut.message },
          output: [],
          usage: null,
        },
      });
    }
  });

  it('is a complete response of the router’s own where the target showed none', () => {
    const j = judging(responses);
    j.event({ type: 'response.output_text.delta', delta: 'H' });
    const { response, sequence_number } = failureOf(j);
    expect(sequence_number).toBe(1);
    expect(response).toMatchObject({ id: 'resp_00112233445566778899aabbccddeeff', model: 'm', output: [] });
    expect(failureOf(judging(responses)).sequence_number).toBe(0);
  });

  it('is complete where the target began with less than the schema asks', () => {
    const j = judging(responses);
    j.event({ type: 'response.created', response: { id: 'resp_short', object: 'response', status: 'in_progress' } });
    expect(failureOf(j).response).toMatchObject({ id: 'resp_short', model: 'm', tools: [] });
    const odd = judging(responses);
    odd.event({ type: 'response.created', response: 'resp_1' });
    expect(failureOf(odd).response.id).toMatch(/^resp_0011/);
  });

  it('takes the number after the last event that the client saw', () => {
    const j = judging(responses);
    j.event({ ...textDelta('H'), sequence_number: 41 });
    j.event('{"sequence_number":90');
    expect(j.event({ type: 'error', code: 'server_error', message: 'x', param: null, sequence_number: 42 })).toBe(
      'stop',
    );
    expect(failureOf(j).sequence_number).toBe(42);
    for (const odd of [-1, 1.5, 1e300, '7', null]) {
      const other = judging(responses);
      other.event({ ...textDelta('H'), sequence_number: odd });
      expect(failureOf(other).sequence_number).toBe(1);
    }
  });

  it('repeats nothing of what the target said of its failure', () => {
    const j = judging(responses);
    for (const event of opening) j.event(event);
    const error = { code: 'rate_limit_exceeded', message: 'sk-secret' };
    j.event({ type: 'response.failed', response: { ...begun(), status: 'failed', error }, sequence_number: 4 });
    const failed = failureOf(j, j.judge.fault!);
    expect(JSON.stringify(failed)).not.toContain('sk-secret');
    expect(failed.response.error).toEqual({
      code: 'rate_limit_exceeded',
      message: 'The target said inside its reply that it is full. Please try again in 1s.',
    });
  });

  it('reads as one strict event behind whole ones', () => {
    const j = judging(responses);
    const sent = wholeStream.slice(0, 6).map(wireText);
    for (const text of sent) j.raw(text);
    const all = sent.join('') + textFrom(j.judge.failure(cut, REQUEST_ID));
    expect(strictJsonEvents(Buffer.from(all)).length).toBe(7);
  });
});

describe('the code of a failure', () => {
  const codes = Object.keys(ERROR_CODES) as ErrorCode[];
  it.each(codes)('%s: waiting cures it, the caller caused it, or neither', (code) => {
    const error = new RouterError(code, 'Why.');
    const said = responseError(error);
    if (error.status === 429 || error.status === 503)
      expect(said).toEqual({ code: 'rate_limit_exceeded', message: 'Why. Please try again in 1s.' });
    else expect(said).toEqual({ code: error.blame === 'caller' ? 'invalid_prompt' : 'server_error', message: 'Why.' });
  });

  it.each([
    [{ retryAfterSeconds: 7 }, 7],
    [{ coolDownMs: 1_500 }, 2],
    [{ coolDownMs: 20 }, 1],
    [{ coolDownMs: 3_600_000 }, 55],
    [{ retryAfterSeconds: 3, coolDownMs: 9_000 }, 3],
  ])('the wait that is known of stands in its text: %o', (detail, seconds) => {
    const { message } = responseError(new RouterError('worker_full', 'Full.', detail));
    expect(message).toBe(`Full. Please try again in ${seconds}s.`);
  });
});

describe('what is kept of the beginning', () => {
  it('is a copy: the bytes it came in may be used again', () => {
    const judge = judging(responses).judge;
    const bytes = bytesOf(wireText(created()));
    judge.judge(bytes, 0, bytes.length);
    bytes.fill(0x20);
    expect(textFrom(judge.failure(cut, REQUEST_ID))).toContain('"id":"resp_target"');
  });

  it('is the first one, and given up at the end', () => {
    const j = judging(responses);
    j.event(created());
    j.event({ type: 'response.in_progress', response: begun({ id: 'resp_second' }), sequence_number: 1 });
    expect(failureOf(j).response.id).toBe('resp_target');
    j.event(completed());
    expect(failureOf(j).response.id).toMatch(/^resp_0011/);
  });

  it('is bounded: a larger beginning never gets as far as the judge', () => {
    const judge = judging(responses).judge;
    const frame = (instructions: string) => bytesOf(wireText(created(begun({ instructions }))));
    const room = REPLY_LIMITS.maxEventBytes - frame('').length;
    const push = (bytes: Uint8Array) =>
      new EventFramer((...event) => judge.judge(...event), REPLY_LIMITS.maxEventBytes).push(bytes, () => {});
    expect(push(frame('x'.repeat(room + 1)))).toBe('too_large');
    expect(textFrom(judge.failure(cut, REQUEST_ID))).not.toContain('resp_target');
    expect(push(frame('x'.repeat(room)))).toBe('ok');
    expect(textFrom(judge.failure(cut, REQUEST_ID))).toContain('resp_target');
  });

  it('holds the tools of a call as deep as a call may nest them', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(61)}1${'}'.repeat(61)}`);
    const tool = { type: 'function' as const, name: 'f', parameters: deep, strict: false };
    const j = judging(responses, { tools: [tool] });
    expect(j.event(created(begun({ tools: [tool] })))).toBe('forward');
    expect(failureOf(j).response.tools).toEqual([tool]);
  });
});
