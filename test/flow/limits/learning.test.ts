// What limits learn of engines that have so many slots and say nothing of them. For src/flow/limits/gradient2.
import { describe, expect, it } from 'vitest';
import { gradient2 } from '../../../src/flow/limits/gradient2.ts';
import { SlotEngine, type SlotEngineOptions, seeded } from './slot-engine.ts';

function behindAuto(options: Partial<SlotEngineOptions> & { slots: number }, seed = 1) {
  const random = seeded(seed);
  const engine = new SlotEngine({ baseMs: 50, perTokenMs: 0.05, decodeMs: 2_000, random, ...options });
  const limit = gradient2.create(gradient2.options.parse({}), { clock: engine.clock });
  return { engine: engine.behind(limit), limit, random };
}

/** The mean limit over the next calls. */
function meanLimit({ engine, limit }: ReturnType<typeof behindAuto>, calls: number): number {
  let sum = 0;
  for (let done = 0; done < calls; done += 20) {
    engine.run(20);
    sum += limit.value;
  }
  return sum / (calls / 20);
}

describe('gradient2 before an engine that is never out of work', () => {
  for (const slots of [4, 8, 16, 64, 128]) {
    it(`finds the ${slots} slots within 30 %, and stays there`, () => {
      for (const seed of [1, 2]) {
        const made = behindAuto({ slots }, seed);
        made.engine.saturate(true);
        made.engine.run(3_000);
        for (const calls of [2_000, 20_000]) {
          const mean = meanLimit(made, calls);
          expect(mean).toBeGreaterThan(0.7 * slots);
          expect(mean).toBeLessThan(1.3 * slots);
        }
      }
    });
  }

  it('one or two slots keep at most one call waiting inside', () => {
    for (const slots of [1, 2]) {
      const made = behindAuto({ slots });
      made.engine.saturate(true);
      made.engine.run(2_000);
      expect(meanLimit(made, 2_000)).toBeLessThanOrEqual(slots + 1.3);
    }
  });

  it('prompts from 100 to 15,000 tokens are not taken for queues', () => {
    const random = seeded(3);
    const made = behindAuto({ slots: 32, tokens: () => Math.round(100 * Math.exp(5 * random())) });
    made.engine.saturate(true);
    made.engine.run(3_000);
    const mean = meanLimit(made, 4_000);
    expect(mean).toBeGreaterThan(0.7 * 32);
    expect(mean).toBeLessThan(1.3 * 32);
  });

  it('a slow spell passes without a squeeze to the ground, and what was learned is back soon after it', () => {
    const made = behindAuto({ slots: 16 });
    made.engine.saturate(true);
    made.engine.run(3_000);
    made.engine.slowness = 10;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 60; i++) {
      made.engine.run(20);
      least = Math.min(least, made.limit.value);
    }
    expect(least).toBeGreaterThan(4);
    made.engine.slowness = 1;
    made.engine.run(2_000);
    const mean = meanLimit(made, 2_000);
    expect(mean).toBeGreaterThan(0.7 * 16);
    expect(mean).toBeLessThan(1.3 * 16);
  });

  it('a worker that stays slow keeps its slots in use', () => {
    const made = behindAuto({ slots: 16 });
    made.engine.saturate(true);
    made.engine.run(3_000);
    made.engine.slowness = 5;
    made.engine.run(4_000);
    expect(meanLimit(made, 4_000)).toBeGreaterThan(0.7 * 16);
  });
});

describe('gradient2 before an engine with little to do', () => {
  it('does not move while less than half of the limit is in flight', () => {
    const { engine, limit, random } = behindAuto({ slots: 8 });
    const before = limit.value;
    for (let i = 0; i < 2_000; i++) {
      if (engine.inFlight < 8) engine.offer();
      engine.clock.advance(500 * random());
    }
    expect(engine.served).toBeGreaterThan(1_000);
    expect(limit.value).toBe(before);
  });

  it('a rush after it finds the slots as from the beginning', () => {
    const made = behindAuto({ slots: 8 });
    const { engine, random } = made;
    for (let i = 0; i < 1_000; i++) {
      if (engine.inFlight < 4) engine.offer();
      engine.clock.advance(800 * random());
    }
    engine.saturate(true);
    engine.run(1_500);
    const mean = meanLimit(made, 2_000);
    expect(mean).toBeGreaterThan(0.7 * 8);
    expect(mean).toBeLessThan(1.3 * 8);
  });
});
