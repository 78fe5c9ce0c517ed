// Learned lengths of replies against the exact ones, over several distributions. For src/ledger/output-quantile.
import { describe, expect, it } from 'vitest';
import { FIRST_LIKELY_TOKENS, OutputQuantiles } from '../../src/ledger/output-quantile.ts';
import { seeded } from './spend-runs.ts';

const SEED = Date.now() % 2 ** 31;
const random = seeded(SEED);
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

const DISTRIBUTIONS: Record<string, () => number> = {
  'one and the same length': () => 217,
  uniform: () => 1 + Math.floor(8_000 * random()),
  exponential: () => Math.ceil(-439 * Math.log(1 - random())),
  'lognormal, as chat': () => Math.ceil(Math.exp(5.3 + 1.1 * normal())),
  'Pareto, a heavy tail': () => Math.ceil(50 / (1 - random()) ** (1 / 1.8)),
  'short answers and few long ones': () => Math.ceil(random() < 0.97 ? 20 + 60 * random() : 6_000 + 3_000 * random()),
};

const exact = (values: readonly number[], q: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(q * values.length) - 1)]!;
const learned = (values: readonly number[], most: number | null = null) => {
  const quantiles = new OutputQuantiles();
  for (const tokens of values) quantiles.learn('acme', 'm', tokens);
  return quantiles.likelyTokens('acme', 'm', most);
};

describe(`the p99 of replies, seed ${SEED}`, () => {
  it.each(Object.entries(DISTRIBUTIONS))('is that of what was seen, within 3 %%: %s', (_, draw) => {
    for (const size of [200, 1_000, 4_000]) {
      const values = Array.from({ length: size }, draw);
      const seen = learned(values);
      // The neighbours in rank count as right as well: of 200 values, two lie at the edge.
      expect(seen, `${size} values`).toBeGreaterThan(0.97 * exact(values, 0.99 - 1 / size));
      expect(seen, `${size} values`).toBeLessThan(1.03 * exact(values, 0.99 + 1 / size));
    }
  });

  it.each(Object.entries(DISTRIBUTIONS))('stays that while old replies fade: %s', (_, draw) => {
    const values = Array.from({ length: 40_000 }, draw);
    const seen = learned(values);
    // Of the last 2,000 to 4,000 replies alone, so by chance between the exact 98.3 and 99.6 of all.
    expect(seen).toBeGreaterThan(0.97 * exact(values, 0.983));
    expect(seen).toBeLessThan(1.03 * exact(values, 0.996));
  });

  it('follows new habits within 8,000 replies', () => {
    const quantiles = new OutputQuantiles();
    const habit = (times: number, tokens: number) => {
      for (let time = 0; time < times; time++) quantiles.learn('acme', 'm', Math.ceil(tokens * random()));
      return quantiles.likelyTokens('acme', 'm', null);
    };
    expect(habit(10_000, 50_000)).toBeGreaterThan(45_000);
    // A hundredth of what is left of old habits still is a hundredth: 7 halvings and they are gone.
    expect(habit(16_000, 500)).toBeLessThan(550);
    expect(habit(200, 50_000)).toBeGreaterThan(20_000);
  });

  it('is a first guess until a hundred replies were seen, and never above max_tokens', () => {
    expect(learned(Array.from({ length: 99 }, () => 10))).toBe(FIRST_LIKELY_TOKENS);
    expect(learned(Array.from({ length: 100 }, () => 10))).toBe(10);
    expect(learned([], 128)).toBe(128);
    expect(learned([], 128_000)).toBe(4_096);
    expect(learned([0, ...Array.from({ length: 200 }, () => 2 ** 30)])).toBeLessThan(1.06 * 2 ** 20);
  });

  it('is kept for 10,000 pairs of tenant and model, the longest unused forgotten', () => {
    const quantiles = new OutputQuantiles();
    for (let one = 0; one < 100; one++) quantiles.learn('kept', 'm', 7);
    for (let one = 0; one < 30_000; one++) {
      quantiles.learn(`t${one}`, 'm', 7);
      if (one % 5_000 === 0) quantiles.learn('kept', 'm', 7);
    }
    expect(quantiles.size).toBe(10_000);
    expect(quantiles.likelyTokens('kept', 'm', null)).toBe(7);
    expect(quantiles.likelyTokens('t0', 'm', null)).toBe(FIRST_LIKELY_TOKENS);
  });
});
