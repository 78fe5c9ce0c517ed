// All pools and their workers, brought in line with the policy at start and at each reload. For router/create.

import type { Clock, Log } from '../core/runtime.ts';
import type { WorkerEngine, WorkerSource } from '../core/worker.ts';
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
  readonly limit: number;
  readonly replyHeaders?: readonly string[];
  /** The address names the API's version already. */
  readonly versioned?: boolean;
  /** The quota domain whose account it spends from; null for own workers. */
  readonly account?: string | null;
  /** Makes the source; called only when the worker is new. */
  source(): WorkerSource | null;
}

export interface PoolPlan {
  readonly name: string;
  readonly kind: Pool['kind'];
  readonly serves: string | null;
  readonly maxWaiting: number;
  readonly engine: WorkerEngine;
  readonly workers: readonly WorkerPlan[];
}

export interface FleetDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly prober: Prober;
  createBreaker(): WorkerBreaker;
  createGate(maxWaiting: number): PoolGate;
}

/** Invariant: each worker of the newest plan is a member of exactly one pool, and its source runs. */
export class Fleet {
  readonly pools = new Map<string, Pool>();
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
      const gate = this.#deps.createGate(plan.maxWaiting);
      const { name, kind, serves, engine } = plan;
      pool = { name, kind, serves, engine, gate, members: [], workers: [] };
      this.pools.set(name, pool);
    }
    pool.serves = plan.serves;
    pool.engine = plan.engine;
    pool.gate.resize(plan.maxWaiting);
    const before = new Map(pool.members.map((member) => [member.key, member]));
    const members = plan.workers.map((worker) => before.get(worker.key) ?? this.#join(pool, plan, worker));
    const kept = new Set(members);
    for (const member of pool.members) if (!kept.has(member)) this.#release(member);
    pool.members = members;
    pool.workers = members.map((member) => member.worker);
    for (const [at, worker] of plan.workers.entries()) members[at]!.worker.limit = worker.limit;
    pool.gate.poke();
  }

  #join(pool: Pool, plan: PoolPlan, planned: WorkerPlan): Member {
    const source = planned.source();
    const worker = new PoolWorker({
      id: `${plan.name}/${++this.#number}`,
      headers: planned.headers,
      limit: planned.limit,
      state: source === null ? 'unknown' : 'starting',
      breaker: this.#deps.createBreaker(),
      clock: this.#deps.clock,
      expectedReadyMs: source?.expectedReadyMs ?? 0,
      replyHeaders: planned.replyHeaders ?? [],
      versioned: planned.versioned ?? false,
      account: planned.account == null ? null : this.#account(planned.account),
    });
    const changed = () => {
      this.#deps.log.info('worker', { worker: worker.id, state: worker.state });
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
    if (planned.url !== null) place(planned.url);
    source?.start(place);
    return { key: planned.key, worker, source };
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
    this.#deps.prober.forget(member.worker);
    if (member.source === null) return;
    const leaving: Promise<void> = member.source.stop().finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }
}
