// All pools and their workers, brought in line with the policy at start and at each reload. For router/create.

import type { GateRules } from '../core/gate.ts';
import type { Limit } from '../core/limit.ts';
import type { GpuPrice } from '../core/prices.ts';
import type { Clock, Log } from '../core/runtime.ts';
import type { WorkerIndex } from '../core/schedule.ts';
import type { WorkerEngine, WorkerSource, WorkerState } from '../core/worker.ts';
import { Account } from './account.ts';
import type { Member, Pool, PoolGate } from './pool.ts';
import type { Prober } from './probe.ts';
import { PoolWorker, placeOf, type WorkerBreaker } from './worker.ts';

/** A worker as policy describes it: a fixed address, or a source that brings it up. */
export interface WorkerPlan {
  /** Equal keys across reloads mean the same worker. */
  readonly key: string;
  readonly url: string | null;
  readonly headers: readonly string[];
  /** Equal keys across reloads keep what the limit has learned; with another one a new limit begins. */
  readonly limitKey: string;
  createLimit(): Limit;
  readonly replyHeaders?: readonly string[];
  /** The address names the API's version already. */
  readonly versioned?: boolean;
  /** The quota domain whose account it spends from; null for own workers. */
  readonly account?: string | null;
  /** What it costs, which may change while it runs; none: nobody has said. */
  readonly gpu?: GpuPrice | null;
  /** Makes the source; called only when the worker is new. */
  source(): WorkerSource | null;
}

export interface PoolPlan {
  readonly name: string;
  readonly kind: Pool['kind'];
  readonly serves: string | null;
  readonly rules: GateRules;
  readonly zone: string | null;
  readonly contextTokens: number | null;
  readonly engine: WorkerEngine;
  readonly workers: readonly WorkerPlan[];
}

export interface FleetDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly prober: Prober;
  createBreaker(): WorkerBreaker;
  /** `capacity`: the sum of what the pool's workers may hold. */
  createGate(rules: GateRules, capacity: () => number): PoolGate;
  createIndex(): WorkerIndex;
  /** Told what becomes of each of our own workers; none: nobody wants to know. */
  readonly meter?: WorkerWatch;
}

/** Sees the states of workers from their first to their last. */
export interface WorkerWatch {
  state(worker: PoolWorker, state: WorkerState): void;
  gone(worker: PoolWorker): void;
}

/** What the fleet alone moves of a pool. */
interface OpenPool extends Pool {
  /** The sum of what its workers may hold, kept as they say so. */
  capacity: number;
}

/** Invariant: each worker of the newest plan is a member of exactly one pool, and its source runs. */
export class Fleet {
  readonly pools = new Map<string, OpenPool>();
  readonly #deps: FleetDeps;
  readonly #accounts = new Map<string, Account>();
  readonly #leaving = new Set<Promise<void>>();
  #number = 0;

  constructor(deps: FleetDeps) {
    this.#deps = deps;
  }

  /** Keeps what is equal by key, starts what is new, lets go of what is gone: its calls end in peace. */
  apply(plans: readonly PoolPlan[]): void {
    const names = new Set(plans.map((plan) => plan.name));
    for (const [name, pool] of this.pools) {
      if (names.has(name)) continue;
      this.pools.delete(name);
      pool.gate.close();
      for (const member of pool.members) this.#release(member);
    }
    for (const plan of plans) this.#applyPool(plan);
  }

  async close(): Promise<void> {
    this.#deps.prober.close();
    for (const pool of this.pools.values()) {
      pool.gate.close();
      for (const member of pool.members) this.#release(member);
    }
    await Promise.all(this.#leaving);
  }

  #applyPool(plan: PoolPlan): void {
    let pool = this.pools.get(plan.name);
    if (pool !== undefined && pool.kind !== plan.kind) {
      // A name that means something else now begins anew.
      pool.gate.close();
      for (const member of pool.members) this.#release(member);
      pool = undefined;
    }
    if (pool === undefined) {
      pool = this.#open(plan);
      this.pools.set(plan.name, pool);
    }
    pool.serves = plan.serves;
    pool.engine = plan.engine;
    pool.gate.resize(plan.rules);
    const before = new Map(pool.members.map((member) => [member.key, member]));
    const members = plan.workers.map((planned) => this.#keep(plan, planned, before) ?? this.#join(pool, plan, planned));
    const kept = new Set(members.map((member) => member.worker));
    for (const member of pool.members) if (!kept.has(member.worker)) this.#release(member);
    pool.members = members;
    pool.workers = members.map((member) => member.worker);
    pool.index.replace(pool.workers);
    pool.gate.poke();
  }

  #open({ name, kind, serves, engine, rules }: PoolPlan): OpenPool {
    const pool: OpenPool = {
      name,
      kind,
      serves,
      engine,
      gate: this.#deps.createGate(rules, () => pool.capacity),
      index: this.#deps.createIndex(),
      members: [],
      workers: [],
      capacity: 0,
    };
    return pool;
  }

  #keep(plan: PoolPlan, planned: WorkerPlan, before: ReadonlyMap<string, Member>): Member | null {
    const member = before.get(planned.key);
    if (member === undefined) return null;
    const { worker } = member;
    worker.zone = plan.zone;
    worker.contextTokens = plan.contextTokens;
    worker.gpu = planned.gpu ?? null;
    if (member.limitKey === planned.limitKey) return member;
    worker.learnWith(planned.createLimit());
    return { ...member, limitKey: planned.limitKey };
  }

  #join(pool: OpenPool, plan: PoolPlan, planned: WorkerPlan): Member {
    const source = planned.source();
    const worker = new PoolWorker({
      id: `${plan.name}/${++this.#number}`,
      headers: planned.headers,
      limit: planned.createLimit(),
      state: source === null ? 'unknown' : 'starting',
      breaker: this.#deps.createBreaker(),
      clock: this.#deps.clock,
      expectedReadyMs: source?.expectedReadyMs ?? 0,
      replyHeaders: planned.replyHeaders ?? [],
      versioned: planned.versioned ?? false,
      account: planned.account == null ? null : this.#account(planned.account),
      zone: plan.zone,
      contextTokens: plan.contextTokens,
      gpu: planned.gpu ?? null,
    });
    worker.watch({
      changed: () => pool.index.changed(worker),
      freed: () => pool.gate.poke(),
      grew: (by) => {
        pool.capacity += by;
      },
    });
    const changed = () => {
      this.#deps.log.info('worker', { worker: worker.id, state: worker.state });
      this.#tell(worker);
      pool.gate.poke();
    };
    const place = (url: string | null) => {
      // A source may have had its answer on the way when its worker was let go.
      if (worker.state === 'draining') return;
      Object.assign(worker, url === null ? { origin: '', basePath: '' } : placeOf(url));
      if (url === null) {
        worker.state = 'starting';
        worker.startedMs = this.#deps.clock.nowMs();
        changed();
      } else if (plan.engine.healthPath === null) {
        worker.state = 'unknown';
        changed();
      } else this.#deps.prober.watch(worker, plan.engine, changed);
    };
    this.#tell(worker);
    if (planned.url !== null) place(planned.url);
    source?.start(place);
    return { key: planned.key, limitKey: planned.limitKey, worker, source };
  }

  /** A managed API has no time that could be billed by. */
  #tell(worker: PoolWorker): void {
    if (worker.account === null) this.#deps.meter?.state(worker, worker.state);
  }

  /** For a provider that joins: new, or with another credential than before. */
  #account(domain: string): Account {
    let account = this.#accounts.get(domain);
    if (account === undefined) {
      account = new Account();
      this.#accounts.set(domain, account);
    } else account.clear();
    return account;
  }

  #release(member: Member): void {
    member.worker.state = 'draining';
    if (member.worker.account === null) this.#deps.meter?.gone(member.worker);
    this.#deps.prober.forget(member.worker);
    if (member.source === null) return;
    const leaving: Promise<void> = member.source.stop().finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }
}
