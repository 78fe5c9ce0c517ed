// One worker of four that is slow, turns slow or comes and goes. For src/scheduling, src/fleet/speed and src/upstream/breaker.
import { describe, expect, it } from 'vitest';
import { profiles } from '../../src/scheduling/profiles.ts';
import { SICKNESSES, sickWorker } from './claims/sick-worker.ts';

const SICK = Object.keys(SICKNESSES) as (keyof typeof SICKNESSES)[];
const figures = (worker: 'slots' | 'h100', sickness: (typeof SICK)[number] | null, profile: keyof typeof profiles) =>
  sickWorker({
    worker,
    sickness,
    schedule: profiles[profile],
    load: 0.5,
    seconds: worker === 'slots' ? 60 : 300,
    seed: 1,
  });

describe('one worker of four', () => {
  for (const worker of ['slots', 'h100'] as const)
    it(`F088 F089 at half the load of the healthy ones costs no call more than twice their p99 (${worker})`, async () => {
      const healthy = await figures(worker, null, 'sticky');
      for (const sickness of SICK) {
        const { p99Ms, unanswered } = await figures(worker, sickness, 'sticky');
        expect(p99Ms).toBeLessThanOrEqual(2 * healthy.p99Ms);
        expect(unanswered).toBe(0);
      }
    });

  it('F089 that comes and goes costs no more by fewest calls in flight either', async () => {
    const healthy = await figures('slots', null, 'least-requests');
    for (const sickness of ['flapping 1 s', 'flapping 5 s'] as const) {
      const { p99Ms, unanswered } = await figures('slots', sickness, 'least-requests');
      expect(p99Ms).toBeLessThanOrEqual(2 * healthy.p99Ms);
      expect(unanswered).toBe(0);
    }
  });
});
