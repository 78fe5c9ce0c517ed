// Learned limits before engines that keep no line: who is told "full" there waits here, and is not refused. For src/router/rung.
import { describe, expect, it } from 'vitest';
import { type NoLineOptions, noLine } from './claims/no-line.ts';

const WORKERS: readonly Pick<NoLineOptions, 'workers' | 'slots' | 'serviceMs'>[] = [
  { workers: 1, slots: 8, serviceMs: 100 },
  { workers: 4, slots: 8, serviceMs: 2_000 },
  { workers: 4, slots: 2, serviceMs: 1_000 },
  { workers: 8, slots: 4, serviceMs: 10_000 },
];

describe.each(['poisson', 'bursts'] as const)(
  'F072 `auto` at half of what engines without a line take (%s)',
  (shape) => {
    it.each(WORKERS)(
      'refuses no more than one of a thousand calls ($workers × $slots × $serviceMs ms)',
      async (worker) => {
        const figures = await noLine({ ...worker, load: 0.5, seconds: 300, shape, seed: 1 });
        expect(figures.refusedShare).toBeLessThanOrEqual(0.001);
        expect(figures.attempts).toBeLessThanOrEqual(1.15);
        expect(figures.breakers.every((state) => state === 'closed')).toBe(true);
      },
    );
  },
);

it('F072 F080 twice of what they take costs hardly an attempt more than calls that are answered', async () => {
  const figures = await noLine({
    ...WORKERS[1]!,
    load: 2,
    seconds: 60,
    shape: 'poisson',
    seed: 1,
  });
  const answered = 1 - figures.refusedShare;
  expect(figures.attempts).toBeLessThanOrEqual(1.3 * answered);
});
