// One replay at one load, with what all claims have in common. For the claims that rest on recorded traffic.
import { WORKER_PROFILES } from '../../../src/simulation/constants.ts';
import { type ReplayOptions, type Run, replay } from '../../../src/simulation/replay.ts';
import { catalogOf, registries } from '../staged.ts';
import { turn } from '../turn.ts';

type Given = 'recorded' | 'workers' | 'seed';
type Options = Pick<ReplayOptions, Given> & Partial<Omit<ReplayOptions, Given | 'catalog' | 'loads' | 'schedules'>>;

/** On simulated H100 workers, first come by one tenant, without tries again, all of it counted; unless the options say otherwise. */
export async function oneRun(policy: string, load: number, options: Options): Promise<Run> {
  const runs = replay({
    registries,
    turn,
    model: null,
    worker: WORKER_PROFILES.h100,
    maxCalls: Number.POSITIVE_INFINITY,
    retries: 0,
    warmUp: 0,
    reportWindowMs: 60_000,
    tenants: [{ name: 'everybody', share: 1 }],
    priority: null,
    lastsMs: 0,
    fromMs: null,
    maxThinkMs: 0,
    isUnderWay: false,
    ...options,
    catalog: await catalogOf(policy),
    loads: [load],
    schedules: [null],
  });
  for await (const run of runs) return run;
  throw new Error('A replay without a run.');
}
