// Puts simulated workers where a policy has real ones. For simulate.
import type { LimitSpec } from '../core/limit.ts';
import type { RouteClass } from '../core/names.ts';
import type { Clock } from '../core/runtime.ts';
import type { ProfileSpec } from '../core/schedule.ts';
import type { Catalog } from '../policy/compile.ts';
import type { PoolSpec, WorkerSpec } from '../policy/policy.ts';
import { WORKER_PROFILES } from './constants.ts';
import { Door } from './door.ts';
import { schedule, type WorkerFault } from './faults.ts';
import type { WorkerProfile } from './profiles.ts';

/** What of a policy's workers a simulation sets; what is not named stays as in the policy. */
export interface Stage {
  /** Workers of each pool. */
  readonly workers?: number;
  /** What they are, for all pools or by pool. Default: a demo worker for a demo worker; else by the pool's class. */
  readonly worker?: WorkerProfile | Readonly<Record<string, WorkerProfile>>;
  readonly schedule?: ProfileSpec;
  readonly concurrency?: LimitSpec;
  /** By worker, `pool/n` from 1. */
  readonly faults?: Readonly<Record<string, readonly WorkerFault[]>>;
}

export interface Staged {
  readonly catalog: Catalog;
  /** By origin. */
  readonly doors: ReadonlyMap<string, Door>;
}

export function stageWorkers(catalog: Catalog, stage: Stage, clock: Clock): Staged {
  const doors = new Map<string, Door>();
  const faults = new Map(Object.entries(stage.faults ?? {}));
  const open = (origin: string, id: string, profile: WorkerProfile) => {
    const door = new Door(id, profile, clock);
    doors.set(origin, door);
    for (const fault of faults.get(id) ?? []) schedule(fault, door, clock);
    faults.delete(id);
  };
  const pools = catalog.pools.map((pool): PoolSpec => {
    const { name } = pool.target;
    const count = stage.workers ?? pool.workers.length;
    const workers = Array.from({ length: count }, (_, at): WorkerSpec => {
      // Host names take no underscores, pools' names do.
      const origin = `http://${encodeURIComponent(name).toLowerCase()}-${at + 1}.simulated`;
      open(origin, `${name}/${at + 1}`, profileOf(catalog, pool, pool.workers[at % pool.workers.length], stage));
      return { kind: 'url', key: origin, origin, basePath: '', headers: [], gpu: null };
    });
    return {
      ...pool,
      profile: stage.schedule ?? pool.profile,
      concurrencyPerWorker: stage.concurrency ?? pool.concurrencyPerWorker,
      workers,
    };
  });
  for (const provider of catalog.providers) open(provider.origin, `${provider.name}/1`, WORKER_PROFILES.managed);
  const [unknown] = faults.keys();
  if (unknown !== undefined) throw new RangeError(`There is no worker ${unknown} to go wrong.`);
  return { catalog: { ...catalog, pools }, doors };
}

function profileOf(catalog: Catalog, pool: PoolSpec, spec: WorkerSpec | undefined, stage: Stage): WorkerProfile {
  const { worker } = stage;
  if (worker !== undefined) {
    const given = isProfile(worker) ? worker : worker[pool.target.name];
    if (given !== undefined) return given;
  }
  if (spec?.kind === 'demo') return demoProfile((spec as { readonly options: unknown }).options);
  return classesOf(catalog, pool).has('chat') ? WORKER_PROFILES.h100 : WORKER_PROFILES.encoder;
}

function isProfile(worker: NonNullable<Stage['worker']>): worker is WorkerProfile {
  return typeof (worker as { readonly kind?: unknown }).kind === 'string';
}

/** A pool that no model leads to counts as one for chat. */
function classesOf({ models }: Catalog, pool: PoolSpec): ReadonlySet<RouteClass> {
  const led = models.filter(({ rungs }) => rungs.some(({ target }) => target.name === pool.target.name));
  return new Set(led.length === 0 ? ['chat'] : led.map(({ rules }) => rules.class));
}

/** As the policy's entry sets it, in the words of the demo plug-in. */
function demoProfile(options: unknown): WorkerProfile {
  const { demo } = WORKER_PROFILES;
  const given = options as Readonly<Record<string, unknown>>;
  const number = (name: string, otherwise: number) => {
    const value = given[name];
    return typeof value === 'number' ? value : otherwise;
  };
  const startUpMs = number('startUp', 0);
  const decode = number('decodeTokensPerSecond', 1_000 / demo.stepMs);
  const prefill = number('prefillTokensPerSecond', demo.prefillTokensPerSecond);
  return {
    ...demo,
    // 0 is at once.
    prefillTokensPerSecond: prefill === 0 ? Number.MAX_SAFE_INTEGER : prefill,
    stepMs: decode === 0 ? 0 : 1_000 / decode,
    maxRunning: number('maxNumSeqs', demo.maxRunning),
    maxQueued: number('maxNumQueuedReqs', demo.maxQueued ?? 0),
    startUp: startUpMs === 0 ? [] : [{ forMs: startUpMs, answers: 'refused' }],
  };
}
