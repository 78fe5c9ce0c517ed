// How fast a worker counts by itself. For src/fleet/pace.
import { describe, expect, it } from 'vitest';
import { WorkerPace } from '../../src/fleet/pace.ts';

const usualMs = (size: number) => 50 + size / 10;

function taught(): WorkerPace {
  const pace = new WorkerPace();
  for (let i = 0; i < 50; i++) pace.learn(100 + i * 40, usualMs(100 + i * 40), true);
  return pace;
}

function learn(pace: WorkerPace, times: number, factor: number, wasAlone: boolean): void {
  for (let i = 0; i < times; i++) pace.learn(1_000, factor * usualMs(1_000), wasAlone);
}

describe('the pace of a worker', () => {
  it('is unknown at first, and then a base and a rate', () => {
    expect(new WorkerPace().at(1_000)).toBe(0);
    expect(taught().at(1_000)).toBeCloseTo(150, -1);
    expect(taught().at(10_000)).toBeCloseTo(1_050, -2);
  });

  it('falls with the first slow reply that was alone, and is well again after a few quick ones', () => {
    const pace = taught();
    learn(pace, 1, 10, true);
    expect(pace.at(1_000)).toBeGreaterThan(3 * 150);
    learn(pace, 3, 1, true);
    expect(pace.at(1_000)).toBeLessThan(3 * 150);
  });

  it('does not fall with replies that had to wait for others, but for four in a row that are late beyond that', () => {
    const pace = taught();
    learn(pace, 3, 10, false);
    learn(pace, 1, 1, false);
    learn(pace, 3, 10, false);
    learn(pace, 1, 1, false);
    expect(pace.at(1_000)).toBeCloseTo(150, -1);
    for (let i = 0; i < 20; i++) pace.began(1_000, 10 * 150, false, 9 * 150, i);
    expect(pace.at(1_000)).toBeCloseTo(150, -1);
    learn(pace, 4, 10, false);
    expect(pace.at(1_000)).toBeGreaterThan(9 * 150);
  });

  it('falls when a late reply begins, long before it ends, and replies that began before it change nothing any more', () => {
    const pace = taught();
    pace.began(1_000, 10 * 150, true, 0, 5_000);
    const slowMs = pace.at(1_000);
    expect(slowMs).toBeGreaterThan(3 * 150);
    for (let i = 0; i < 4; i++) pace.learn(1_000, 150, false, 4_999);
    expect(pace.at(1_000)).toBeCloseTo(slowMs);
    for (let i = 0; i < 4; i++) pace.learn(1_000, 150, false, 5_001);
    expect(pace.at(1_000)).toBeLessThan(3 * 150);
    const busy = taught();
    for (let i = 0; i < 4; i++) busy.began(1_000, 10 * 150, false, 0, i);
    expect(busy.at(1_000)).toBeGreaterThan(9 * 150);
    busy.learn(1_000, 150, false, 2);
    expect(busy.at(1_000)).toBeGreaterThan(9 * 150);
    busy.learn(1_000, 150, false, 4);
    expect(busy.at(1_000)).toBeCloseTo(150, -1);
  });

  it('does not fall when a reply begins that is late for a cached prompt and in time for one that is not', () => {
    const pace = taught();
    for (let i = 0; i < 8; i++) pace.began(10_000, usualMs(10_000), i % 2 === 0, 0, i);
    expect(pace.at(1_000)).toBeCloseTo(150, -1);
  });

  it('is open again once the worker is empty, where only busy times spoke against it', () => {
    const pace = taught();
    learn(pace, 16, 10, false);
    pace.emptied();
    expect(pace.at(1_000)).toBeCloseTo(150, -1);
    learn(pace, 2, 10, true);
    pace.emptied();
    expect(pace.at(1_000)).toBeGreaterThan(3 * 150);
  });

  it('is found out for a worker that was slow from the beginning, alone or not', () => {
    for (const wasAlone of [true, false]) {
      const pace = new WorkerPace();
      learn(pace, 1, 10, wasAlone);
      expect(pace.at(1_000)).toBeGreaterThan(9 * 150);
      learn(pace, 3, 1, wasAlone);
      expect(pace.at(1_000)).toBeLessThan(3 * 150);
    }
  });

  it('learns of replies that nobody waited for, where they had taken longer than usual', () => {
    const pace = taught();
    pace.learnLeast(1_000, 100, true);
    expect(pace.at(1_000)).toBeCloseTo(150, -1);
    pace.learnLeast(1_000, 1_500, true);
    expect(pace.at(1_000)).toBeGreaterThan(3 * 150);
    const silent = taught();
    silent.lost();
    expect(silent.at(1_000)).toBeGreaterThan(9 * 150);
  });

  it('ignores what is no time or no size', () => {
    const pace = taught();
    for (const [size, ms] of [
      [-1, 5],
      [5, Number.NaN],
      [Number.POSITIVE_INFINITY, 5],
      [5, -5],
    ] as const)
      pace.learn(size, ms, true);
    expect(pace.at(1_000)).toBeCloseTo(150, -1);
  });
});
