// Plays recorded traffic against a policy at several loads and with several ways of choosing workers. For the command line.
import type { ProfileSpec } from '../core/schedule.ts';
import type { Catalog } from '../policy/compile.ts';
import type { RouterRegistries } from '../router/create.ts';
import { callsPerSecond } from './capacity.ts';
import { stream } from './chance.ts';
import type { Turn } from './clock.ts';
import { SimulatedClock } from './clock.ts';
import { type Report, report } from './report.ts';
import { type Result, simulate } from './simulate.ts';
import { type Stage, stageWorkers } from './staging.ts';
import { type Recorded, type TrafficRules, trafficOf } from './traffic.ts';

export interface ReplayOptions extends Stage, Omit<TrafficRules, 'model'> {
  readonly catalog: Catalog;
  readonly registries: RouterRegistries;
  readonly turn: Turn;
  readonly recorded: Recorded;
  /** Null: the default of the class chat. */
  readonly model: string | null;
  /** Shares of the capacity of the pool at the top of the model's ladder. */
  readonly loads: readonly number[];
  /** Null: as in the policy. */
  readonly schedules: readonly (ProfileSpec | null)[];
  readonly seed: number;
  readonly maxCalls: number;
  readonly retries: number;
  /** Share of the traffic's time that is not counted, for caches and limits to find their level. */
  readonly warmUp: number;
  /** Stretches by which shares between tenants and balance between workers are looked at. */
  readonly reportWindowMs: number;
  /** As in the rules of play. */
  readonly asOneTenant?: boolean;
}

export interface Run {
  readonly load: number;
  readonly schedule: string;
  /** Of the pool, as computed from its workers' constants. */
  readonly capacityPerSecond: number;
  readonly result: Result;
  readonly report: Report;
}

/** Run after run, in the order of loads and then of schedules. */
export async function* replay(options: ReplayOptions): AsyncGenerator<Run> {
  const { catalog, loads, schedules, seed } = options;
  const model = options.model ?? catalog.defaultOf('chat');
  const plan = model === null ? null : catalog.find(model);
  if (model === null || plan === null) throw new RangeError(`The policy has no model ${model ?? 'of class chat'}.`);
  const traffic = trafficOf(options.recorded, { ...options, model });
  const top = plan.rungs[0]!.target.name;
  const capacityPerSecond = capacityOf(options, top, traffic.mean);
  for (const load of loads) {
    for (const schedule of schedules) {
      const perSecond = load * capacityPerSecond;
      const { schedule: _, ...stage } = options;
      const result = await simulate({
        ...stage,
        ...(schedule === null ? {} : { schedule }),
        scripts: traffic.scripts(perSecond, stream(seed, 'traffic')),
        untilMs: traffic.untilMs(perSecond),
      });
      const lastMs = result.records.reduce((last, { arrivedMs }) => Math.max(last, arrivedMs), 0);
      const told = report(result, {
        fromMs: options.warmUp * lastMs,
        sloMs: (routeClass) => catalog.classes[routeClass].slo.firstContentMs,
        weightOf: (tenant) => catalog.tenant(tenant).weight,
        windowMs: options.reportWindowMs,
      });
      yield { load, schedule: schedule?.name ?? 'as in the policy', capacityPerSecond, result, report: told };
    }
  }
}

function capacityOf(options: ReplayOptions, target: string, mean: Parameters<typeof callsPerSecond>[1]): number {
  const { doors, catalog } = stageWorkers(options.catalog, { ...options, faults: {} }, new SimulatedClock(0));
  const pool = catalog.pools.find((one) => one.target.name === target);
  if (pool === undefined)
    throw new RangeError(`The model's first rung, ${target}, is no pool: its capacity is not known.`);
  const { kind, options: limit } = pool.concurrencyPerWorker;
  const concurrency = kind === 'fixed' ? (limit as { readonly limit: number }).limit : Number.POSITIVE_INFINITY;
  return [...doors.values()]
    .filter(({ id }) => id.replace(/\/\d+$/, '') === target)
    .reduce((sum, { profile }) => sum + callsPerSecond(profile, mean, concurrency), 0);
}
