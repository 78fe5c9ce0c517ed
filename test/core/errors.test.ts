// What each error code means, and that a failure never says more than the router wrote. For src/core/errors.
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode, RouterError, toRouterError } from '../../src/core/errors.ts';

const codes = Object.keys(ERROR_CODES) as ErrorCode[];

describe('the table of codes', () => {
  it.each(codes)('%s is consistent', (code) => {
    const error = new RouterError(code, 'said');
    const { status, type, blame, retryable, descends, waits } = error;
    // What the caller did wrong stays wrong: no other worker and no other rung is asked for it.
    // Money that is gone is the one thing that a cheaper rung cures.
    const broke = code === 'project_spend_limit_exceeded';
    if (blame === 'caller') expect([retryable, descends]).toEqual([false, broke]);
    if (blame === 'caller') expect(status).toBeLessThan(500);
    if (blame === 'worker') expect([status >= 502, descends]).toEqual([true, true]);
    // Waiting is promised exactly where the status says that it helps.
    expect(waits).toBe([409, 429, 502, 503, 504].includes(status) && code !== 'upstream_unfunded' && !broke);
    expect(type).toMatch(/^[a-z_]+$/);
    expect([error.message, error.name, error.code]).toEqual(['said', 'RouterError', code]);
  });

  it('only statuses that clients know are used', () => {
    const known = [400, 401, 403, 404, 405, 408, 409, 413, 415, 417, 422, 426, 429, 431, 499, 500, 502, 503, 504];
    expect([...new Set(codes.map((code) => ERROR_CODES[code].status))].sort()).toEqual(known);
  });
});

describe('one failure', () => {
  it('may differ from its kind, and keeps what is known of it', () => {
    const error = new RouterError('upstream_timeout', 'x', { retryable: true, descends: false, reason: 'slow' });
    expect([error.retryable, error.descends, error.reason]).toEqual([true, false, 'slow']);
    expect(new RouterError('upstream_error', 'x').reason).toBe('failing');
    const more = error.with({ attempts: 2, reason: 'cold' });
    expect(more).not.toBe(error);
    expect(more.detail).toEqual({ retryable: true, descends: false, reason: 'cold', attempts: 2 });
    expect(error.detail.attempts).toBe(undefined);
  });

  it('captures no stack, and leaves the stacks of others alone', () => {
    const before = Error.stackTraceLimit;
    expect(new RouterError('worker_full', 'x').stack).not.toContain('\n    at ');
    expect(Error.stackTraceLimit).toBe(before);
    expect(new Error('y').stack).toContain('\n    at ');
  });

  it('F038 a stranger becomes internal_error, and its text is dropped', () => {
    const own = new RouterError('not_found', 'x');
    expect(toRouterError(own)).toBe(own);
    for (const thrown of [new Error('sk-secret'), 'sk-secret', null, undefined, { message: 'sk-secret' }]) {
      const error = toRouterError(thrown);
      expect([error.code, error.status, error.blame]).toEqual(['internal_error', 500, 'router']);
      expect(JSON.stringify([error.message, error.detail, String(error.cause)])).not.toContain('sk-secret');
    }
  });
});
