// What a policy's pools and providers are to the fleet: workers, limits, and the lines before them. For router/create.
import type { ClassLine, GateRules } from '../core/gate.ts';
import type { LimitSpec } from '../core/limit.ts';
import type { RouteClass } from '../core/names.ts';
import type { Clock } from '../core/runtime.ts';
import type { PoolPlan } from '../fleet/fleet.ts';
import type { Catalog } from '../policy/compile.ts';
import { isUrlWorker, type PoolSpec, type ProviderSpec } from '../policy/policy.ts';
import type { RouterRegistries } from './create.ts';

export function poolPlans(catalog: Catalog, registries: RouterRegistries, clock: Clock): PoolPlan[] {
  const lines = linesOf(catalog);
  const rules = (name: string): GateRules => ({ classes: lines.get(name) ?? {}, reserved: catalog.reserved });
  return [
    ...catalog.pools.map((spec) => poolPlan(spec, rules(spec.target.name), registries, clock)),
    ...catalog.providers.map((spec) => providerPlan(spec, rules(spec.name), registries, clock)),
  ];
}

type Lines = Partial<Record<RouteClass, ClassLine>>;

/** A target has a line for each class of the models whose ladders lead to it. */
function linesOf(catalog: Catalog): Map<string, Lines> {
  const lines = new Map<string, Lines>();
  for (const { rules, rungs } of catalog.models) {
    const line = {
      maxWaiting: rules.queue.max,
      maxBytes: rules.queue.maxBytes,
      longestWaitMs: rules.queue.waitMs,
      share: rules.share,
    };
    for (const { target } of rungs) {
      const known = lines.get(target.name) ?? {};
      known[rules.class] = line;
      lines.set(target.name, known);
    }
  }
  return lines;
}

/** Equal keys across reloads keep what was learned. */
function limitOf({ kind, options }: LimitSpec, registries: RouterRegistries, clock: Clock) {
  return {
    limitKey: `${kind} ${JSON.stringify(options)}`,
    createLimit: () => registries.limits[kind]!.create(options as never, { clock }),
  };
}

function poolPlan(spec: PoolSpec, rules: GateRules, registries: RouterRegistries, clock: Clock): PoolPlan {
  const { name, serves, zone, contextTokens } = spec.target;
  const engine = registries.engines[spec.engine.name]!;
  const limit = limitOf(spec.concurrencyPerWorker, registries, clock);
  return {
    name,
    kind: 'pool',
    serves,
    rules,
    zone,
    contextTokens,
    engine: engine.create(spec.engine.options, undefined),
    workers: spec.workers.map((worker) => ({
      // Another engine is asked other questions: the worker starts over.
      key: `${spec.engine.name} ${worker.key}`,
      url: isUrlWorker(worker) ? worker.origin + worker.basePath : null,
      headers: isUrlWorker(worker) ? worker.headers : [],
      ...limit,
      gpu: worker.gpu,
      source: () =>
        isUrlWorker(worker) ? null : registries.workers[worker.kind]!.create(worker.options, { pool: name, serves }),
    })),
  };
}

/** A managed API has one door; nobody asks it for its health, since only calls tell. */
function providerPlan(spec: ProviderSpec, rules: GateRules, registries: RouterRegistries, clock: Clock): PoolPlan {
  return {
    name: spec.name,
    kind: 'provider',
    serves: null,
    rules,
    zone: spec.zone,
    contextTokens: spec.contextTokens,
    engine: { healthPath: null, stateOf: () => 'unknown', loadPath: null, loadOf: () => null, memoryOf: () => null },
    workers: [
      {
        key: spec.key,
        url: spec.origin + spec.basePath,
        headers: spec.headers,
        ...limitOf(spec.concurrency, registries, clock),
        replyHeaders: spec.replyHeaders,
        versioned: spec.versioned,
        account: spec.quotaDomain,
        source: () => null,
      },
    ],
  };
}
