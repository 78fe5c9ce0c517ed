// A soak's verdict: growth is told from noise and from load. For bench/soak/growth.ts.
import { describe, expect, it } from 'vitest';
import { grows, growth, type Point } from '../../bench/soak/growth.ts';
import { seeded } from '../../src/simulation/chance.ts';

const SAMPLES = 60;

/** Ten minutes of a heap of 30 MiB with phases of 30 s, the second kind of which holds 5 MiB more. */
function heap(perMinute: number, noise: number): Point[] {
  const random = seeded(7);
  return Array.from({ length: SAMPLES }, (_, at) => {
    const minute = at / 6;
    const high = Math.floor(at / 3) % 2 === 1;
    const value = 30 + (high ? 5 : 0) + perMinute * minute + noise * (random() - 0.5);
    return { minute, value, group: high ? 'high' : 'low' };
  });
}

describe('growth over a soak', () => {
  it('finds the slope under loads that change', () => {
    const { slope, error } = growth(heap(0.3, 0.2));
    expect(Math.abs(slope - 0.3)).toBeLessThan(3 * error);
    expect(error).toBeLessThan(0.02);
  });

  it('takes a level heap with noise for level, and a leak of 100 KiB a minute for growth', () => {
    expect(grows(growth(heap(0, 1)), 10, 0.5)).toBe(false);
    expect(grows(growth(heap(0.1, 0.2)), 10, 0.5)).toBe(true);
  });

  it('does not take for growth what is too little to be seen, nor a heap that shrinks', () => {
    expect(grows(growth(heap(0.01, 0.01)), 10, 0.5)).toBe(false);
    expect(grows(growth(heap(-0.3, 0.2)), 10, 0.5)).toBe(false);
  });

  it('refuses to judge by too few points', () => {
    expect(() => growth(heap(0, 1).slice(0, 2))).toThrow('tell no growth');
  });
});
