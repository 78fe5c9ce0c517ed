// Wires one router from a policy's catalog, the plug-in registries and a runtime. For entries, tests and the simulator.

import { checkNotExpired, mayAskModel } from '../admission/access.ts';
import { chainRun, inferRun } from '../agents/identity.ts';
import { ReplyLinksLru } from '../agents/reply-links.ts';
import { RunBookLru } from '../agents/run-book.ts';
import { RouterError } from '../core/errors.ts';
import type { Caller } from '../core/keys.ts';
import { type Metrics, NO_METRICS } from '../core/metrics.ts';
import type { ModelPlan, TenantRules } from '../core/plan.ts';
import { NO_PRESSURE, type Pressure } from '../core/pressure.ts';
import type { InferenceRequest } from '../core/request.ts';
import type { ReplyLink } from '../core/runs.ts';
import type { Runtime } from '../core/runtime.ts';
import type { InferenceService } from '../core/service.ts';
import type { WorkerEngine } from '../core/worker.ts';
import { Fleet } from '../fleet/fleet.ts';
import { Prober } from '../fleet/probe.ts';
import { FairGate } from '../flow/gate.ts';
import type { Catalog } from '../policy/compile.ts';
import { isReachable, planFor } from '../policy/eligible.ts';
import type { Registries } from '../policy/registries.ts';
import { Candidates } from '../scheduling/candidates.ts';
import { Bag } from '../structures/bag.ts';
import { Breaker, DEFAULT_BREAKER } from '../upstream/breaker.ts';
import { createAccounting, pricesOf, type RouterStores } from './accounting.ts';
import { type CallPlan, createDispatch } from './dispatch.ts';
import { OutputEstimates } from './output-estimates.ts';
import { Places } from './places.ts';
import { poolPlans } from './pool-plans.ts';
import { RetryBudget } from './retry-budget.ts';
import type { CallBooks } from './settle.ts';
import { type RouterStatus, statusOf } from './status.ts';

/** The plug-ins a router may use; engines must make `WorkerEngine`s. */
export type RouterRegistries = Registries<unknown, unknown, WorkerEngine>;

export interface RouterOptions {
  readonly catalog: Catalog;
  readonly registries: RouterRegistries;
  readonly runtime: Runtime;
  /** Where calls are counted. Default: nowhere. */
  readonly metrics?: Metrics;
  /** Where limits, money and records are kept. None: nothing is counted, and a policy that limits tenants is refused. */
  readonly stores?: RouterStores;
  /** Tenants beside those that the policy names; null: it is not one of them. */
  readonly tenants?: (name: string) => TenantRules | null;
  /** How hard pressed the process is. Default: never. */
  readonly pressure?: Pressure;
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

export function createRouter(options: RouterOptions): Router {
  const { catalog, registries, runtime, metrics = NO_METRICS, pressure = NO_PRESSURE } = options;
  const { clock, log, random, transport } = runtime;
  let current = catalog;
  let draining = false;
  const accounting = options.stores === undefined ? null : createAccounting(options.stores, runtime, metrics);
  const fleet = new Fleet({
    clock,
    log,
    ...(accounting === null ? {} : { meter: accounting.workers }),
    prober: new Prober({ transport, clock, random, log }),
    createBreaker: () => new Breaker(DEFAULT_BREAKER, clock, random),
    createGate: (rules, capacity) => new FairGate({ clock, rules, capacity }),
    createIndex: () => new Candidates(random),
  });
  const places = new Places(fleet, registries, random);
  const apply = (next: Catalog) => {
    if (accounting !== null) accounting.prices = pricesOf(next);
    else if (next.limits) throw new TypeError('This policy limits tenants, and no stores were given to count in.');
    fleet.apply(poolPlans(next, registries, clock));
    places.apply(next);
  };
  apply(current);
  const books: CallBooks = { open: 0, attempts: new Bag() };
  const runs = new RunBookLru();
  const replies = new ReplyLinksLru();

  /** The policy's own word first, then the store's, then what the policy says of all others. */
  const tenant = (name: string): TenantRules =>
    current.namedTenant(name) ?? options.tenants?.(name) ?? current.tenant(name);

  function plan(request: InferenceRequest): CallPlan {
    if (draining) throw stopping();
    const { call, caller, dialect, wants } = request;
    const rules = tenant(caller.tenant);
    checkNotExpired(caller.tenant, rules, clock);
    const asked = call.model === '' ? current.defaultOf(dialect.class) : call.model;
    if (asked === null) throw noDefault(dialect.class);
    const found = find(asked, caller);
    if (found === null) throw unknownModel(asked, names(caller));
    if (found.rules.class !== dialect.class) throw wrongClass(request, found, names(caller), current);
    const origin = originOf(request);
    const declares = found.rungs.some((rung) => rung.target.capabilities !== null);
    const fits = planFor(found, {
      dialect: dialect.name,
      capabilities: declares ? call.needs : NO_NEEDS,
      wants,
      managed: caller.managed,
      contextTokens: call.inputTokens / call.items,
      zones: rules.zones,
      stored: call.stored,
      storedAt: origin?.pool ?? null,
    });
    if (fits instanceof RouterError) throw fits;
    return { asked, plan: found, rungs: fits.rungs, origin };
  }

  /** What is known of the reply that a call goes on with. */
  function originOf({ call, caller, receivedMs }: InferenceRequest): ReplyLink | null {
    const { previousReply } = call;
    return previousReply == null ? null : replies.find(caller.tenant, previousReply, receivedMs);
  }

  /** A model that the caller may not ask is not there for them. */
  function find(name: string, caller: Caller | null): ModelPlan | null {
    const found = current.find(name);
    if (found === null || caller === null) return found;
    if (!isReachable(found, caller.managed)) return null;
    const rules = tenant(caller.tenant);
    const may = (model: string) => mayAskModel(model, rules) && (caller.mayAsk === null || caller.mayAsk(model));
    // Who may ask a model may ask its aliases too; a pattern as such is nobody's model.
    return may(name) || (!found.model.includes('*') && may(found.model)) ? found : null;
  }

  const names = (caller: Caller | null) => current.names.filter((name) => find(name, caller) !== null);

  /** The print is looked at only where it is needed: a prompt of many tokens is read for it. */
  function run({ call, caller, run, receivedMs }: InferenceRequest, model: string, origin: ReplyLink | null) {
    const { previousReply } = call;
    const said = run ?? origin?.run ?? (previousReply == null ? null : chainRun(previousReply));
    const print = said === null ? call.print() : null;
    const identity = said ?? inferRun(model, print);
    const entry = identity === null ? null : runs.enter(caller.tenant, identity, receivedMs);
    return { entry, identity, prefix: print?.common ?? 0 };
  }

  const budget = new RetryBudget(clock);
  const service = createDispatch({
    transport,
    clock,
    log,
    random,
    budget,
    books,
    metrics,
    pressure,
    estimates: new OutputEstimates(),
    plan,
    run,
    replies,
    accounting,
    tenant,
    place: (name) => places.get(name),
  });
  return {
    service,
    models: (caller) => names(caller).map((name) => listed(name, current.find(name)!)),
    model(name, caller) {
      const found = find(name, caller);
      return found === null ? null : listed(name, found);
    },
    reload(next) {
      current = next;
      apply(next);
    },
    status: () => statusOf(fleet, books.open, draining, clock.nowMs(), transport.connections(), accounting),
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
    async close() {
      await fleet.close();
      await accounting?.close();
    },
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
