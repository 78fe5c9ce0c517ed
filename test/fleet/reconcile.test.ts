// What a new policy does to pools and workers that are there already. For src/fleet/fleet.
import { describe, expect, it } from 'vitest';
import type { GateCall, GateRefusal, Permit } from '../../src/core/gate.ts';
import type { GpuPrice } from '../../src/core/prices.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { fixedLimit, playedSource, poolPlan, report, testFleet, urlWorker } from './fleets.ts';

const call = (): GateCall => ({
  signal: new CallSignal(),
  maxWaitMs: 1_000,
  class: 'chat',
  priority: 'interactive',
  tenant: 't',
  weight: 1,
  continues: false,
  runArrivedMs: 0,
  bytes: 100,
  inputTokens: 100,
  outputTokens: 10,
  hold: null,
  overdue: false,
  streams: true,
  uncachedAt: () => 100,
});

function permitOf(answer: Permit | GateRefusal | Promise<unknown>): Permit {
  if (answer instanceof Promise || 'refused' in answer) throw new Error('no permit');
  return answer;
}

describe('a reload', () => {
  it('keeps workers of equal key with all their state, wherever they stand in the list', async () => {
    const { fleet, clock, probes } = testFleet();
    probes.answer('http://a', 200);
    fleet.apply([poolPlan([urlWorker('http://a'), urlWorker('http://b')])]);
    await clock.advanceSettling(0);
    const pool = fleet.pools.get('p')!;
    const [a, b] = pool.workers;
    a!.breaker.failure(a!.begin());
    a!.inFlight = 1;
    fleet.apply([poolPlan([urlWorker('http://c'), urlWorker('http://b'), urlWorker('http://a', fixedLimit(9))])]);
    expect(fleet.pools.get('p')).toBe(pool);
    expect(pool.workers[2]).toBe(a);
    expect(pool.workers[1]).toBe(b);
    expect([a!.state, a!.limit, a!.inFlight, a!.id]).toEqual(['warm', 9, 1, 'p/1']);
    expect(pool.workers[0]!.id).toBe('p/3');
    await fleet.close();
    expect(clock.pending).toBe(0);
  });

  it('with another price keeps the worker and all that it has learned', async () => {
    const { fleet, clock } = testFleet();
    const price = (usdPerGpuHour: number): GpuPrice => ({
      usdPerGpuHour,
      gpus: 1,
      billed: 'always',
      incrementMs: 3_600_000,
      minimumMs: 0,
      term: 'on-demand',
      coldStart: 0,
      egressPerGiB: 0,
      asOf: null,
      source: null,
    });
    fleet.apply([poolPlan([{ ...urlWorker('http://a'), gpu: price(2) }, urlWorker('http://b')])]);
    const { workers } = fleet.pools.get('p')!;
    const before = [...workers];
    expect(before.map(({ gpu }) => gpu?.usdPerGpuHour ?? null)).toEqual([2, null]);
    fleet.apply([
      poolPlan([
        { ...urlWorker('http://a'), gpu: price(3) },
        { ...urlWorker('http://b'), gpu: price(1) },
      ]),
    ]);
    expect([...fleet.pools.get('p')!.workers]).toEqual(before);
    expect(before.map(({ gpu }) => gpu?.usdPerGpuHour)).toEqual([3, 1]);
    fleet.apply([poolPlan([urlWorker('http://a'), urlWorker('http://b')])]);
    expect(before.map(({ gpu }) => gpu)).toEqual([null, null]);
    await fleet.close();
    expect(clock.pending).toBe(0);
  });

  it('lets go of what is gone: it admits nothing more, is not asked any more, and its source stops once', async () => {
    const { fleet, clock, probes } = testFleet();
    probes.answer('http://a', 200);
    const played = playedSource();
    const sourced = { ...urlWorker('x'), url: null, source: () => played.source };
    fleet.apply([poolPlan([urlWorker('http://a'), sourced])]);
    await clock.advanceSettling(0);
    const [a, x] = fleet.pools.get('p')!.workers;
    fleet.apply([poolPlan([urlWorker('http://b')])]);
    expect([a!.state, x!.state, a!.admits(clock.nowMs(), 'm')]).toEqual(['draining', 'draining', false]);
    expect(played.stopped).toBe(1);
    await clock.advanceSettling(0);
    const asked = probes.asked.filter(({ origin }) => origin === 'http://a').length;
    await clock.advanceSettling(30_000);
    expect(probes.asked.filter(({ origin }) => origin === 'http://a').length).toBe(asked);
    await fleet.close();
    expect(played.stopped).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('a worker that leaves while it is asked does not come back', async () => {
    const { fleet, clock, probes } = testFleet();
    probes.answer('http://a', 'silent');
    fleet.apply([poolPlan([urlWorker('http://a')])]);
    await clock.advanceSettling(0);
    const [a] = fleet.pools.get('p')!.workers;
    fleet.apply([poolPlan([])]);
    await clock.advanceSettling(10_000);
    expect(a!.state).toBe('draining');
    expect(probes.asked).toHaveLength(1);
    await fleet.close();
    expect(clock.pending).toBe(0);
  });

  it('a source told of an address after its worker left does not bring it back', async () => {
    const { fleet, clock, probes } = testFleet();
    probes.answer('http://late', 200);
    const played = playedSource();
    fleet.apply([poolPlan([{ ...urlWorker('x'), url: null, source: () => played.source }])]);
    const [x] = fleet.pools.get('p')!.workers;
    fleet.apply([poolPlan([])]);
    played.at('http://late');
    await clock.advanceSettling(10_000);
    expect([x!.state, probes.asked.length]).toEqual(['draining', 0]);
    played.at(null);
    expect(x!.state).toBe('draining');
    await fleet.close();
    expect(clock.pending).toBe(0);
  });

  it('equal limit keys keep what was learned, another one begins anew; zone and sum follow the plan', async () => {
    const { fleet, clock } = testFleet();
    const limit = { value: 3, sample() {} };
    const plan = (limitKey: string, value: number, zone: string) => {
      const learned = { limitKey, createLimit: () => (limitKey === 'auto' ? limit : { value, sample() {} }) };
      return [poolPlan([urlWorker('http://a', learned), urlWorker('http://b')], { engine: 'openai', zone })];
    };
    fleet.apply(plan('auto', 0, 'eu'));
    const pool = fleet.pools.get('p')!;
    const [a] = pool.workers;
    expect([a!.limit, a!.zone, pool.capacity]).toEqual([3, 'eu', 5]);
    limit.value = 7;
    a!.record(report({ firstContentMs: 10 }));
    fleet.apply(plan('auto', 0, 'us'));
    expect([a!.limit, a!.zone, pool.capacity]).toEqual([7, 'us', 9]);
    fleet.apply(plan('fixed', 4, 'us'));
    expect([pool.workers[0], a!.limit, pool.capacity]).toEqual([a, 4, 6]);
    fleet.apply([poolPlan([urlWorker('http://b')], { engine: 'openai' })]);
    expect([a!.limit, pool.capacity]).toEqual([0, 2]);
    await fleet.close();
    expect(clock.pending).toBe(0);
  });

  it('more room is used at once by those in line', async () => {
    const { fleet, clock } = testFleet();
    const plan = (limit: number) => [poolPlan([urlWorker('http://a', fixedLimit(limit))], { engine: 'openai' })];
    fleet.apply(plan(1));
    const pool = fleet.pools.get('p')!;
    const pick = () => {
      const [worker] = pool.workers;
      return worker!.inFlight < worker!.limit ? worker! : 'full';
    };
    const first = pool.gate.acquire(call(), pick);
    const second = pool.gate.acquire(call(), pick);
    expect(second).toBeInstanceOf(Promise);
    fleet.apply(plan(2));
    permitOf(await second).close('won');
    permitOf(first).close('won');
    await fleet.close();
    expect([pool.gate.inFlight, pool.gate.waiting, clock.pending]).toEqual([0, 0, 0]);
  });

  it('a pool that is gone refuses its line; calls that run end in peace', async () => {
    const { fleet, clock } = testFleet();
    fleet.apply([poolPlan([urlWorker('http://a', fixedLimit(1))], { engine: 'openai' })]);
    const pool = fleet.pools.get('p')!;
    const [worker] = pool.workers;
    const running = pool.gate.acquire(call(), () => worker!);
    const waiting = pool.gate.acquire(call(), () => 'full');
    fleet.apply([poolPlan([], { name: 'other' })]);
    expect([...fleet.pools.keys()]).toEqual(['other']);
    expect(await waiting).toMatchObject({ refused: 'closed' });
    permitOf(running).close('won');
    expect([worker!.inFlight, pool.gate.inFlight, clock.pending]).toEqual([0, 0, 0]);
    await fleet.close();
  });
});
