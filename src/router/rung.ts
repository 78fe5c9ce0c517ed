// One rung of a call: a place in the line, an attempt, and another where a second try may help. For router/dispatch.
import { RouterError, toRouterError } from '../core/errors.ts';
import type { GateRefusal, Permit } from '../core/gate.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Reason } from '../core/names.ts';
import type { Rung } from '../core/plan.ts';
import type { Random } from '../core/runtime.ts';
import type { SlotWorker } from '../core/worker.ts';
import type { AttemptTime } from '../economics/worker-time.ts';
import { conditionOf, isUnfunded, type Pool } from '../fleet/pool.ts';
import type { PoolWorker } from '../fleet/worker.ts';
import { Attempt, type AttemptDeps } from '../upstream/attempt.ts';
import { keeperIn, keptAt } from './keeper.ts';
import { type Below, firstContentMs, patienceMs, worthWaiting } from './patience.ts';
import { Placing } from './placing.ts';
import type { Progress } from './progress.ts';
import type { RetryBudget } from './retry-budget.ts';
import { type CallBooks, closeAttempt, openReply } from './settle.ts';
import { type RungFailure, verdict } from './verdict.ts';

/** A pool with the way in which its workers are chosen. */
export interface Place {
  readonly pool: Pool;
  worker(id: string): PoolWorker | null;
  choose(call: Placing, nowMs: number): SlotWorker | 'full' | 'none';
}

export interface RungDeps extends AttemptDeps {
  readonly random: Random;
  readonly budget: RetryBudget;
  readonly books: CallBooks;
  readonly metrics: Metrics;
  place(name: string): Place | undefined;
}

/** A permit in use, with what its worker is to be told when the attempt is over. */
export interface Try {
  readonly permit: Permit;
  readonly worker: PoolWorker;
  readonly placing: Placing;
  /** What the worker's health answered when the attempt began. */
  readonly begun: number;
  /** What the worker had to do then, this attempt included. */
  readonly inFlight: number;
  readonly backlogTokens: number;
  /** Monotonic ms. */
  readonly beganMs: number;
  /** What of the worker's time is its own: where that began, and how much it was once it is known. */
  readonly meter: { begun: number; time: AttemptTime | null };
}

/** An attempt whose first content is here. */
export interface Won {
  readonly held: Try;
  readonly attempt: Attempt;
}

/** So often a call goes back into the line of a pool whose workers say that they are full, and of a managed API. */
const MOST_BACK = { pool: 8, provider: 1 } as const;

const REFUSALS = {
  queue_full: 'its line is full',
  waited: 'no slot came free in time',
  forecast: 'no slot is expected in time',
} as const;

/** Null: go down. Throws what no rung can cure. */
export async function tryRung(deps: RungDeps, progress: Progress, rung: Rung, below: Below): Promise<Won | null> {
  const { request } = progress;
  const open = deps.place(rung.target.name);
  if (open === undefined) throw new RouterError('internal_error', `The pool ${rung.target.name} is not there.`);
  const { pool } = open;
  const keeperId = progress.origin?.pool === pool.name ? progress.origin.workerId : null;
  const place = keeperId === null ? open : keptAt(open, keeperId);
  const model = rung.target.serves ?? progress.asked;
  let inPlace = true;
  let retries = progress.rules.retries;
  let back = 0;
  // Of the class's longest wait, spent in line and at workers that then said "full".
  let spentMs = 0;
  for (;;) {
    const nowMs = deps.clock.nowMs();
    const lease = progress.run?.lease(pool.name, nowMs) ?? null;
    const patience = patienceMs(progress, contentMs(pool, progress, below), below, nowMs);
    const maxWaitMs = Math.max(0, Math.min(patience, progress.rules.queue.waitMs - spentMs));
    const placing = new Placing(progress, model, lease, inPlace, maxWaitMs, nowMs);
    let held: Reason | null = null;
    const pick = (pickMs: number) => {
      const picked = place.choose(placing, pickMs);
      if (picked !== 'none') return picked;
      held = worthWaiting(pool, model, below, pickMs, nowMs + maxWaitMs);
      return held === null ? 'none' : 'full';
    };
    const answer = pool.gate.acquire(placing, pick);
    const permit = answer instanceof Promise ? await answer : answer;
    if ('refused' in permit) {
      progress.failures.push(refusal(deps, progress, pool, placing, permit, nowMs));
      return null;
    }
    progress.queueMs += permit.waitedMs;
    if (held === 'cold') progress.coldMs += permit.waitedMs;
    if (keeperId !== null && permit.worker.id !== keeperId) {
      // The gate gives another's slot to whom it cannot let wait any longer. That one knows nothing of the reply.
      const keeper = keeperIn(open, keeperId, model, deps.clock.nowMs());
      if (keeper !== null) {
        progress.failures.push(leave(progress, placing, permit, pool, keeper, deps.clock.nowMs()));
        return null;
      }
    }
    const { held: tried, attempt } = begin(deps, progress, rung, placing, permit);
    const error = await attempt.committed;
    if (error === null) {
      openReply(tried, request, attempt);
      progress.firstContentMs = attempt.committedMs - request.receivedMs;
      return { held: tried, attempt };
    }
    deps.books.attempts.delete(attempt);
    progress.usage = attempt.usage;
    const how = error.code === 'client_gone' ? 'client_gone' : 'failed';
    progress.account?.ended(progress, rung, tried, attempt, { how, error });
    closeAttempt(tried, request, attempt, error, how);
    if (error.code === 'client_gone') throw error;
    if (error.code === 'worker_full' && back < MOST_BACK[pool.kind]) {
      const waitedMs = deps.clock.nowMs() - nowMs;
      if (goesBack(deps, place, progress, model, error, below, maxWaitMs - waitedMs)) {
        back++;
        spentMs += waitedMs;
        inPlace = true;
        continue;
      }
    }
    progress.tried ??= new Set();
    progress.tried.add(tried.worker.id);
    // A worker that says it is full, or that did not begin in time, like one that took no connection in time, gains nothing
    // from being asked again at once.
    inPlace = error.code === 'upstream_error';
    if (error.retryable && retries > 0 && hasAnother(deps, place, progress, model, inPlace) && deps.budget.spend()) {
      retries--;
      continue;
    }
    const condition = conditionOf(pool, model, deps.clock.nowMs());
    progress.failures.push({ target: rung.target.name, error, waitMs: condition.waitMs });
    if (!error.descends) throw verdict(progress.failures, progress.attempts, deps.random);
    return null;
  }
}

/** Only a promise to keep or a caller's own deadline makes it worth asking. */
function contentMs(pool: Pool, progress: Progress, below: Below): number {
  const { rules, request } = progress;
  const promised = rules.slo.firstContentMs !== null && below.diverts('saturated');
  if (!promised && request.wants.timeoutMs === null) return 0;
  return firstContentMs(pool, { uncachedAt: () => request.call.inputTokens });
}

/** Gives back a slot that is of no use. */
function leave(
  { request }: Progress,
  placing: Placing,
  permit: Permit,
  pool: Pool,
  keeper: PoolWorker,
  nowMs: number,
): RungFailure {
  const text = `The worker of ${pool.name} that stores the response before had no room in time.`;
  const error = new RouterError('capacity_contended', text, { reason: 'saturated' });
  closeAttempt(heldBy(permit, placing, nowMs), request, null, error, 'failed');
  return { target: pool.name, error, waitMs: Math.max(1_000, keeper.pausedUntilMs - nowMs, permit.waitedMs) };
}

function heldBy(permit: Permit, placing: Placing, nowMs: number): Try {
  const worker = permit.worker as PoolWorker;
  const { inFlight, backlogTokens } = worker;
  const meter = { begun: 0, time: null };
  return { permit, worker, placing, begun: worker.begin(), inFlight, backlogTokens, beganMs: nowMs, meter };
}

/** Begins one attempt. What breaks in here is the router's own fault, and the slot is given back. */
function begin(deps: RungDeps, progress: Progress, rung: Rung, placing: Placing, permit: Permit): Won {
  const { request, rules, deadlineMs } = progress;
  const held = heldBy(permit, placing, deps.clock.nowMs());
  const { worker } = held;
  progress.attempts++;
  try {
    const { target } = rung;
    const { model } = placing;
    const spec = { request, target, model, worker, timeouts: rules.timeouts, callDeadlineMs: deadlineMs };
    const attempt = new Attempt(spec, deps);
    deps.books.attempts.add(attempt);
    progress.account?.began(held);
    return { held, attempt };
  } catch (thrown) {
    closeAttempt(held, request, null, toRouterError(thrown), 'failed');
    throw thrown;
  }
}

/**
 * Whether a call that a worker had no place for stands in line again. That is no second try: nothing failed, no token was
 * made, and the worker is left alone meanwhile, so it costs nothing of the retry budget. A managed API means its account,
 * which waiting calls would only keep at its limit: there a pause must be told, and be short enough.
 */
function goesBack(
  deps: RungDeps,
  { pool, choose }: Place,
  progress: Progress,
  model: string,
  { detail }: RouterError,
  below: Below,
  leftMs: number,
): boolean {
  if (leftMs <= 0 || (pool.kind === 'provider' && (detail.coolDownMs ?? leftMs) >= leftMs)) return false;
  if (!below.diverts('saturated')) return true;
  const nowMs = deps.clock.nowMs();
  const call = new Placing(progress, model, null, true, leftMs, nowMs);
  const picked = choose(call, nowMs);
  if (picked === 'none') return false;
  // Whoever sets no retries wants one look at a rung before the next.
  if (picked !== 'full') return progress.rules.retries > 0;
  return pool.gate.forecastMs(call) + firstContentMs(pool, call) < below.soonestMs();
}

/** A retry is worth its budget only where some worker would take it. */
function hasAnother(deps: RungDeps, place: Place, progress: Progress, model: string, inPlace: boolean): boolean {
  const nowMs = deps.clock.nowMs();
  return place.choose(new Placing(progress, model, null, inPlace, 0, nowMs), nowMs) !== 'none';
}

function refusal(
  deps: RungDeps,
  progress: Progress,
  pool: Pool,
  placing: Placing,
  { refused: why, waitMs }: GateRefusal,
  sinceMs: number,
): RungFailure {
  const target = pool.name;
  const { model } = placing;
  if (why === 'client_gone') throw new RouterError('client_gone', 'The caller is gone.');
  deps.metrics.refused(why, progress.rules.class, target, progress.request.caller.tenant);
  const condition = conditionOf(pool, model, deps.clock.nowMs());
  if (why === 'closed')
    return { target, waitMs: null, error: new RouterError('server_is_overloaded', `${target} is closed.`) };
  if (why === 'none' && isUnfunded(pool, model, deps.clock.nowMs())) {
    const text = `The account behind ${target} has run out of money.`;
    return { target, waitMs: null, error: new RouterError('upstream_unfunded', text) };
  }
  if (why === 'none' || (why === 'waited' && condition.reason === 'cold')) {
    const code = condition.reason === 'saturated' ? 'capacity_contended' : 'server_is_overloaded';
    return {
      target,
      waitMs: condition.waitMs,
      error: new RouterError(code, `${target} cannot serve.`, { reason: condition.reason }),
    };
  }
  const error = new RouterError('capacity_contended', `${target} is full: ${REFUSALS[why]}.`, { reason: 'saturated' });
  // Without a forecast: a pause that is known, else what was waited in vain.
  const waitedMs = deps.clock.nowMs() - sinceMs;
  if (waitMs === null) return { target, error, waitMs: Math.max(1_000, condition.waitMs ?? 0, waitedMs) };
  const leastMs = Math.max(1_000, waitMs);
  return { target, error, waitMs: leastMs, book: () => pool.gate.returnMs(placing, leastMs) };
}
