// Which "no" a spent ladder gives, and when it says to come back. For src/router/verdict.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import { retryAfterSeconds } from '../../src/core/retry-after.ts';
import { type RungFailure, verdict } from '../../src/router/verdict.ts';

const failure = (code: ConstructorParameters<typeof RouterError>[0], detail: object, waitMs: number | null = null) =>
  ({ target: `t-${code}`, error: new RouterError(code, 'said', detail), waitMs }) satisfies RungFailure;
const full = failure('worker_full', { reason: 'saturated' }, 4_000);
const contended = failure('capacity_contended', { reason: 'saturated' }, 9_000);
const cold = failure('server_is_overloaded', { reason: 'cold' }, 90_000);
const down = failure('upstream_error', { reason: 'failing' }, 2_000);
const slow = failure('upstream_timeout', { reason: 'slow' });
const open = failure('server_is_overloaded', { reason: 'failing' }, 30_000);
const half = () => 0.5;

describe('the verdict', () => {
  it('books the return of a caller at the rung whose wait it tells, and at no other', () => {
    const booked: string[] = [];
    const booking = (name: string, waitMs: number, bookedMs: number): RungFailure => ({
      ...contended,
      waitMs,
      book() {
        booked.push(name);
        return bookedMs;
      },
    });
    const rungs = [booking('later', 9_000, 9_000), booking('sooner', 4_000, 20_000), down];
    expect(verdict(rungs, 1, half).detail.retryAfterSeconds).toBe(20);
    expect(booked).toEqual(['sooner']);
  });

  it('F079 is 429 as soon as one rung would serve once a slot comes free, with the shortest wait', () => {
    for (const failures of [[full], [contended, full], [down, full], [full, cold], [cold, contended, full, slow]]) {
      const error = verdict(failures, 1, half);
      expect([error.status, error.code]).toEqual([429, 'capacity_contended']);
      expect(error.detail.retryAfterSeconds).toBe(4);
    }
  });

  it('F082 is 503 with the time to ready when a model is on its way up; the hint stays under a minute', () => {
    const error = verdict([down, cold], 1, half);
    expect([error.status, error.code]).toEqual([503, 'model_warming']);
    expect(error.detail).toMatchObject({ readyInSeconds: 90, retryAfterSeconds: 55 });
    expect(error.message).toContain('90 s');
  });

  it('F053 is what the last attempt said when attempts were made: 502, or 504 for slowness', () => {
    expect(verdict([slow, down], 2, half)).toMatchObject({
      status: 502,
      detail: { attempts: 2, retryAfterSeconds: 2 },
    });
    expect(verdict([down, slow], 2, half)).toMatchObject({ status: 504, detail: { retryAfterSeconds: 1 } });
  });

  it('F105 is the caller’s own spend limit where money is all that is missing, and what waiting may cure where a rung would do', () => {
    const spent = failure('project_spend_limit_exceeded', { reason: 'budget', resetsAtMs: 5 });
    expect(verdict([spent], 0, half)).toMatchObject({
      status: 429,
      code: 'project_spend_limit_exceeded',
      waits: false,
      detail: { resetsAtMs: 5 },
    });
    expect(verdict([spent, spent], 0, half).code).toBe('project_spend_limit_exceeded');
    expect(verdict([spent, contended], 0, half).code).toBe('capacity_contended');
    expect(verdict([spent, open], 0, half)).toMatchObject({ status: 503, detail: { retryAfterSeconds: 30 } });
  });

  it('F081 is 503 when nobody was worth asking', () => {
    const error = verdict([open], 0, half);
    expect(error).toMatchObject({ status: 503, code: 'server_is_overloaded', detail: { retryAfterSeconds: 30 } });
    expect(error.message).toContain('t-server_is_overloaded');
    expect(verdict([], 0, half).status).toBe(503);
  });

  it('F068 is final where money is all that is missing, asked just now or known before; else somebody may be well again', () => {
    const poor = failure('upstream_unfunded', {});
    for (const [failures, attempts] of [
      [[poor], 1],
      [[poor], 0],
      [[poor, poor], 1],
    ] as const) {
      const error = verdict(failures, attempts, () => 0.5);
      expect([error.code, error.detail.retryAfterSeconds, error.detail.attempts]).toEqual([
        'upstream_unfunded',
        undefined,
        attempts,
      ]);
    }
    const mixed = verdict([poor, failure('server_is_overloaded', {}, 3_000)], 0, () => 0.5);
    expect([mixed.code, mixed.detail.retryAfterSeconds]).toEqual(['server_is_overloaded', 3]);
  });

  it('F069 always says when to come back: whole seconds from 1 to 55, spread by a fifth', () => {
    const wait = fc.oneof(fc.constant(null), fc.double({ min: -1e6, max: 1e12, noNaN: true }));
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const made = fc.tuple(fc.constantFrom(full, contended, cold, down, slow, open), wait);
    fc.assert(
      fc.property(fc.array(made, { maxLength: 6 }), fc.nat(9), random, (parts, attempts, chance) => {
        const failures = parts.map(([one, waitMs]) => ({ ...one, waitMs }));
        const error = verdict(failures, attempts, () => chance);
        const seconds = error.detail.retryAfterSeconds!;
        expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= 55).toBe(true);
        expect([429, 502, 503, 504]).toContain(error.status);
        expect(error.status === 429).toBe(failures.some((one) => one.error.reason === 'saturated'));
        expect(error.detail.attempts).toBe(attempts);
      }),
      { numRuns: 2000 },
    );
    expect(retryAfterSeconds(20_000, () => 0)).toBe(16);
    expect(retryAfterSeconds(20_000, () => 0.999)).toBe(24);
    expect(retryAfterSeconds(null, half)).toBe(1);
  });
});
