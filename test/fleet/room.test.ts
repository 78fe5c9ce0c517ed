// How many calls a worker may hold, and who hears when that changes. For src/fleet/{room,worker}.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import type { Limit, LimitSample } from '../../src/core/limit.ts';
import { WORKER_STATES } from '../../src/core/worker.ts';
import { PoolWorker } from '../../src/fleet/worker.ts';
import { Breaker, DEFAULT_BREAKER } from '../../src/upstream/breaker.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { report } from './fleets.ts';

/** A limit that a test moves; it keeps what it is told. */
function playedLimit(value: number) {
  const samples: LimitSample[] = [];
  return { value, samples, sample: (one: LimitSample) => void samples.push(one) };
}

function watched(limit: Limit) {
  const clock = new VirtualClock();
  const worker = new PoolWorker({
    id: 'p/1',
    headers: [],
    limit,
    state: 'warm',
    breaker: new Breaker(DEFAULT_BREAKER, clock, () => 0.5),
    clock,
    expectedReadyMs: 0,
  });
  worker.origin = 'http://w';
  const seen = { changed: 0, freed: 0, slots: 0 };
  worker.watch({
    changed: () => void seen.changed++,
    freed: () => void seen.freed++,
    grew: (by) => {
      seen.slots += by;
    },
  });
  return { worker, seen };
}

describe('the room of a worker', () => {
  it('is its limit, floored, while its state admits, and none while it does not', () => {
    const { worker, seen } = watched(playedLimit(3.9));
    expect([worker.limit, seen.slots]).toEqual([3, 3]);
    for (const state of WORKER_STATES) {
      worker.state = state;
      const expected = ['warm', 'busy', 'unknown'].includes(state) ? 3 : 0;
      expect([worker.limit, seen.slots]).toEqual([expected, expected]);
    }
  });

  it('F072 is what it took when it said that it was full, and a quarter more for each call that ends there', () => {
    const full = { outcome: 'failed', error: new RouterError('worker_full', 'x') } as const;
    const { worker, seen } = watched(playedLimit(8.5));
    worker.inFlight = 5;
    // Two of five are refused: it took three.
    for (const left of [4, 3]) {
      worker.record(report(full));
      worker.inFlight = left;
    }
    expect([worker.limit, seen.slots]).toEqual([3, 3]);
    for (let ended = 1; ended <= 20; ended++) {
      worker.record(report());
      expect(worker.limit).toBe(3 + Math.floor(ended / 4));
    }
    for (let ended = 0; ended < 4; ended++) worker.record(report());
    expect([worker.limit, seen.slots]).toEqual([8, 8]);
    // One call is let through, however full it is with others' work.
    worker.inFlight = 1;
    worker.record(report(full));
    worker.inFlight = 0;
    expect(worker.limit).toBe(1);
  });

  it('is told of when it comes and goes, and not in between', () => {
    const { worker, seen } = watched(playedLimit(2));
    worker.inFlight = 1;
    expect(seen.changed).toBe(0);
    worker.inFlight = 2;
    expect(seen.changed).toBe(1);
    worker.inFlight = 1;
    expect([seen.changed, seen.freed]).toEqual([2, 0]);
  });

  it('a limit that falls below what is in flight gives room again only below it; one that rises is told at once', () => {
    const limit = playedLimit(4);
    const { worker, seen } = watched(limit);
    worker.inFlight = 4;
    limit.value = 1.7;
    worker.record(report());
    expect([worker.limit, worker.inFlight, seen.slots]).toEqual([1, 4, 1]);
    for (const left of [3, 2, 1]) {
      worker.inFlight = left;
      expect(seen.changed).toBe(1);
    }
    worker.inFlight = 0;
    expect([seen.changed, seen.freed]).toEqual([2, 0]);
    worker.inFlight = 1;
    limit.value = 5;
    worker.record(report());
    expect([seen.changed, seen.freed, seen.slots]).toEqual([4, 1, 5]);
  });

  it('reaches above a limit that is learned, until the worker says that it is full, and never above another', () => {
    const learned = { ...playedLimit(8), reach: 9.5 };
    const { worker } = watched(learned);
    expect([worker.limit, worker.reach, watched(playedLimit(8)).worker.reach]).toEqual([8, 9, 8]);
    worker.inFlight = 3;
    worker.heard(1);
    expect(worker.reach).toBe(3);
    worker.heard(0.5);
    worker.state = 'draining';
    expect(worker.reach).toBe(0);
    worker.state = 'warm';
    expect(worker.reach).toBe(9);
    worker.record(report({ outcome: 'failed', error: new RouterError('worker_full', 'Full.') }));
    for (let ended = 0; ended < 40; ended++) worker.record(report());
    expect([worker.limit, worker.reach]).toEqual([8, 8]);
    worker.learnWith(learned);
    expect(worker.reach).toBe(9);
  });

  it('another limit counts from then on', () => {
    const { worker, seen } = watched(playedLimit(4));
    worker.learnWith(playedLimit(9));
    expect([worker.limit, seen.slots]).toEqual([9, 9]);
  });

  it('is what those who watch have counted, whatever happens', () => {
    const step = fc.oneof(
      fc.record({ inFlight: fc.nat(12) }),
      fc.record({ value: fc.double({ min: 1, max: 12, noNaN: true }) }),
      fc.record({ state: fc.constantFrom(...WORKER_STATES) }),
      fc.record({ load: fc.oneof(fc.constant(null), fc.constantFrom(0.2, 0.99, 1, 7)) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const limit = playedLimit(4);
        const { worker, seen } = watched(limit);
        let room = worker.inFlight < worker.limit;
        for (const one of steps) {
          const before = seen.changed;
          if ('inFlight' in one) worker.inFlight = one.inFlight;
          else if ('state' in one) worker.state = one.state;
          else if ('load' in one) worker.heard(one.load);
          else {
            limit.value = one.value;
            worker.record(report());
          }
          const now = worker.inFlight < worker.limit;
          expect(seen.changed - before).toBe(now === room ? 0 : 1);
          expect(worker.limit).toBeLessThanOrEqual(seen.slots);
          room = now;
        }
      }),
    );
  });
});

describe('an engine that says that it is full', () => {
  it('F072 takes no more until it says otherwise, while what it has goes on', () => {
    const { worker, seen } = watched(playedLimit(4));
    worker.inFlight = 2;
    worker.heard(1.2);
    expect([worker.limit, worker.engineLoad, seen.changed]).toEqual([2, 1.2, 1]);
    worker.inFlight = 1;
    expect(worker.limit).toBe(1);
    worker.heard(0.4);
    expect([worker.limit, seen.changed, seen.freed]).toEqual([4, 2, 1]);
  });

  it('is believed for three polls without an answer and no longer', () => {
    const { worker } = watched(playedLimit(4));
    worker.inFlight = 1;
    worker.heard(2);
    worker.heard(null);
    worker.heard(null);
    expect([worker.limit, worker.engineLoad]).toEqual([1, 2]);
    worker.heard(null);
    expect([worker.limit, worker.engineLoad]).toEqual([4, null]);
  });

  it('holds back an idle worker for three polls, and then all but one call at a time', () => {
    const { worker, seen } = watched(playedLimit(4));
    for (let polls = 0; polls < 3; polls++) {
      worker.heard(5);
      expect(worker.limit).toBe(0);
    }
    worker.heard(5);
    expect([worker.limit, seen.freed]).toEqual([4, 1]);
    worker.inFlight = 1;
    expect(worker.limit).toBe(1);
  });
});

describe('what an attempt teaches the limit', () => {
  const ended = (more: Parameters<typeof report>[0]) => {
    const limit = playedLimit(4);
    watched(limit).worker.record(report(more));
    return limit.samples;
  };
  const error = (code: 'worker_full' | 'upstream_timeout' | 'upstream_error', detail = {}) =>
    new RouterError(code, 'x', detail);

  it('a reply tells when it began, behind how many', () => {
    expect(ended({ firstContentMs: 90, inFlight: 3, uncachedTokens: 700 })).toEqual([
      { firstContentMs: 90, inFlight: 3, uncachedTokens: 700, dropped: false },
    ]);
    expect(ended({})).toMatchObject([{ firstContentMs: null, dropped: false }]);
  });

  it('F072 full, or no beginning in time, is a drop; a failure of another kind says nothing', () => {
    expect(ended({ outcome: 'failed', error: error('worker_full') })).toMatchObject([{ dropped: true }]);
    expect(ended({ outcome: 'failed', error: error('worker_full', { rateLimit: true }) })).toMatchObject([
      { dropped: true },
    ]);
    expect(ended({ outcome: 'failed', error: error('upstream_timeout') })).toMatchObject([{ dropped: true }]);
    expect(ended({ outcome: 'failed', error: error('upstream_timeout', { descends: false }) })).toEqual([]);
    expect(ended({ outcome: 'failed', error: error('upstream_error') })).toEqual([]);
    expect(ended({ outcome: 'ignored', error: new RouterError('client_gone', 'x') })).toEqual([]);
    const cut = ended({ outcome: 'failed', error: error('upstream_timeout'), firstContentMs: 50 });
    expect(cut).toMatchObject([{ firstContentMs: 50, dropped: false }]);
  });
});
