// Shares and percentiles. For src/simulation/statistics, chance and capacity.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callsPerSecond } from '../../src/simulation/capacity.ts';
import { exponential, fromQuantiles, gamma, seeded, stream, weibull } from '../../src/simulation/chance.ts';
import { WORKER_PROFILES } from '../../src/simulation/constants.ts';
import { jain, maxMin, percentile } from '../../src/simulation/statistics.ts';

describe('max-min shares', () => {
  it('give the rest of whoever wants little to those who want more, by weight', () => {
    expect(maxMin([10, 100, 100], [1, 1, 1], 90)).toEqual([10, 40, 40]);
    expect(maxMin([100, 100], [3, 1], 80)).toEqual([60, 20]);
    expect(maxMin([5, 5], [1, 1], 80)).toEqual([5, 5]);
  });

  it('hand out all there is, to nobody more than was asked, and to nobody less than an equal who got more', () => {
    const tenant = fc.record({ demand: fc.integer({ min: 0, max: 1_000 }), weight: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(fc.array(tenant, { minLength: 1 }), fc.integer({ min: 0, max: 5_000 }), (tenants, capacity) => {
        const demands = tenants.map(({ demand }) => demand);
        const weights = tenants.map(({ weight }) => weight);
        const shares = maxMin(demands, weights, capacity);
        const wanted = demands.reduce((sum, demand) => sum + demand, 0);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(Math.min(capacity, wanted), 6);
        const most = Math.max(...shares.map((share, at) => share / weights[at]!));
        for (const [at, share] of shares.entries()) {
          expect(share).toBeLessThanOrEqual(demands[at]!);
          if (share < demands[at]! - 1e-6) expect(share / weights[at]!).toBeCloseTo(most, 6);
        }
      }),
    );
  });
});

describe('statistics', () => {
  it('are those of the books', () => {
    expect(jain([1, 1, 1])).toBe(1);
    expect(jain([1, 0, 0, 0])).toBe(0.25);
    expect(jain([])).toBeNull();
    expect([0.5, 0.95, 1].map((share) => percentile([5, 1, 4, 2, 3], share))).toEqual([3, 5, 5]);
    expect(percentile([], 0.5)).toBeNull();
  });

  it.each([
    ['exponential', (random: () => number) => exponential(random, 3), 3, 3],
    ['gamma of shape 0.2', (random: () => number) => gamma(random, 0.2), 0.2, Math.sqrt(0.2)],
    ['gamma of shape 4', (random: () => number) => gamma(random, 4), 4, 2],
    ['Weibull of shape 0.5', (random: () => number) => weibull(random, 0.5), 2, Math.sqrt(20)],
  ])('%s has its mean and deviation', (_, draw, mean, deviation) => {
    const random = seeded(7);
    const draws = Array.from({ length: 100_000 }, () => draw(random));
    const found = draws.reduce((sum, one) => sum + one, 0) / draws.length;
    const spread = Math.sqrt(draws.reduce((sum, one) => sum + (one - found) ** 2, 0) / draws.length);
    expect(Math.abs(found / mean - 1)).toBeLessThan(0.05);
    expect(Math.abs(spread / deviation - 1)).toBeLessThan(0.1);
  });

  it('draws from quantiles come as often as those say', () => {
    const random = seeded(7);
    const draws = Array.from({ length: 20_000 }, () => fromQuantiles(random, [0.1, 0.5, 1], [10, 20, 100]));
    expect(draws.filter((one) => one <= 20).length / draws.length).toBeCloseTo(0.5, 1);
    expect(draws.filter((one) => one === 10).length / draws.length).toBeCloseTo(0.1, 1);
    expect(Math.max(...draws)).toBeLessThanOrEqual(100);
  });

  it('one seed makes streams that have nothing to do with each other', () => {
    const [a, b] = [stream(1, 'a'), stream(1, 'b')];
    expect(Array.from({ length: 5 }, a)).not.toEqual(Array.from({ length: 5 }, b));
    expect(Array.from({ length: 5 }, stream(1, 'a'))).toEqual(Array.from({ length: 5 }, stream(1, 'a')));
  });
});

describe('capacity', () => {
  const call = { uncachedTokens: 4_000, inputTokens: 8_000, outputTokens: 100 };

  it('is slots by service time, where that is what a worker is', () => {
    expect(callsPerSecond(WORKER_PROFILES.slots, call, Number.POSITIVE_INFINITY)).toBe(80);
    expect(callsPerSecond(WORKER_PROFILES.slots, call, 4)).toBe(40);
  });

  it('is what reading and making take together, in a batch as wide as memory allows', () => {
    // 524,288 / 8,100 = 64 at once: 500 ms of reading, 100 × (6 / 64 + 0.35) ms of making.
    const expected = 1_000 / (500 + 100 * (6 / 64 + 0.35));
    expect(callsPerSecond(WORKER_PROFILES['smg-mock'], call, 1_000)).toBeCloseTo(expected, 9);
    // Eight at once: less is shared.
    expect(callsPerSecond(WORKER_PROFILES['smg-mock'], call, 8)).toBeCloseTo(1_000 / (500 + 100 * (6 / 8 + 0.35)), 9);
    // A demo worker reads and makes at once: 80 ms against 100 × 5 / 16.
    expect(callsPerSecond(WORKER_PROFILES.demo, call, 1_000)).toBeCloseTo(12.5, 9);
  });
});
