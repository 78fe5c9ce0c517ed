// Why no worker of a pool can serve, and when to look again; what attempts do to a worker. For src/fleet/{pool,worker}.
import { describe, expect, it } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import type { WorkerState } from '../../src/core/worker.ts';
import { conditionOf, type Pool } from '../../src/fleet/pool.ts';
import { type PoolWorker, placeOf } from '../../src/fleet/worker.ts';
import { poolPlan, report, testFleet, urlWorker } from './fleets.ts';

function pool(...states: WorkerState[]) {
  const { fleet, clock } = testFleet();
  fleet.apply([
    poolPlan(
      states.map((_, at) => urlWorker(`http://w${at}`)),
      { engine: 'openai' },
    ),
  ]);
  const made = fleet.pools.get('p')!;
  for (const [at, state] of states.entries()) made.workers[at]!.state = state;
  return { pool: made as Pool, workers: made.workers as PoolWorker[], clock };
}

const fail = (worker: PoolWorker, code: ConstructorParameters<typeof RouterError>[0], detail = {}) =>
  worker.record(report({ outcome: 'failed', error: new RouterError(code, 'x', detail), begun: worker.begin() }));

describe('the condition of a pool', () => {
  it('without workers, or with broken ones only, it is failing and nothing tells when that ends', () => {
    expect(conditionOf(pool().pool, 'm', 0)).toEqual({ reason: 'failing', waitMs: null });
    expect(conditionOf(pool('unhealthy', 'unhealthy').pool, 'm', 0)).toEqual({ reason: 'failing', waitMs: null });
  });

  it('that only comes up is cold, for as long as the first is expected to take', () => {
    const { pool: cold, workers } = pool('starting', 'cold', 'unhealthy');
    workers[0]!.expectedReadyMs = 60_000;
    workers[1]!.expectedReadyMs = 20_000;
    expect(conditionOf(cold, 'm', 5_000)).toEqual({ reason: 'cold', waitMs: 15_000 });
    expect(conditionOf(cold, 'm', 500_000)).toEqual({ reason: 'cold', waitMs: 1_000 });
  });

  it('a broken worker’s next probe does not make a cold one look near', () => {
    const { pool: mixed, workers } = pool('starting', 'warm');
    workers[0]!.expectedReadyMs = 60_000;
    for (let i = 0; i < 5; i++) fail(workers[1]!, 'upstream_error');
    expect(conditionOf(mixed, 'm', 0)).toEqual({ reason: 'cold', waitMs: 60_000 });
  });

  it('with a worker that asked for a pause it is saturated until that is over', () => {
    const { pool: paused, workers } = pool('warm', 'unhealthy', 'starting');
    fail(workers[0]!, 'worker_full', { coolDownMs: 7_000 });
    expect(conditionOf(paused, 'm', 2_000)).toEqual({ reason: 'saturated', waitMs: 5_000 });
  });

  it('with open breakers it is failing until the first probe', () => {
    const { pool: broken, workers } = pool('warm', 'warm');
    for (const worker of workers) for (let i = 0; i < 5; i++) fail(worker, 'upstream_error');
    expect(conditionOf(broken, 'm', 0)).toEqual({ reason: 'failing', waitMs: 1_000 });
    expect(workers[0]!.admits(999, 'm')).toBe(false);
    expect(workers[0]!.admits(1_000, 'm')).toBe(true);
  });
});

describe('what an attempt does to its worker', () => {
  it('F072 full is not broken: it is left alone for a while, and no breaker moves', () => {
    const { workers } = pool('warm');
    const [worker] = workers;
    for (let i = 0; i < 50; i++) fail(worker!, 'worker_full');
    expect(worker!.breaker.state(0)).toBe('closed');
    expect(worker!.admits(0, 'm')).toBe(false);
    expect(worker!.admits(250, 'm')).toBe(true);
  });

  it('F072 a full worker that named no time has room again as soon as a call of ours ends there', () => {
    const { workers } = pool('warm');
    const [worker] = workers;
    fail(worker!, 'worker_full');
    worker!.record(report({ outcome: 'failed', error: new RouterError('upstream_error', 'x') }));
    expect(worker!.admits(0, 'm')).toBe(false);
    worker!.record(report());
    expect(worker!.admits(0, 'm')).toBe(true);
    fail(worker!, 'worker_full', { coolDownMs: 0 });
    expect([worker!.admits(249, 'm'), worker!.admits(250, 'm')]).toEqual([false, true]);
    fail(worker!, 'worker_full', { coolDownMs: 9_000 });
    fail(worker!, 'worker_full');
    worker!.record(report());
    expect(worker!.admits(8_999, 'm')).toBe(false);
  });

  it('a shorter pause never cuts a longer one', () => {
    const { workers } = pool('warm');
    const [worker] = workers;
    fail(worker!, 'worker_full', { coolDownMs: 9_000 });
    fail(worker!, 'worker_full');
    expect(worker!.admits(8_999, 'm')).toBe(false);
    expect(worker!.admits(9_000, 'm')).toBe(true);
  });

  it('F068 a refused credential or an empty account is left alone for a minute, as failing', () => {
    const { pool: one, workers } = pool('warm');
    fail(workers[0]!, 'upstream_refused_key');
    expect(conditionOf(one, 'm', 0)).toEqual({ reason: 'failing', waitMs: 60_000 });
    expect(workers[0]!.breaker.state(0)).toBe('closed');
  });

  it('a worker that says it loads is cold', () => {
    const { pool: one, workers } = pool('warm');
    fail(workers[0]!, 'model_warming', { coolDownMs: 4_000 });
    expect(conditionOf(one, 'm', 0)).toEqual({ reason: 'cold', waitMs: 4_000 });
  });

  it('what the caller or the router caused leaves no trace', () => {
    const { workers } = pool('warm');
    const [worker] = workers;
    for (let i = 0; i < 50; i++) {
      const begun = worker!.begin();
      for (const code of ['client_gone', 'refused_by_target'] as const)
        worker!.record(report({ outcome: 'ignored', error: new RouterError(code, 'x'), begun }));
    }
    expect(worker!.admits(0, 'm')).toBe(true);
    expect(worker!.breaker.state(0)).toBe('closed');
  });
});

describe('the place in a URL', () => {
  it.each([
    ['http://h:8000', 'http://h:8000', ''],
    ['http://h/', 'http://h', ''],
    ['https://h/a/b//', 'https://h', '/a/b'],
    ['http://[::1]:81/v', 'http://[::1]:81', '/v'],
  ])('%s', (url, origin, basePath) => {
    expect(placeOf(url)).toEqual({ origin, basePath });
  });
});
