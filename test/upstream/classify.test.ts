// Shows what every answer of a target means to the router: whose fault it is, whether another worker or rung is tried,
// and that no word of the target reaches a caller.

import { describe, expect, it } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import type { TransportFaultKind } from '../../src/core/transport.ts';
import { outcomeOf } from '../../src/router/settle.ts';
import { classifyFault, classifyHead, classifyStatus } from '../../src/upstream/classify.ts';

const CANARY = 'sk-canary-7f3a';
const WALL_MS = Date.UTC(2026, 10, 22);
const bodyOf = (error: object) => JSON.stringify({ error: { message: `for ${CANARY}`, ...error } });
const classify = (status: number, body = bodyOf({}), headers = {}) =>
  classifyStatus('pool', status, headers, body, WALL_MS);

/** status, body, then code, retried at another worker, next rung tried, HTTP status of the caller when nothing else helps. */
const rows: [number, string, string, boolean, boolean, number][] = [
  [429, bodyOf({ type: 'requests' }), 'worker_full', true, true, 503],
  [429, bodyOf({ code: 'insufficient_quota' }), 'upstream_unfunded', false, true, 502],
  [429, bodyOf({ type: 'billing_hard_limit_reached' }), 'upstream_unfunded', false, true, 502],
  [402, bodyOf({}), 'upstream_unfunded', false, true, 502],
  [400, bodyOf({ message: 'Your credit balance is too low to use this API.' }), 'upstream_unfunded', false, true, 502],
  [400, bodyOf({ message: 'Invalid: "Your credit balance is too low"' }), 'refused_by_target', false, false, 400],
  [503, bodyOf({}), 'worker_full', true, true, 503],
  [529, bodyOf({}), 'worker_full', true, true, 503],
  [503, bodyOf({ message: 'Loading model' }), 'model_warming', true, true, 503],
  [401, bodyOf({}), 'upstream_refused_key', false, true, 502],
  [403, bodyOf({}), 'upstream_refused_key', false, true, 502],
  [301, '', 'upstream_error', false, true, 502],
  [308, '', 'upstream_error', false, true, 502],
  [404, bodyOf({}), 'upstream_error', false, true, 502],
  [405, bodyOf({}), 'upstream_error', false, true, 502],
  [501, bodyOf({}), 'upstream_error', false, true, 502],
  [408, bodyOf({}), 'upstream_error', true, true, 502],
  [500, bodyOf({}), 'upstream_error', true, true, 502],
  [502, '<html>', 'upstream_error', true, true, 502],
  [504, '', 'upstream_error', true, true, 502],
  [204, '', 'upstream_error', true, true, 502],
  [400, bodyOf({ param: 'temperature' }), 'refused_by_target', false, false, 400],
  [422, bodyOf({}), 'refused_by_target', false, false, 400],
  [413, bodyOf({}), 'refused_by_target', false, false, 400],
  [400, bodyOf({ code: 'context_length_exceeded' }), 'context_length_exceeded', false, false, 400],
  [
    400,
    bodyOf({ message: "This model's maximum context length is 8192 tokens." }),
    'context_length_exceeded',
    false,
    false,
    400,
  ],
  [400, bodyOf({ code: 'content_filter' }), 'content_refused', false, false, 400],
  [404, bodyOf({ details: { error_code: 'thread_not_found' } }), 'refused_by_target', false, false, 400],
  [404, bodyOf({ param: 'previous_response_id' }), 'refused_by_target', false, false, 400],
  [404, '{"error":{"message":"Response with id \'resp_1\' not found."}}', 'refused_by_target', false, false, 400],
  [409, bodyOf({ details: { error_code: 'thread_continue_in_flight' } }), 'refused_by_target', false, false, 400],
];

describe('F068 F072 statuses', () => {
  it.each(rows)('HTTP %i %s is %s', (status, body, code, retryable, descends, caller) => {
    const error = classify(status, body);
    expect(error).toMatchObject({ code, retryable, descends, status: caller });
    expect(error.blame).toBe(caller === 400 ? 'caller' : 'worker');
    expect(JSON.stringify([error.message, error.detail])).not.toContain(CANARY);
  });

  it('F081 what the caller did wrong leaves no trace in health, what the target did wrong does', () => {
    for (const [status, body, , , , caller] of rows) {
      expect(outcomeOf(classify(status, body), 'failed')).toBe(caller === 400 ? 'ignored' : 'failed');
    }
    expect(outcomeOf(new RouterError('client_gone', ''), 'client_gone')).toBe('ignored');
    expect(outcomeOf(new RouterError('draining', ''), 'failed')).toBe('ignored');
    expect(outcomeOf(null, 'client_gone')).toBe('ignored');
    expect(outcomeOf(null, 'complete')).toBe('won');
  });

  it('says the limit of the context and the field that is wrong, and nothing else of the text', () => {
    const long = classify(
      400,
      bodyOf({ message: "This model's maximum context length is 8192 tokens.", param: 'messages' }),
    );
    expect(long.message).toContain('8192');
    expect(long.detail.param).toBe('messages');
    const hostile = classify(400, bodyOf({ param: `x" ${CANARY}\r\nset-cookie: a` }));
    expect(hostile.detail.param).toBeUndefined();
  });

  it('F068 carries the pause the target asked for', () => {
    expect(classify(429, bodyOf({}), { 'retry-after': '7' }).detail.coolDownMs).toBe(7_000);
    expect(classify(503, bodyOf({}), { 'retry-after': '86400' }).detail.coolDownMs).toBe(60_000);
    expect(classify(503, bodyOf({}), {}).detail.coolDownMs).toBeUndefined();
  });
});

describe('F053 F054 F055 F056 faults below HTTP', () => {
  const kinds: Record<TransportFaultKind, [string, number]> = {
    refused: ['upstream_error', 502],
    dns: ['upstream_error', 502],
    tls: ['upstream_error', 502],
    reset: ['upstream_error', 502],
    protocol: ['upstream_error', 502],
    headers_too_large: ['upstream_error', 502],
    connect_timeout: ['upstream_timeout', 504],
  };
  it.each(Object.entries(kinds))('%s', (kind, [code, status]) => {
    const error = classifyFault('pool', { kind: kind as TransportFaultKind, text: CANARY });
    expect(error).toMatchObject({ code, status, blame: 'worker', retryable: true, descends: true });
    expect(error.message).not.toContain(CANARY);
  });
});

describe('F057 F067 heads of a 200', () => {
  const json = { 'content-type': 'application/json' };
  const events = { 'content-type': 'Text/Event-Stream; charset=utf-8' };
  it.each<[string, object, boolean, boolean]>([
    ['JSON for a buffered call', json, false, true],
    ['JSON with a charset', { 'content-type': 'application/json; charset=utf-8' }, false, true],
    ['JSON for a stream', json, true, false],
    ['events for a stream', events, true, true],
    ['events for a buffered call', events, false, false],
    ['no type', {}, false, false],
    ['HTML', { 'content-type': 'text/html' }, false, false],
    ['gzip', { ...json, 'content-encoding': 'gzip' }, false, false],
    ['identity', { ...json, 'content-encoding': 'identity' }, false, true],
    ['stacked encodings', { ...events, 'content-encoding': 'gzip, identity' }, true, false],
  ])('%s', (_, headers, stream, good) => {
    const error = classifyHead('pool', headers as Record<string, string>, stream);
    if (good) expect(error).toBeNull();
    else expect(error).toMatchObject({ code: 'upstream_error', blame: 'worker', descends: true });
  });
});
