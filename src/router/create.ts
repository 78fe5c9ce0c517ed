// Wires one router from a policy's catalog, the plug-in registries and a runtime. For entries, tests and the simulator.
import { RouterError } from '../core/errors.ts';
import type { ModelPlan } from '../core/plan.ts';
import type { InferenceRequest } from '../core/request.ts';
import type { Runtime } from '../core/runtime.ts';
import type { InferenceService } from '../core/service.ts';
import type { WorkerEngine } from '../core/worker.ts';
import { Fleet, type PoolPlan } from '../fleet/fleet.ts';
import { Prober } from '../fleet/probe.ts';
import { FifoGate } from '../flow/gate.ts';
import type { Catalog } from '../policy/compile.ts';
import { planFor } from '../policy/eligible.ts';
import type { PoolSpec } from '../policy/policy.ts';
import { isUrlWorker } from '../policy/policy.ts';
import type { Registries } from '../policy/registries.ts';
import { Breaker, DEFAULT_BREAKER } from '../upstream/breaker.ts';
import { createDispatch } from './dispatch.ts';
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
  models(): readonly ListedModel[];
  /** The listed entry of a name, patterns included; null when nobody may ask it. */
  model(name: string): ListedModel | null;
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

  function plan(request: InferenceRequest) {
    if (draining) throw stopping();
    const { model } = request.call;
    const found = current.find(model);
    if (found === null) throw unknownModel(model, current);
    if (found.rules.class !== request.dialect.class) throw wrongClass(request, found, current);
    const declares = found.rungs.some((rung) => rung.target.capabilities !== null);
    const fits = planFor(found, declares ? request.call.needs : NO_NEEDS, request.wants);
    if (fits instanceof RouterError) throw fits;
    return { plan: found, rungs: fits.rungs };
  }

  const pool = (name: string) => fleet.pools.get(name);
  const budget = new RetryBudget(clock);
  return {
    service: createDispatch({ transport, clock, random, budget, books, plan, pool }),
    models: () => current.names.map((name) => listed(name, current.find(name)!)),
    model(name) {
      const found = current.find(name);
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

function unknownModel(model: string, catalog: Catalog): RouterError {
  const text = `Model "${model}" is not available to this key. Available: ${catalog.names.join(', ') || 'none'}.`;
  return new RouterError('model_not_found', text, { param: 'model' });
}

function wrongClass(request: InferenceRequest, plan: ModelPlan, catalog: Catalog): RouterError {
  const { class: wanted, routes } = request.dialect;
  const fitting = catalog.names.filter((name) => catalog.find(name)?.rules.class === wanted);
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
  return catalog.pools.map((spec) => poolPlan(spec, maxWaiting.get(spec.target.name) ?? 0, registries));
}

function poolPlan(spec: PoolSpec, maxWaiting: number, registries: RouterRegistries): PoolPlan {
  const engine = registries.engines[spec.engine.name]!;
  return {
    target: spec.target,
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
