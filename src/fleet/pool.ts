// The workers of one artifact and the gate before them; why none can serve when none can. For fleet and router/dispatch.

import type { Gate, GateRules } from '../core/gate.ts';
import type { Reason } from '../core/names.ts';
import type { WorkerIndex } from '../core/schedule.ts';
import type { WorkerEngine, WorkerSource } from '../core/worker.ts';
import type { PoolWorker } from './worker.ts';

/** A worker with the source that keeps it up (null for a fixed address) and the identity that survives reloads. */
export interface Member {
  readonly key: string;
  readonly worker: PoolWorker;
  readonly source: WorkerSource | null;
  /** Of the limit that it learns with. */
  readonly limitKey: string;
}

/** The gate of a pool, with the rules that a reload may move. */
export interface PoolGate extends Gate {
  resize(rules: GateRules): void;
}

/** Own workers, or the one door of a managed API. */
export interface Pool {
  readonly name: string;
  readonly kind: 'pool' | 'provider';
  /** The model name that the workers know; null for a managed API, which serves many. */
  serves: string | null;
  engine: WorkerEngine;
  readonly gate: PoolGate;
  /** Which of its workers have room. */
  readonly index: WorkerIndex;
  members: readonly Member[];
  /** The members' workers, kept as an array of their own for the pick. */
  workers: readonly PoolWorker[];
}

/** A target fails in all ways but one: money is no worker's matter. */
type TargetReason = Exclude<Reason, 'budget'>;

/** Why no worker admits a call now, and when that may change. */
export interface Condition {
  readonly reason: TargetReason;
  /** ms from now until another look is worth it; null when nothing tells. */
  readonly waitMs: number | null;
}

/** Read when the pick found none for this model. A pool that is only starting is cold; one that asked for a pause is saturated. */
export function conditionOf(pool: Pool, model: string, nowMs: number): Condition {
  let soonest = Number.POSITIVE_INFINITY;
  let reason: TargetReason | null = null;
  for (const worker of pool.workers) {
    const [why, waitMs] = stateOf(worker, model, nowMs);
    // What will pass by itself counts more than what is broken, and only its own time is told: a caller who is told
    // "starting" must not be given the next probe of a broken worker as the time to ready.
    if (reason === null || RANK[why] < RANK[reason]) {
      reason = why;
      soonest = waitMs;
    } else if (why === reason) soonest = Math.min(soonest, waitMs);
  }
  return { reason: reason ?? 'failing', waitMs: Number.isFinite(soonest) ? Math.max(0, soonest) : null };
}

/** A managed API whose account is known to have no money: waiting is no use. */
export function isUnfunded(pool: Pool, model: string, nowMs: number): boolean {
  return pool.kind === 'provider' && pool.workers.every((one) => one.accountPause(model, nowMs)?.reason === 'failing');
}

const RANK: Record<TargetReason, number> = { saturated: 0, cold: 1, slow: 2, failing: 3 };

function stateOf(worker: PoolWorker, model: string, nowMs: number): readonly [TargetReason, number] {
  if (worker.state === 'starting' || worker.state === 'cold') return ['cold', readyInMs(worker, nowMs)];
  if (nowMs < worker.pausedUntilMs) return [worker.pauseReason, worker.pausedUntilMs - nowMs];
  const pause = worker.accountPause(model, nowMs);
  if (pause !== null) return [pause.reason, pause.untilMs - nowMs];
  if (worker.breaker.retryAtMs > 0) return ['failing', worker.breaker.retryAtMs - nowMs];
  if (worker.state === 'unhealthy' || worker.origin === '') return ['failing', Number.POSITIVE_INFINITY];
  return ['saturated', 0];
}

/** Expected time until a starting worker is ready; never less than a second once it is overdue. */
function readyInMs(worker: PoolWorker, nowMs: number): number {
  return Math.max(1_000, worker.startedMs + worker.expectedReadyMs - nowMs);
}
