// Wires one router from a policy's catalog, the plug-in registries and a runtime. For entries, tests and the simulator.
import { RouterError } from '../core/errors.ts';
import type { Caller } from '../core/keys.ts';
import type { ModelPlan } from '../core/plan.ts';
import type { InferenceRequest } from '../core/request.ts';
import type { Runtime } from '../core/runtime.ts';
import type { InferenceService } from '../core/service.ts';
import type { WorkerEngine } from '../core/worker.ts';
import { Fleet, type PoolPlan } from '../fleet/fleet.ts';
import { Prober } from '../fleet/probe.ts';
import { FifoGate } from '../flow/gate.ts';
import type { Catalog } from '../policy/compile.ts';
import { isReachable, planFor } from '../policy/eligible.ts';
import type { PoolSpec, ProviderSpec } from '../policy/policy.ts';
import { isUrlWorker } from '../policy/policy.ts';
import type { Registries } from '../policy/registries.ts';
import { Breaker, DEFAULT_BREAKER } from '../upstream/breaker.ts';
import { type CallPlan, createDispatch } from './dispatch.ts';
import { RetryBudget } from './retry-budget.ts';
import type { CallBooks } from './settle.ts';
import { type RouterStatus, statusOf } from './status.ts';

/** The plug-ins a router may use; engines must make `WorkerEngine`s. */
export type RouterRegistries = Registries<unknown, unknown, WorkerEngine>;

export interface RouterOptions {
  readonly catalog: Catalog;
  readonly registries: RouterRegistries;
  readonly runtime: Runtime;
}

/** A model as `GET /v1/models` lists it. */
export interface ListedModel {
  readonly id: string;
  readonly class: string;
}

export interface Router {
  readonly service: InferenceService;
  /** What this caller may ask; null: all there is. */
  models(caller: Caller | null): readonly ListedModel[];
  /** The listed entry of a name, patterns included; null when this caller may not ask it. */
  model(name: string, caller: Caller | null): ListedModel | null;
  /** Swaps the policy: calls in flight end under the old one, workers that stay keep their state. */
  reload(catalog: Catalog): void;
  status(): RouterStatus;
  /** Refuses new calls; those in flight go on. */
  drain(): void;
  /** Ends every call that is still open: replies that have begun end in-band, with an error that says why. */
  interrupt(): void;
  /** Calls that have begun and not ended. */
  readonly open: number;
  /** Stops probing and lets go of all workers. */
  close(): Promise<void>;
}

const NO_NEEDS: readonly [] = [];

export function createRouter({ catalog, registries, runtime }: RouterOptions): Router {
  const { clock, log, random, transport } = runtime;
  let current = catalog;
  let draining = false;
  const fleet = new Fleet({
    clock,
    log,
    prober: new Prober({ transport, clock }),
    createBreaker: () => new Breaker(DEFAULT_BREAKER, clock, random),
    createGate: (maxWaiting) => new FifoGate({ clock, maxWaiting }),
  });
  fleet.apply(poolPlans(current, registries));
  const books: CallBooks = { clock, log, open: 0, attempts: new Set() };

  function plan(request: InferenceRequest): CallPlan {
    if (draining) throw stopping();
    const { call, caller, dialect, wants } = request;
    const asked = call.model === '' ? current.defaultOf(dialect.class) : call.model;
    if (asked === null) throw noDefault(dialect.class);
    const found = find(asked, caller);
    if (found === null) throw unknownModel(asked, names(caller));
    if (found.rules.class !== dialect.class) throw wrongClass(request, found, names(caller), current);
    const declares = found.rungs.some((rung) => rung.target.capabilities !== null);
    const fits = planFor(found, {
      dialect: dialect.name,
      capabilities: declares ? call.needs : NO_NEEDS,
      wants,
      managed: caller.managed,
      stored: call.stored,
    });
    if (fits instanceof RouterError) throw fits;
    return { asked, plan: found, rungs: fits.rungs };
  }

  /** A model that the caller may not ask is not there for them. */
  function find(name: string, caller: Caller | null): ModelPlan | null {
    const found = current.find(name);
    if (found === null || caller === null) return found;
    if (!isReachable(found, caller.managed)) return null;
    if (caller.mayAsk === null || caller.mayAsk(name)) return found;
    // A key for a model is one for its aliases too; a pattern as such is nobody's model.
    return !found.model.includes('*') && caller.mayAsk(found.model) ? found : null;
  }

  const names = (caller: Caller | null) => current.names.filter((name) => find(name, caller) !== null);

  const pool = (name: string) => fleet.pools.get(name);
  const budget = new RetryBudget(clock);
  return {
    service: createDispatch({ transport, clock, random, budget, books, plan, pool }),
    models: (caller) => names(caller).map((name) => listed(name, current.find(name)!)),
    model(name, caller) {
      const found = find(name, caller);
      return found === null ? null : listed(name, found);
    },
    reload(next) {
      current = next;
      fleet.apply(poolPlans(next, registries));
    },
    status: () => statusOf(fleet, books.open, draining, clock.nowMs(), transport.connections()),
    drain() {
      draining = true;
    },
    interrupt() {
      draining = true;
      for (const pool of fleet.pools.values()) pool.gate.close();
      for (const attempt of books.attempts) attempt.interrupt(stopping());
    },
    get open() {
      return books.open;
    },
    close: () => fleet.close(),
  };
}

function stopping(): RouterError {
  return new RouterError('draining', 'This router is shutting down; another one may answer.', { retryAfterSeconds: 1 });
}

function listed(id: string, plan: ModelPlan): ListedModel {
  return { id, class: plan.rules.class };
}

/** What a caller is told of a model that is not theirs to ask, whether or not it exists. */
export function unknownModel(model: string, available: readonly string[]): RouterError {
  const text = `Model "${model}" is not available to this key. Available: ${available.join(', ') || 'none'}.`;
  return new RouterError('model_not_found', text, { param: 'model' });
}

function noDefault(routeClass: string): RouterError {
  const text = `The body names no "model", and no model of class ${routeClass} is there to stand for one.`;
  return new RouterError('missing_field', text, { param: 'model' });
}

function wrongClass(
  request: InferenceRequest,
  plan: ModelPlan,
  names: readonly string[],
  catalog: Catalog,
): RouterError {
  const { class: wanted, routes } = request.dialect;
  const fitting = names.filter((name) => catalog.find(name)?.rules.class === wanted);
  const text = `Model "${request.call.model}" serves ${plan.rules.class}; ${routes[0]} takes ${wanted} models: ${fitting.join(', ') || 'none'}.`;
  return new RouterError('invalid_value', text, { param: 'model' });
}

function poolPlans(catalog: Catalog, registries: RouterRegistries): PoolPlan[] {
  // A pool shared by classes takes the longest of their lines.
  const maxWaiting = new Map<string, number>();
  for (const { rules, rungs } of catalog.models) {
    for (const { target } of rungs) {
      maxWaiting.set(target.name, Math.max(maxWaiting.get(target.name) ?? 0, rules.queue.max));
    }
  }
  return [
    ...catalog.pools.map((spec) => poolPlan(spec, maxWaiting.get(spec.target.name) ?? 0, registries)),
    ...catalog.providers.map((spec) => providerPlan(spec, maxWaiting.get(spec.name) ?? 0)),
  ];
}

function poolPlan(spec: PoolSpec, maxWaiting: number, registries: RouterRegistries): PoolPlan {
  const engine = registries.engines[spec.engine.name]!;
  return {
    name: spec.target.name,
    kind: 'pool',
    serves: spec.target.serves,
    maxWaiting,
    engine: engine.create(spec.engine.options, undefined),
    workers: spec.workers.map((worker) => ({
      // Another engine is asked other questions: the worker starts over.
      key: `${spec.engine.name} ${worker.key}`,
      url: isUrlWorker(worker) ? worker.origin + worker.basePath : null,
      headers: isUrlWorker(worker) ? worker.headers : [],
      limit: spec.concurrencyPerWorker,
      source: () =>
        isUrlWorker(worker)
          ? null
          : registries.workers[worker.kind]!.create(worker.options, {
              pool: spec.target.name,
              serves: spec.target.serves,
            }),
    })),
  };
}

/** A managed API has one door; nobody asks it for its health, since only calls tell. */
function providerPlan(spec: ProviderSpec, maxWaiting: number): PoolPlan {
  return {
    name: spec.name,
    kind: 'provider',
    serves: null,
    maxWaiting,
    engine: { healthPath: null, stateOf: () => 'unknown' },
    workers: [
      {
        key: spec.key,
        url: spec.origin + spec.basePath,
        headers: spec.headers,
        limit: spec.concurrency,
        replyHeaders: spec.replyHeaders,
        versioned: spec.versioned,
        account: spec.quotaDomain,
        source: () => null,
      },
    ],
  };
}
