// How long a call is told that it would wait, and who is sent away at once for it. For src/flow/forecast and correction.
import { describe, expect, it } from 'vitest';
import type { GateCall, GateRefusal } from '../../src/core/gate.ts';
import { FairGate } from '../../src/flow/gate.ts';
import { gateCall, gateRules, on, told } from './calls.ts';
import { PoolSim, seeded } from './pool-sim.ts';

const SLOTS = 8;
const SERVICE_MS = 100;
const fair = (options: ConstructorParameters<typeof FairGate>[0]) => new FairGate(options);

/** Calls at 1.2 times of what the pool serves; answers with what was forecast for each and how long it waited. */
async function overload(serviceMs: (random: () => number) => number, tenants: number, seed: number) {
  const random = seeded(seed);
  const sim = new PoolSim(fair, SLOTS);
  const seen: { forecastMs: number; waitedMs: number }[] = [];
  const come = () => {
    const call: Partial<GateCall> = { tenant: `t${Math.floor(random() * tenants)}`, runArrivedMs: sim.clock.nowMs() };
    const forecastMs = sim.gate.forecastMs(gateCall(call));
    const granted = (waitedMs: number) => seen.push({ forecastMs, waitedMs });
    sim.submit({ call, usedTokens: 100, serviceMs: serviceMs(random), granted });
    sim.clock.after((-Math.log(1 - random()) * SERVICE_MS) / SLOTS / 1.2, come);
  };
  come();
  await sim.runFor(60_000);
  return seen.filter(({ waitedMs }) => waitedMs > 0);
}

const fixed = () => SERVICE_MS;
const exponential = (random: () => number) => -Math.log(1 - random()) * SERVICE_MS;

describe.each([
  ['M/D/8, one tenant', fixed, 1],
  ['M/M/8, one tenant', exponential, 1],
  ['M/D/8, twenty tenants', fixed, 20],
  ['M/M/8, twenty tenants', exponential, 20],
  ['M/M/8, six hundred tenants', exponential, 600],
])('in an overloaded pool (%s)', (_, serviceMs, tenants) => {
  it('what was forecast and what was waited differ by 25 % in the mean at most', async () => {
    for (const seed of [1, 2, 3]) {
      const seen = await overload(serviceMs, tenants, seed);
      const forecast = seen.reduce((sum, one) => sum + one.forecastMs, 0);
      const waited = seen.reduce((sum, one) => sum + one.waitedMs, 0);
      expect(seen.length).toBeGreaterThan(4000);
      expect(Math.abs(forecast / waited - 1)).toBeLessThanOrEqual(0.25);
    }
  });
});

describe('what is forecast', () => {
  /** A pool that has served calls of 100 ms, all its slots taken now, and so many in line. */
  async function busy(rules = gateRules()) {
    const sim = new PoolSim(fair, 4, rules);
    const endless = { call: {}, usedTokens: 100, serviceMs: 100 };
    for (let call = 0; call < 4; call++) sim.submit(endless);
    await sim.runFor(200);
    for (let call = 0; call < 4; call++) sim.submit({ ...endless, serviceMs: 1e9 });
    return sim;
  }
  const fill = (sim: PoolSim, count: number, call: Partial<GateCall> = {}) => {
    for (let at = 0; at < count; at++) sim.submit({ call, usedTokens: 100, serviceMs: 100 });
  };

  it('F079 a call whose turn would come too late is told so at once, and how long it would be', async () => {
    const sim = await busy();
    fill(sim, 40);
    const answer = sim.gate.acquire(gateCall({ maxWaitMs: 500 }), on(sim.worker)) as GateRefusal;
    expect(answer.refused).toBe('forecast');
    // 40 calls of 100 ms at 4 slots, and the first slot to come free.
    expect(answer.waitMs).toBeGreaterThanOrEqual(1000);
    expect(answer.waitMs).toBeLessThanOrEqual(1100);
    // Half as long again, and what chance may do to as many slots.
    expect(told(sim.gate.acquire(gateCall({ maxWaitMs: 1500 }), on(sim.worker)))).toBe('forecast');
    expect(sim.gate.acquire(gateCall({ maxWaitMs: 2000 }), on(sim.worker))).toBeInstanceOf(Promise);
  });

  it('nobody is sent away for it while nothing is measured, and no wait is named', () => {
    const sim = new PoolSim(fair, 1, gateRules({ line: { maxWaiting: 50 } }));
    fill(sim, 51);
    expect(sim.gate.acquire(gateCall({ maxWaitMs: 1 }), on(sim.worker))).toEqual({
      refused: 'queue_full',
      waitMs: null,
    });
    expect(sim.gate.forecastMs(gateCall())).toBe(0);
  });

  it('is nothing while slots are free', async () => {
    const sim = await busy();
    sim.worker.limit = 5;
    expect(sim.gate.forecastMs(gateCall())).toBe(0);
  });

  it('every refusal that time would cure names a wait', async () => {
    const sim = await busy(gateRules({ line: { maxWaiting: 4 } }));
    fill(sim, 4);
    const ask = (more: Partial<GateCall>) => sim.gate.acquire(gateCall(more), on(sim.worker)) as GateRefusal;
    for (const refusal of [ask({ maxWaitMs: 0 }), ask({ maxWaitMs: 50 }), ask({ maxWaitMs: 5000 })]) {
      expect(refusal.waitMs).toBeGreaterThan(100);
    }
    expect(told(ask({ maxWaitMs: 5000 }))).toBe('queue_full');
  });

  it('counts what goes first: higher bands whole, others’ calls only up to its own turn, none of the lower bands', async () => {
    const at = async (line: Partial<GateCall>, more: Partial<GateCall>) => {
      const sim = await busy();
      fill(sim, 40, line);
      return sim.gate.forecastMs(gateCall(more));
    };
    expect(await at({ priority: 'critical' }, { tenant: 'other' })).toBeGreaterThan(1000);
    expect(await at({ tenant: 'loud' }, { tenant: 'other' })).toBeLessThan(100);
    expect(await at({ priority: 'batch' }, { tenant: 'other' })).toBeLessThan(50);
    // Its own new runs stand behind it, its own tool loops of older runs before it.
    expect(await at({ runArrivedMs: 9 }, { continues: true })).toBeLessThan(50);
    expect(await at({ continues: true }, { continues: true, runArrivedMs: 9 })).toBeGreaterThan(1000);
  });

  it('counts each of its own tenant’s calls that goes first, in whatever order they came', async () => {
    const sim = await busy();
    const runs = Array.from({ length: 50 }, (_, at) => ((at * 37) % 50) + 1);
    for (const runArrivedMs of runs) fill(sim, 1, { runArrivedMs });
    const [none = 0, ...rest] = Array.from({ length: 51 }, (_, ahead) =>
      sim.gate.forecastMs(gateCall({ runArrivedMs: ahead + 0.5 })),
    );
    // Each takes 100 ms at one of 4 slots.
    for (const [at, waitMs] of rest.entries()) expect(waitMs - none).toBeCloseTo((at + 1) * 25, 6);
  });

  it('a band that is sure of a share waits no longer than that share makes it', async () => {
    const sim = await busy(gateRules({ line: { maxWaiting: 1000 }, reserved: { batch: 0.5 } }));
    fill(sim, 900, { priority: 'critical', tenant: 'loud' });
    fill(sim, 10, { priority: 'batch', tenant: 'low' });
    const waitMs = sim.gate.forecastMs(gateCall({ priority: 'batch', tenant: 'low' }));
    expect(waitMs).toBeGreaterThan(450);
    expect(waitMs).toBeLessThan(600);
  });

  it('learns from waits that calls yet to come will pass a tenant that has more than its share', async () => {
    const sim = new PoolSim(fair, SLOTS);
    const random = seeded(5);
    const arrive = (
      tenant: string,
      load: number,
      calls: Partial<GateCall>,
      refused: (refusal: GateRefusal) => void,
    ) => {
      const come = () => {
        sim.submit({ call: { tenant, ...calls }, usedTokens: 100, serviceMs: SERVICE_MS, refused });
        sim.clock.after((-Math.log(1 - random()) * SERVICE_MS) / SLOTS / load, come);
      };
      come();
    };
    let inVain = 0;
    let atOnce = 0;
    arrive('quiet', 0.4, {}, () => {});
    arrive('loud', 2, { maxWaitMs: 2000 }, ({ refused }) => {
      if (refused === 'waited') inVain++;
      else atOnce++;
    });
    await sim.runFor(60_000);
    expect(atOnce).toBeGreaterThan(5000);
    // By the work ahead alone, two in five of those let in would wait in vain.
    expect(inVain).toBeLessThan(0.005 * (sim.served.get('loud')! / 100));
  });
});
