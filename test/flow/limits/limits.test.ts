// What holds of every limit whatever it is told, and how each moves. For src/flow/limits.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LimitSample } from '../../../src/core/limit.ts';
import type { aimd } from '../../../src/flow/limits/aimd.ts';
import { gradient2 } from '../../../src/flow/limits/gradient2.ts';
import { limits } from '../../../src/flow/limits/index.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

const sample = (more: Partial<LimitSample> = {}): LimitSample => ({
  firstContentMs: 100,
  uncachedTokens: 1_000,
  inFlight: 64,
  dropped: false,
  ...more,
});

const anySample: fc.Arbitrary<LimitSample> = fc.record({
  firstContentMs: fc.oneof(fc.constant(null), fc.double({ min: 0, max: 1e5 }), fc.double()),
  uncachedTokens: fc.oneof(fc.nat(200_000), fc.double()),
  inFlight: fc.nat(200),
  dropped: fc.boolean(),
});

/** A run of samples with the time between them, ms. */
const anyHistory = fc.array(fc.tuple(anySample, fc.nat(2_000)), { maxLength: 300 });

const made = (kind: 'aimd' | 'gradient2', options: object = {}) => {
  const clock = new VirtualClock();
  const plugin = limits[kind] as typeof aimd;
  return { clock, limit: plugin.create(plugin.options.parse(options), { clock }) };
};

describe('every limit', () => {
  it('accepts an empty mapping, and no key that it does not know', () => {
    const clock = new VirtualClock();
    for (const { options, create } of [limits.fixed, limits.aimd, limits.gradient2]) {
      expect(create(options.parse({}) as never, { clock }).value).toBe(64);
      expect(options.safeParse({ nonsense: 1 }).success).toBe(false);
    }
    expect(limits.fixed.create(limits.fixed.options.parse({ limit: 7 }), { clock }).value).toBe(7);
  });

  for (const kind of ['aimd', 'gradient2'] as const) {
    it(`${kind} stays between its bounds, whatever it is told`, () => {
      fc.assert(
        fc.property(
          anyHistory,
          fc.nat(40),
          fc.nat(100),
          fc.integer({ min: 1, max: 150 }),
          (history, low, over, initial) => {
            const [min, max] = [1 + low, 1 + low + over];
            const { clock, limit } = made(kind, { min, max, initial });
            for (const [one, ms] of history) {
              clock.advance(ms);
              limit.sample(one);
              expect(limit.value).toBeGreaterThanOrEqual(min);
              expect(limit.value).toBeLessThanOrEqual(max);
            }
          },
        ),
      );
    });

    it(`${kind} does not move while less than half of it is in flight and nothing is dropped`, () => {
      const quiet = fc.array(fc.tuple(fc.double({ min: 0, max: 4_000, noNaN: true }), fc.nat(31), fc.nat(50_000)), {
        maxLength: 300,
      });
      fc.assert(
        fc.property(quiet, (history) => {
          const { clock, limit } = made(kind);
          for (const [firstContentMs, inFlight, uncachedTokens] of history) {
            clock.advance(150);
            limit.sample(sample({ firstContentMs, inFlight, uncachedTokens }));
            expect(limit.value).toBe(64);
          }
        }),
      );
    });

    it(`${kind} comes back from its minimum once replies begin soon again`, () => {
      const { clock, limit } = made(kind, { initial: 32 });
      for (let i = 0; i < 200; i++) {
        clock.advance(1_000);
        limit.sample(sample({ dropped: true, inFlight: 1 }));
      }
      expect(limit.value).toBe(1);
      for (let i = 0; i < 3_000; i++) {
        clock.advance(100);
        limit.sample(sample({ inFlight: Math.floor(limit.value) }));
      }
      expect(limit.value).toBeGreaterThan(32);
    });
  }
});

describe('aimd', () => {
  it('rises by one per window of a second and ten samples in which half of it was used', () => {
    const { clock, limit } = made('aimd', { initial: 10 });
    for (let i = 0; i < 9; i++) {
      clock.advance(1_000);
      limit.sample(sample({ inFlight: 5 }));
    }
    expect(limit.value).toBe(10);
    limit.sample(sample({ inFlight: 1 }));
    expect(limit.value).toBe(11);
    for (let i = 0; i < 100; i++) limit.sample(sample({ inFlight: 11 }));
    expect(limit.value).toBe(11);
  });

  it('F072 a worker that says it is full lowers it at once, but many at once only once', () => {
    const { clock, limit } = made('aimd', { initial: 100 });
    for (let i = 0; i < 50; i++) limit.sample(sample({ dropped: true }));
    expect(limit.value).toBeCloseTo(90);
    clock.advance(1_000);
    limit.sample(sample({ dropped: true }));
    expect(limit.value).toBeCloseTo(81);
  });

  it('falls when the median of a window comes later than it may, and not for one late reply', () => {
    const window = (limit: ReturnType<typeof made>['limit'], clock: VirtualClock, late: number) => {
      clock.advance(1_000);
      for (let i = 0; i < 10; i++) limit.sample(sample({ firstContentMs: i < late ? 6_000 : 100, inFlight: 1 }));
    };
    const { clock, limit } = made('aimd', { initial: 100 });
    window(limit, clock, 4);
    expect(limit.value).toBe(100);
    window(limit, clock, 6);
    expect(limit.value).toBeCloseTo(90);
  });

  it('long prompts take long without being too slow', () => {
    const { clock, limit } = made('aimd', { initial: 100 });
    const window = (tokens: number) => {
      clock.advance(1_000);
      for (let i = 0; i < 10; i++)
        limit.sample(sample({ firstContentMs: 50 + tokens / 10, uncachedTokens: tokens, inFlight: 1 }));
    };
    for (let i = 0; i < 40; i++) window(i % 2 === 0 ? 1_000 : 40_000);
    expect(limit.value).toBe(100);
    for (let i = 0; i < 20; i++) window(90_000);
    expect(limit.value).toBe(100);
  });
});

describe('gradient2', () => {
  it('F072 a burst that is refused lowers it to about what was taken, not to the ground', () => {
    const { limit } = made('gradient2');
    for (let inFlight = 9; inFlight <= 64; inFlight++) limit.sample(sample({ dropped: true, inFlight }));
    expect(limit.value).toBeGreaterThan(8);
    expect(limit.value).toBeLessThan(32);
  });

  it('moves by fractions, a step a second at most', () => {
    const clock = new VirtualClock();
    const limit = gradient2.create(gradient2.options.parse({}), { clock });
    for (let i = 0; i < 1_000; i++) {
      clock.advance(1);
      limit.sample(sample());
    }
    expect(limit.value).toBeCloseTo(64.8);
  });
});
