// What a line that forgets makes of points. For src/core/line.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FadingLine } from '../../src/structures/fading-line.ts';

describe('a fading line', () => {
  it('finds base and slope through noise of a fifth', () => {
    const line = new FadingLine(600);
    for (let i = 0; i < 2_000; i++) {
      const x = (i * 7_919) % 20_000;
      line.learn(x, (50 + 0.1 * x) * (0.8 + 0.4 * ((i * 271) % 101) * 0.01));
    }
    expect(line.slope).toBeGreaterThan(0.09);
    expect(line.slope).toBeLessThan(0.11);
    expect(line.at(0)).toBeGreaterThan(40);
    expect(line.at(0)).toBeLessThan(60);
  });

  it('takes points that lie side by side as proportional, and empty ones as the base', () => {
    const beside = new FadingLine(100);
    for (let i = 0; i < 50; i++) beside.learn(1_000, 100);
    expect(beside.at(2_000)).toBeCloseTo(200);
    const empty = new FadingLine(100);
    for (let i = 0; i < 50; i++) empty.learn(0, 30);
    expect(empty.at(0)).toBeCloseTo(30);
    expect(empty.at(5_000)).toBeCloseTo(30);
  });

  it('forgets: what has changed is what counts', () => {
    const line = new FadingLine(50);
    for (let i = 0; i < 500; i++) line.learn(i % 100, 10 * (i % 100) + 5);
    for (let i = 0; i < 500; i++) line.learn(i % 100, 2 * (i % 100) + 5);
    expect(line.at(50)).toBeGreaterThan(90);
    expect(line.at(50)).toBeLessThan(125);
  });

  it('never goes below zero nor down, whatever the points', () => {
    const points = fc.array(fc.tuple(fc.nat(200_000), fc.double({ min: 0, max: 1e6, noNaN: true })), { maxLength: 60 });
    fc.assert(
      fc.property(points, (all) => {
        const line = new FadingLine(30);
        for (const [x, y] of all) {
          line.learn(x, y);
          expect(line.at(0)).toBeGreaterThanOrEqual(0);
          expect(line.at(1e6)).toBeGreaterThanOrEqual(line.at(0));
          expect(Number.isFinite(line.at(1e6))).toBe(true);
        }
      }),
    );
  });
});
