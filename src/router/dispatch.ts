// Owns a call's attempts: rung by rung, permit by permit, until first content commits one of them. For router/create.
import type { Usage } from '../core/dialect.ts';
import { RouterError, toRouterError } from '../core/errors.ts';
import type { GateRefusal, Permit } from '../core/gate.ts';
import type { Reason } from '../core/names.ts';
import type { ClassRules, ModelPlan, Rung } from '../core/plan.ts';
import type { Disclosure, InferenceReply } from '../core/reply.ts';
import type { InferenceRequest } from '../core/request.ts';
import type { Random } from '../core/runtime.ts';
import type { InferenceService } from '../core/service.ts';
import { conditionOf, isUnfunded, type Pool } from '../fleet/pool.ts';
import type { PoolWorker } from '../fleet/worker.ts';
import { pickWorker } from '../scheduling/pick.ts';
import { Attempt, type AttemptDeps } from '../upstream/attempt.ts';
import type { RetryBudget } from './retry-budget.ts';
import { type CallBooks, closeAttempt, closeCall, SettledBody } from './settle.ts';
import { type RungFailure, verdict } from './verdict.ts';

export interface DispatchDeps extends AttemptDeps {
  readonly random: Random;
  readonly budget: RetryBudget;
  readonly books: CallBooks;
  /** The plan of the asked model with its eligible rungs. Throws a RouterError when there is none. */
  plan(request: InferenceRequest): CallPlan;
  pool(name: string): Pool | undefined;
}

/** What policy leaves a call: the asked model's plan and the rungs of it that may answer. */
export interface CallPlan {
  /** The name asked for, or the class's default. */
  readonly asked: string;
  readonly plan: ModelPlan;
  readonly rungs: readonly Rung[];
}

/** What has become of a call so far. */
interface Progress {
  readonly request: InferenceRequest;
  readonly asked: string;
  readonly rules: ClassRules;
  readonly deadlineMs: number;
  readonly failures: RungFailure[];
  tried: Set<string> | null;
  attempts: number;
  queueMs: number;
  coldMs: number;
  /** What the last attempt that failed told of its tokens before it did. */
  usage: Usage | null;
  /** Why the asked model's rungs were left. */
  reason: Reason | null;
}

interface Won {
  readonly permit: Permit;
  readonly attempt: Attempt;
  /** The name by which the target knows the model. */
  readonly model: string;
  /** What the worker's health answered when the attempt began. */
  readonly begun: number;
}

/** Whether a lower rung takes calls that leave for this reason. */
type Diverts = (reason: Reason) => boolean;

const REFUSALS = { queue_full: 'its line is full', waited: 'no slot came free in time' } as const;

export function createDispatch(deps: DispatchDeps): InferenceService {
  return async function dispatch(request) {
    deps.books.open++;
    let progress: Progress | null = null;
    try {
      const { asked, plan, rungs } = deps.plan(request);
      progress = begin(request, asked, plan.rules);
      deps.budget.earn();
      for (let at = 0; at < rungs.length; at++) {
        const rung = rungs[at]!;
        if (progress.reason !== null && !rung.when.has(progress.reason)) continue;
        const diverts = (reason: Reason) => rungs.some((lower, place) => place > at && lower.when.has(reason));
        const won = await tryRung(deps, progress, rung, diverts);
        if (won !== null) return reply(deps, progress, rung, won);
        progress.reason = progress.failures.at(-1)!.error.reason;
      }
      throw verdict(progress.failures, progress.attempts, deps.random);
    } catch (thrown) {
      const error = toRouterError(thrown);
      const how = error.code === 'client_gone' ? 'client_gone' : 'failed';
      closeCall(deps.books, request, null, { how, error, bytes: 0, usage: progress?.usage ?? null });
      throw thrown;
    }
  };
}

function begin(request: InferenceRequest, asked: string, rules: ClassRules): Progress {
  return {
    request,
    asked,
    rules,
    deadlineMs: request.receivedMs + rules.timeouts.totalMs,
    failures: [],
    tried: null,
    attempts: 0,
    queueMs: 0,
    coldMs: 0,
    usage: null,
    reason: null,
  };
}

/** Tries one rung, and again where a second try may help. Null: go down. Throws what no rung can cure. */
async function tryRung(deps: DispatchDeps, progress: Progress, rung: Rung, diverts: Diverts): Promise<Won | null> {
  const { request } = progress;
  const pool = deps.pool(rung.target.name);
  if (pool === undefined) throw new RouterError('internal_error', `The pool ${rung.target.name} is not there.`);
  const model = rung.target.serves ?? progress.asked;
  let inPlace = true;
  let retries = progress.rules.retries;
  for (;;) {
    const nowMs = deps.clock.nowMs();
    const maxWaitMs = waitMs(progress, nowMs);
    let held: Reason | null = null;
    // The first look is now; the gate looks again each time that a slot comes free.
    let looked = false;
    const pick = () => {
      const pickMs = looked ? deps.clock.nowMs() : nowMs;
      looked = true;
      const picked = pickWorker(pool.workers, model, progress.tried, inPlace, pickMs, deps.random);
      if (picked !== 'none') return picked;
      held = worthWaiting(pool, model, diverts, pickMs, nowMs + maxWaitMs);
      return held === null ? 'none' : 'full';
    };
    const answer = pool.gate.acquire({ signal: request.signal, maxWaitMs }, pick);
    const permit = answer instanceof Promise ? await answer : answer;
    if (typeof permit === 'string') {
      progress.failures.push(refusal(deps, pool, model, permit, nowMs));
      return null;
    }
    progress.queueMs += permit.waitedMs;
    if (held === 'cold') progress.coldMs += permit.waitedMs;
    const begun = (permit.worker as PoolWorker).begin();
    const attempt = tryWorker(deps, progress, rung, model, permit, begun);
    const error = await attempt.committed;
    if (error === null) return { permit, attempt, model, begun };
    deps.books.attempts.delete(attempt);
    progress.usage = attempt.usage;
    closeAttempt(
      permit,
      permit.worker as PoolWorker,
      begun,
      model,
      error,
      error.code === 'client_gone' ? 'client_gone' : 'failed',
    );
    if (!error.retryable && !error.descends) throw error.with({ attempts: progress.attempts });
    const { worker } = permit;
    progress.tried ??= new Set();
    progress.tried.add(worker.id);
    // A full worker, like one that took no connection in time, gains nothing from being asked again at once.
    inPlace = error.code === 'upstream_error';
    if (error.retryable && retries > 0 && hasAnother(deps, progress, pool, model, inPlace) && deps.budget.spend()) {
      retries--;
      continue;
    }
    const condition = conditionOf(pool, model, deps.clock.nowMs());
    progress.failures.push({ target: rung.target.name, error, waitMs: condition.waitMs });
    if (!error.descends) throw verdict(progress.failures, progress.attempts, deps.random);
    return null;
  }
}

/** Begins one attempt. What breaks in here is the router's own fault, and the slot is given back. */
function tryWorker(
  deps: DispatchDeps,
  progress: Progress,
  rung: Rung,
  model: string,
  permit: Permit,
  begun: number,
): Attempt {
  const { request, rules, deadlineMs } = progress;
  const worker = permit.worker as PoolWorker;
  progress.attempts++;
  try {
    const { target } = rung;
    const spec = { request, target, model, worker, timeouts: rules.timeouts, callDeadlineMs: deadlineMs };
    const attempt = new Attempt(spec, deps);
    deps.books.attempts.add(attempt);
    return attempt;
  } catch (thrown) {
    closeAttempt(permit, worker, begun, model, toRouterError(thrown), 'failed');
    throw thrown;
  }
}

function reply(
  deps: DispatchDeps,
  progress: Progress,
  rung: Rung,
  { permit, attempt, model, begun }: Won,
): InferenceReply {
  const { request } = progress;
  const { target } = rung;
  const disclosure: Disclosure = {
    asked: progress.asked,
    served: `${target.name}/${model}`,
    rung: rung.number,
    degraded: rung.same ? null : (progress.reason ?? 'capability'),
    attempts: progress.attempts,
    queueMs: progress.queueMs,
    coldMs: progress.coldMs,
    zone: target.zone,
    dropped: attempt.upstream.dropped,
    scores:
      request.dialect.name === 'rerank' ? (attempt.upstream.scores ?? target.rerank?.scores ?? 'undeclared') : null,
  };
  const worker = permit.worker as PoolWorker;
  const body = new SettledBody(attempt, (end) => {
    deps.books.attempts.delete(attempt);
    closeAttempt(permit, worker, begun, model, end.error, end.how);
    closeCall(deps.books, request, disclosure, end);
  });
  return {
    contentType: request.call.stream ? 'text/event-stream; charset=utf-8' : 'application/json',
    disclosure,
    headers: attempt.headers,
    body,
  };
}

/**
 * Why a call waits in a line that no worker serves yet: all are starting or asked for a pause, no lower rung takes over
 * for that, and it is expected to pass in time. Null: waiting is no use.
 */
function worthWaiting(pool: Pool, model: string, diverts: Diverts, nowMs: number, untilMs: number): Reason | null {
  const { reason, waitMs } = conditionOf(pool, model, nowMs);
  if ((reason !== 'cold' && reason !== 'saturated') || diverts(reason)) return null;
  return waitMs !== null && nowMs + waitMs <= untilMs ? reason : null;
}

function waitMs(progress: Progress, nowMs: number): number {
  const { rules, request, deadlineMs, queueMs } = progress;
  const wished = request.wants.maxWaitMs ?? Number.POSITIVE_INFINITY;
  return Math.max(0, Math.min(rules.queue.waitMs, wished - queueMs, deadlineMs - nowMs));
}

/** A retry is worth its budget only where some worker would take it. */
function hasAnother(deps: DispatchDeps, progress: Progress, pool: Pool, model: string, inPlace: boolean): boolean {
  return pickWorker(pool.workers, model, progress.tried, inPlace, deps.clock.nowMs(), deps.random) !== 'none';
}

function refusal(deps: DispatchDeps, pool: Pool, model: string, why: GateRefusal, sinceMs: number): RungFailure {
  const target = pool.name;
  if (why === 'client_gone') throw new RouterError('client_gone', 'The caller is gone.');
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
  // Nobody knows when a slot comes free before limits learn: a pause that is known, else what was waited in vain.
  const waitedMs = deps.clock.nowMs() - sinceMs;
  return { target, error, waitMs: Math.max(1_000, condition.waitMs ?? 0, waitedMs) };
}
