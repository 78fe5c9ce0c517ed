// Ten times the load of a capacity that is known exactly. For src/flow and src/router/verdict.
import { describe, expect, it } from 'vitest';
import { overload } from './claims/overload.ts';

describe('F080 ten times the load of eight slots', () => {
  it.each(['poisson', 'bursts'] as const)('leaves goodput, quick refusals and a quick recovery (%s)', async (shape) => {
    const figures = await overload({ shape, waitSeconds: 2, overloadSeconds: 20, times: 10, retries: 0, seed: 1 });
    const { peakPerSecond, goodputPerSecond, refused, refusalP99Ms, recoveryMs, waitedInVain, retryAfterSeconds } =
      figures;
    expect(goodputPerSecond).toBeGreaterThanOrEqual(0.9 * peakPerSecond);
    expect(refused).toBeGreaterThan(10_000);
    expect(refusalP99Ms).toBeLessThanOrEqual(20);
    expect(recoveryMs).toBeLessThanOrEqual(5_000);
    expect(waitedInVain).toBe(0);
    // Nine calls a slot are told to come back, each after the one before: soon it is as late as anybody may be told.
    expect(retryAfterSeconds.p50).toBeGreaterThanOrEqual(40);
    expect(retryAfterSeconds.p95).toBeLessThanOrEqual(55);
  });

  it.each(['poisson', 'bursts'] as const)(
    'recovers as quickly where calls may wait for ten seconds (%s)',
    async (shape) => {
      const figures = await overload({ shape, waitSeconds: 10, overloadSeconds: 40, times: 10, retries: 0, seed: 1 });
      const { peakPerSecond, goodputPerSecond, recoveryMs, waitedInVain } = figures;
      expect(goodputPerSecond).toBeGreaterThanOrEqual(0.9 * peakPerSecond);
      expect(recoveryMs).toBeLessThanOrEqual(5_000);
      expect(waitedInVain).toBe(0);
    },
  );

  it('tells callers of different times, so that of those who come back more than a few are served', async () => {
    const base = { shape: 'poisson', waitSeconds: 10, overloadSeconds: 20, retries: 4, seed: 1 } as const;
    const [thrice, tenfold] = [await overload({ ...base, times: 3 }), await overload({ ...base, times: 10 })];
    expect(thrice.served).toBeGreaterThan(0.4);
    expect(tenfold.served).toBeGreaterThan(0.1);
    // Nobody could serve many more: at ten times the load there are few slots for so many tries.
    for (const { served, servable } of [thrice, tenfold]) expect(served! / servable!).toBeGreaterThan(0.85);
    expect(tenfold.servable).toBeLessThan(0.5);
    expect(tenfold.goodputPerSecond).toBeGreaterThanOrEqual(0.9 * tenfold.peakPerSecond);
  });
});
