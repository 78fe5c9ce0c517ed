// How long a call may wait at a rung before it goes down or is refused. For router/rung.
import type { Reason } from '../core/names.ts';
import { conditionOf, type Pool } from '../fleet/pool.ts';
import type { Placing } from './placing.ts';
import type { Progress } from './progress.ts';

/** What waits below a rung. */
export interface Below {
  /** Whether a lower rung takes calls that leave for this reason. */
  diverts(reason: Reason): boolean;
  /** When the soonest lower rung that takes saturated calls is expected to begin its reply, ms from now; infinite = none. */
  soonestMs(): number;
}

/**
 * The least of the class's wait, the caller's wish, and the deadlines of call and caller. Where the class promises a time to
 * first content that this rung would miss and a lower one would keep, no longer than keeps the promise here.
 */
export function patienceMs(progress: Progress, firstContentMs: number, below: Below, nowMs: number): number {
  const { rules, request, deadlineMs, queueMs } = progress;
  const { maxWaitMs, timeoutMs } = request.wants;
  const elapsedMs = nowMs - request.receivedMs;
  let longest = Math.min(rules.queue.waitMs, deadlineMs - nowMs);
  if (maxWaitMs !== null) longest = Math.min(longest, maxWaitMs - queueMs);
  if (timeoutMs !== null) longest = Math.min(longest, timeoutMs - elapsedMs - firstContentMs);
  const { firstContentMs: promisedMs } = rules.slo;
  if (promisedMs !== null && below.diverts('saturated')) {
    const spareMs = promisedMs - elapsedMs - firstContentMs;
    if (spareMs < longest && below.soonestMs() <= promisedMs - elapsedMs) longest = spareMs;
  }
  return Math.max(0, longest);
}

/** What the quickest worker of a pool is expected to take for a call's first content once it has a slot, ms. */
export function firstContentMs(pool: Pool, call: Pick<Placing, 'uncachedAt'>): number {
  let least = Number.POSITIVE_INFINITY;
  let looked = 0;
  for (const worker of pool.workers) {
    if (worker.limit === 0) continue;
    least = Math.min(least, worker.expectedFirstContentMs(call.uncachedAt(worker)));
    if (++looked === 16) break;
  }
  return Number.isFinite(least) ? least : 0;
}

/**
 * Why a call waits in a line that no worker serves yet: all are starting or asked for a pause, no lower rung takes over
 * for that, and it is expected to pass in time. Null: waiting is no use.
 */
export function worthWaiting(pool: Pool, model: string, below: Below, nowMs: number, untilMs: number): Reason | null {
  const { reason, waitMs } = conditionOf(pool, model, nowMs);
  if ((reason !== 'cold' && reason !== 'saturated') || below.diverts(reason)) return null;
  return waitMs !== null && nowMs + waitMs <= untilMs ? reason : null;
}
