// When a refused caller is told to come back. For src/core/retry-after.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retryAfterExactly } from '../../src/core/retry-after.ts';

describe('a time that is known', () => {
  it('is never told too early, stays within a minute, and is spread upwards', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 200_000, noNaN: true }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (waitMs, chance) => {
          const seconds = retryAfterExactly(waitMs, () => chance);
          expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= 55).toBe(true);
          if (waitMs <= 55_000) expect(seconds * 1000).toBeGreaterThanOrEqual(waitMs);
          expect(seconds).toBeLessThanOrEqual(Math.max(1, Math.ceil((waitMs / 1000) * 1.2)));
        },
      ),
    );
    expect(retryAfterExactly(20_000, () => 0)).toBe(20);
    expect(retryAfterExactly(20_000, () => 0.999)).toBe(24);
  });
});
