// What a fair gate promises to tenants, as properties of any gate, so that unfair ones can be shown to break them.
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Priority } from '../../src/core/names.ts';
import { gateRules } from './calls.ts';
import type { MakeGate } from './histories.ts';
import { jainIndex, PoolSim, quantile, seeded } from './pool-sim.ts';

const MOST_TOKENS = 1000;

/** A tenant that always has calls in line. */
const busyTenant = fc.record({
  weight: fc.integer({ min: 1, max: 4 }),
  /** Beyond what fills all slots. */
  backlog: fc.integer({ min: 2, max: 12 }),
  leastTokens: fc.constantFrom(10, 400, 900),
  /** What its calls are taken for, as a share of what they really use. */
  guess: fc.constantFrom(0.1, 0.5, 1),
});

interface Busy {
  readonly weight: number;
  readonly backlog: number;
  readonly leastTokens: number;
  readonly guess: number;
  readonly priority?: Priority;
}

/** Keeps a tenant's line filled: as soon as a call has a slot, another comes. */
function keepBusy(
  sim: PoolSim,
  tenant: string,
  { weight, backlog, leastTokens, guess, priority = 'interactive' }: Busy,
  slots: number,
  random: () => number,
): void {
  const submit = () => {
    const usedTokens = leastTokens + random() * (MOST_TOKENS - leastTokens);
    const call = { tenant, weight, priority, outputTokens: (usedTokens * guess) / 2 };
    sim.submit({ call, usedTokens, serviceMs: 1 + random() * 50, granted: submit });
  };
  for (let at = 0; at < backlog + slots; at++) submit();
}

/** For any two always-busy tenants the difference of what they were served for their weights stays in a bound, at every moment. */
export const boundedGap = (makeGate: MakeGate) =>
  fc.asyncProperty(
    fc.array(busyTenant, { minLength: 2, maxLength: 5 }),
    fc.integer({ min: 1, max: 6 }),
    fc.nat(1e6),
    async (tenants, slots, seed) => {
      const sim = new PoolSim(makeGate, slots);
      const random = seeded(seed);
      tenants.forEach((tenant, at) => {
        keepBusy(sim, `t${at}`, tenant, slots, random);
      });
      // The window in flight and one request more, of a tenant of weight 1.
      const bound = (slots + 1) * MOST_TOKENS;
      await sim.run(() => {
        const shares = tenants.map(({ weight }, at) => (sim.served.get(`t${at}`) ?? 0) / weight);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(bound);
        return sim.grants >= 600;
      });
    },
  );

/** Within 5 % of the weights where no request exceeds 1 % of what each tenant is served. */
export const sharesByWeight = (makeGate: MakeGate) =>
  fc.asyncProperty(
    fc.array(busyTenant, { minLength: 2, maxLength: 4 }),
    fc.integer({ min: 1, max: 3 }),
    fc.nat(1e6),
    async (tenants, slots, seed) => {
      const sim = new PoolSim(makeGate, slots);
      const random = seeded(seed);
      tenants.forEach((tenant, at) => {
        keepBusy(sim, `t${at}`, tenant, slots, random);
      });
      const least = () => Math.min(...tenants.map((_, at) => sim.served.get(`t${at}`) ?? 0));
      await sim.run(() => least() >= 100 * MOST_TOKENS);
      const shares = tenants.map(({ weight }, at) => sim.served.get(`t${at}`)! / weight);
      const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
      for (const share of shares) expect(Math.abs(share - mean) / mean).toBeLessThanOrEqual(0.05);
      expect(jainIndex(shares)).toBeGreaterThanOrEqual(0.99);
    },
  );

/** A tenant that comes back from idle is served no more than its share from then on. */
export const noBurst = (makeGate: MakeGate) =>
  fc.asyncProperty(
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 50, max: 400 }),
    fc.nat(1e6),
    async (slots, idleGrants, seed) => {
      const sim = new PoolSim(makeGate, slots);
      const random = seeded(seed);
      const even = { weight: 1, backlog: 3, leastTokens: 500, guess: 1 };
      keepBusy(sim, 'busy', even, slots, random);
      await sim.run(() => sim.grants >= idleGrants);
      const before = sim.served.get('busy')!;
      keepBusy(sim, 'back', even, slots, random);
      const bound = (slots + 1) * MOST_TOKENS;
      await sim.run(() => {
        const busy = sim.served.get('busy')! - before;
        expect(Math.abs((sim.served.get('back') ?? 0) - busy)).toBeLessThanOrEqual(bound);
        return sim.grants >= idleGrants + 300;
      });
    },
  );

/** A band that always waits gets at least its reserved share of the tokens, however much comes above it. */
export const reservedShare = (makeGate: MakeGate) =>
  fc.asyncProperty(
    fc.constantFrom(0.05, 0.1, 0.2, 0.4),
    fc.integer({ min: 1, max: 6 }),
    fc.nat(1e6),
    async (share, slots, seed) => {
      const rules = gateRules({ line: { maxWaiting: 1e6 }, reserved: { batch: share } });
      const sim = new PoolSim(makeGate, slots, rules);
      const random = seeded(seed);
      const keep = (tenant: string, priority: 'interactive' | 'batch') => {
        const submit = () => {
          const usedTokens = 100 + random() * 400;
          const call = { tenant, priority, outputTokens: usedTokens / 2 };
          sim.submit({ call, usedTokens, serviceMs: 1 + random() * 50, granted: submit });
        };
        for (let at = 0; at < slots + 3; at++) submit();
      };
      keep('high', 'interactive');
      keep('low', 'batch');
      await sim.run(() => sim.grants >= 3000);
      const low = sim.served.get('low') ?? 0;
      const all = low + sim.served.get('high')!;
      expect(low / all).toBeGreaterThanOrEqual(share * 0.95);
      expect(low / all).toBeLessThanOrEqual(share * 1.05);
    },
  );

/** Classes share slot time by their weights, though one holds its slots a hundred times longer. */
export const classesShare = (makeGate: MakeGate) =>
  fc.asyncProperty(
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 8 }),
    fc.nat(1e6),
    async (share, slots, seed) => {
      const rules = gateRules({ line: { maxWaiting: 1e6 }, embed: { maxWaiting: 1e6, share } });
      const sim = new PoolSim(makeGate, slots, rules);
      const random = seeded(seed);
      const heldMs = { chat: 0, embed: 0 };
      const keep = (routeClass: 'chat' | 'embed', meanMs: number) => {
        const submit = () => {
          const serviceMs = meanMs * (0.5 + random());
          const granted = () => {
            heldMs[routeClass] += serviceMs;
            submit();
          };
          sim.submit({ call: { tenant: routeClass, class: routeClass }, usedTokens: 100, serviceMs, granted });
        };
        for (let at = 0; at < slots + 3; at++) submit();
      };
      keep('chat', 500);
      keep('embed', 5);
      await sim.run(() => sim.clock.nowMs() >= 60_000);
      const got = heldMs.embed / (heldMs.embed + heldMs.chat);
      const due = share / (share + 1);
      expect(Math.abs(got - due) / due).toBeLessThanOrEqual(0.1);
    },
  );

/** A background call is served within its wait though batch calls never end: age raises it. */
export const ageRaises = (makeGate: MakeGate) =>
  fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.nat(1e6), async (slots, seed) => {
    const sim = new PoolSim(makeGate, slots);
    const random = seeded(seed);
    keepBusy(sim, 'busy', { weight: 1, backlog: 4, leastTokens: 100, guess: 1, priority: 'batch' }, slots, random);
    await sim.run(() => sim.grants >= 50);
    const waits: number[] = [];
    const call = { tenant: 'patient', priority: 'background', maxWaitMs: 2000, outputTokens: 50 } as const;
    sim.submit({ call, usedTokens: 100, serviceMs: 10, granted: (waitedMs) => waits.push(waitedMs) });
    await sim.runFor(2500);
    expect(waits).toHaveLength(1);
    expect(waits[0]).toBeGreaterThanOrEqual(1000);
  });

/** A quiet tenant's waits hardly grow when one that already has its share offers five times as much. */
export const isolation = (makeGate: MakeGate) =>
  fc.asyncProperty(fc.nat(1e6), async (seed) => {
    const SLOTS = 8;
    const SERVICE_MS = 100;
    const p99WaitMs = async (factor: number) => {
      const sim = new PoolSim(makeGate, SLOTS, gateRules({ line: { maxWaiting: 200 } }));
      const waits: number[] = [];
      const arrive = (tenant: string, load: number, random: () => number) => {
        const gapMs = SERVICE_MS / SLOTS / load;
        const come = () => {
          sim.submit({
            call: { tenant, maxWaitMs: 2000 },
            usedTokens: 100,
            serviceMs: SERVICE_MS,
            granted: (waitedMs) => {
              if (tenant === 'quiet') waits.push(waitedMs);
            },
            refused: () => {
              if (tenant === 'quiet') waits.push(Number.POSITIVE_INFINITY);
            },
          });
          sim.clock.after(-Math.log(1 - random()) * gapMs, come);
        };
        come();
      };
      arrive('quiet', 0.4, seeded(seed));
      arrive('loud', factor, seeded(seed + 1));
      await sim.runFor(60_000);
      return quantile(waits, 0.99);
    };
    const twice = await p99WaitMs(2);
    const tenfold = await p99WaitMs(10);
    expect(tenfold).toBeLessThanOrEqual(Math.max(1.1 * twice, twice + SERVICE_MS));
    expect(twice).toBeLessThanOrEqual(5 * SERVICE_MS);
  });
