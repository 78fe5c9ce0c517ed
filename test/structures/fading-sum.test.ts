// What was done of late, and how it is forgotten. For src/structures/fading-sum.
import { expect, it } from 'vitest';
import { FadingSum } from '../../src/structures/fading-sum.ts';

it('a sum fades to a third in the time of its memory, whatever was added when', () => {
  const sum = new FadingSum(1_000);
  expect(sum.at(5)).toBe(0);
  sum.add(100, 0);
  expect(sum.at(0)).toBe(100);
  expect(sum.at(1_000)).toBeCloseTo(100 / Math.E);
  sum.add(50, 1_000);
  expect(sum.at(2_000)).toBeCloseTo(100 / Math.E ** 2 + 50 / Math.E);
});
