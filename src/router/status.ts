// What the router knows of its pools right now, for people. For the admin API.

import type { LineStatus } from '../core/gate.ts';
import type { LedgerHealth } from '../core/ledger.ts';
import { NANO_USD_PER_USD } from '../core/money.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { conditionOf, type Pool } from '../fleet/pool.ts';
import type { Accounting } from './accounting.ts';

export interface WorkerStatus {
  readonly id: string;
  readonly state: string;
  readonly origin: string;
  readonly inFlight: number;
  readonly limit: number;
  /** Prompt tokens that it has still to read, by estimate. */
  readonly backlogTokens: number;
  /** How full its engine says it is, 1 = full; null = it does not say. */
  readonly engineLoad: number | null;
  readonly breaker: string;
  /** ms until its breaker lets a probe through; 0 while closed. */
  readonly breakerRetryMs: number;
  /** Why it is left alone, and for how long yet, ms. */
  readonly pausedFor: string | null;
  readonly pausedMs: number;
}

export interface PoolStatus {
  readonly name: string;
  readonly kind: 'pool' | 'provider';
  /** The model name its workers know; null for a managed API, which serves many. */
  readonly serves: string | null;
  readonly inFlight: number;
  readonly waiting: number;
  /** In flight as a share of what its workers take: 1 = full; 0 while none takes any. */
  readonly saturation: number;
  /** Who waits, by class, band and tenant. */
  readonly lines: readonly LineStatus[];
  /** Some worker admits a call now; else why none does. */
  readonly condition: 'ready' | 'saturated' | 'cold' | 'failing' | 'slow';
  readonly workers: readonly WorkerStatus[];
}

/** How limits and records stand; null where nothing is counted. */
export interface MoneyStatus {
  /** Held for calls in flight. */
  readonly reservedUsd: number;
  /** Calls that wait for a slot of their tenant, or for its money. */
  readonly waiting: number;
  readonly ledger: LedgerHealth;
}

export interface RouterStatus {
  readonly money: MoneyStatus | null;
  readonly draining: boolean;
  readonly openCalls: number;
  readonly upstreamConnections: number;
  readonly pools: readonly PoolStatus[];
}

export function statusOf(
  fleet: Fleet,
  openCalls: number,
  draining: boolean,
  nowMs: number,
  upstreamConnections: number,
  accounting: Accounting | null,
): RouterStatus {
  const pools = [...fleet.pools.values()].map((pool): PoolStatus => {
    const ready = pool.workers.some((worker) => worker.admits(nowMs, pool.serves ?? ''));
    return {
      name: pool.name,
      kind: pool.kind,
      serves: pool.serves,
      inFlight: pool.gate.inFlight,
      waiting: pool.gate.waiting,
      saturation: saturationOf(pool),
      lines: pool.gate.lines(),
      condition: ready ? 'ready' : conditionOf(pool, pool.serves ?? '', nowMs).reason,
      workers: pool.workers.map((worker) => ({
        id: worker.id,
        state: worker.state,
        origin: worker.origin,
        inFlight: worker.inFlight,
        limit: worker.limit,
        backlogTokens: Math.round(worker.backlogTokens),
        engineLoad: worker.engineLoad,
        breaker: worker.breaker.state(nowMs),
        breakerRetryMs: Math.max(0, Math.round(worker.breaker.retryAtMs === 0 ? 0 : worker.breaker.retryAtMs - nowMs)),
        pausedFor: nowMs < worker.pausedUntilMs ? worker.pauseReason : null,
        pausedMs: Math.max(0, Math.round(worker.pausedUntilMs - nowMs)),
      })),
    };
  });
  const money = accounting === null ? null : moneyOf(accounting);
  return { draining, openCalls, upstreamConnections, pools, money };
}

function moneyOf({ book, admission, spend, ledger }: Accounting): MoneyStatus {
  return {
    reservedUsd: book.reserved / NANO_USD_PER_USD,
    waiting: admission.waiting + spend.waiting,
    ledger: ledger.health,
  };
}

function saturationOf({ gate, workers }: Pool): number {
  const capacity = workers.reduce((sum, worker) => sum + worker.limit, 0);
  return capacity === 0 ? 0 : Math.round((gate.inFlight / capacity) * 1000) / 1000;
}
