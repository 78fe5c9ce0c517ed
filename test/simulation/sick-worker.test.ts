// One worker of four that is slow, turns slow or comes and goes. For src/scheduling, src/fleet and src/upstream/breaker.
import { describe, expect, it } from 'vitest';
import { profiles } from '../../src/scheduling/profiles.ts';
import { type SICKNESSES, type SickOptions, sickWorker } from './claims/sick-worker.ts';

type Profile = keyof typeof profiles;
type More = Pick<SickOptions, 'isWhole' | 'limit' | 'load'> & { readonly seed?: number };

const SICK = ['slow', 'turning slow', 'flapping 1 s', 'flapping 5 s'] as const satisfies (keyof typeof SICKNESSES)[];
const SLOW = ['slow', 'turning slow'] as const;

const figures = (worker: 'slots' | 'h100', sickness: SickOptions['sickness'], profile: Profile, more: More) =>
  sickWorker({
    worker,
    sickness,
    schedule: profiles[profile],
    seconds: worker === 'slots' ? 60 : 600,
    seed: 1,
    ...more,
  });

async function costsLittle(
  worker: 'slots' | 'h100',
  sicknesses: readonly (typeof SICK)[number][],
  profile: Profile,
  more: More,
): Promise<void> {
  const healthy = await figures(worker, null, profile, more);
  for (const sickness of sicknesses) {
    const { p99Ms, unanswered } = await figures(worker, sickness, profile, more);
    expect(p99Ms).toBeLessThanOrEqual(2 * healthy.p99Ms);
    expect(unanswered).toBe(0);
  }
}

describe('one worker of four', () => {
  for (const worker of ['slots', 'h100'] as const)
    for (const load of [0.5, 0.7])
      it(`F088 F089 at ${load} of what the healthy ones take costs no call more than twice their p99 (${worker})`, async () => {
        await costsLittle(worker, SICK, 'sticky', { load });
      }, 60_000);

  it.each(['least-requests', 'p2c'] as const)(
    'F088 F089 costs no more by %s either',
    async (profile) => {
      await costsLittle('slots', SICK, profile, { load: 0.7 });
      await costsLittle('h100', SLOW, profile, { load: 0.7 });
    },
    60_000,
  );

  it.each(['sticky', 'least-requests'] as const)(
    'F088 costs no more in whole replies (%s)',
    async (profile) => {
      await costsLittle('slots', SLOW, profile, { load: 0.7, isWhole: true });
      await costsLittle('h100', SLOW, profile, { load: 0.7, isWhole: true });
    },
    60_000,
  );

  it.each([1, 2, 64])(
    'F088 costs no more with %d calls at once',
    async (limit) => {
      for (const profile of ['sticky', 'least-requests'] as const) {
        if (limit <= 8) await costsLittle('slots', SLOW, profile, { load: 0.7, limit });
        await costsLittle('h100', SLOW, profile, { load: 0.7, limit });
      }
    },
    60_000,
  );

  it('F088 costs no more where many are in its own line before the first of them has ended (p2c)', async () => {
    const more = { load: 0.5, limit: 64, seed: 2 };
    const healthy = await figures('h100', null, 'p2c', more);
    const { p99Ms, fourthShare } = await figures('h100', 'turning slow', 'p2c', more);
    expect(p99Ms).toBeLessThanOrEqual(1.5 * healthy.p99Ms);
    expect(fourthShare).toBeLessThan(0.02);
  });

  it.each(['sticky', 'least-requests'] as const)('F088 gets its share again when it is well (%s)', async (profile) => {
    const { fourthShare, fourthAtLast } = await sickWorker({
      worker: 'slots',
      sickness: 'slow for 30 s',
      schedule: profiles[profile],
      load: 0.7,
      seconds: 240,
      seed: 1,
    });
    expect(fourthAtLast).toBeGreaterThan(0.15);
    expect(fourthShare).toBeLessThan(fourthAtLast);
  });

  it.each(['sticky', 'least-requests'] as const)(
    'that is half as fast is of use all the time (%s)',
    async (profile) => {
      const more = { load: 0.95, isWhole: false };
      const { fourthAtLast, p99Ms } = await figures('h100', 'half as fast', profile, more);
      expect(fourthAtLast).toBeGreaterThan(0.08);
      expect(p99Ms).toBeLessThan((await figures('h100', null, profile, more)).p99Ms);
    },
  );
});
