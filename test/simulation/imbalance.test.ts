// Which windows the imbalance between workers is taken of, and what it comes to. For src/simulation/imbalance.
import { describe, expect, it } from 'vitest';
import { imbalanceP95, type LoadSlice } from '../../src/simulation/imbalance.ts';

/** A slice every 10 s. */
const slices = (loads: readonly (readonly number[])[]): LoadSlice[] =>
  loads.map((some, at) => ({ fromMs: at * 10_000, loads: some }));
const repeated = (times: number, loads: readonly number[]) => Array.from({ length: times }, () => loads);

describe('imbalance between workers', () => {
  it('is the most loaded over the mean', () => {
    expect(imbalanceP95(slices(repeated(7, [3, 1])), 60_000)).toBe(1.5);
    expect(imbalanceP95(slices(repeated(7, [1, 1, 1, 1])), 60_000)).toBe(1);
    expect(imbalanceP95(slices(repeated(7, [0, 4, 0, 0])), 60_000)).toBe(4);
  });

  it('is even where turns are taken within a window, and not where they are longer', () => {
    const turns = [...repeated(6, [2, 0]), ...repeated(6, [0, 2])];
    const all = slices([...turns, ...turns, ...turns, [0, 0]]);
    expect(imbalanceP95(all, 120_000)).toBe(1);
    expect(imbalanceP95(all, 60_000)).toBe(2);
  });

  it('does not depend on where windows are cut: a bad stretch across the middle of two is seen whole', () => {
    const all = [...repeated(30, [1, 1]), ...repeated(60, [2, 0]), ...repeated(30, [1, 1]), [1, 1]];
    expect(imbalanceP95(slices(all), 600_000)).toBe(2);
  });

  it('takes whole windows only, and none in which hardly anything happened', () => {
    expect(imbalanceP95(slices(repeated(6, [3, 1])), 60_000)).toBeNull();
    expect(imbalanceP95([], 60_000)).toBeNull();
    const quiet = [...repeated(18, [50, 50]), ...repeated(6, [1, 0]), ...repeated(6, [50, 50]), [0, 0]];
    expect(imbalanceP95(slices(quiet), 60_000)).toBe(1);
  });
});
