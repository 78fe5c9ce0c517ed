// A simulation tells the times that real processes take: the same calls through both. For src/simulation.
import { expect, it } from 'vitest';
import { apart, LIVE, liveInQuiet } from '../simulation/claims/live.ts';

it('a simulation of demo workers tells first contents and reuse as a router with real ones has them', async () => {
  const both = await liveInQuiet({ ...LIVE, seed: 1 });
  const { live, simulated, miscounted } = both;
  process.stdout.write(`live ${JSON.stringify(live)}\nsimulated ${JSON.stringify(simulated)}\n`);
  expect([live.failed, simulated.failed, miscounted]).toEqual([0, 0, 0]);
  expect(live.calls).toBeGreaterThan(250);
  expect(apart(both, 'p50')).toBeLessThanOrEqual(0.15);
  expect(apart(both, 'p95')).toBeLessThanOrEqual(0.15);
  expect(Math.abs(simulated.reusedShare - live.reusedShare)).toBeLessThanOrEqual(0.03);
});
