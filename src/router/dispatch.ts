// Owns a call from its plan to its reply: goes down the rungs until one of them answers. For router/create.
import { chainRun } from '../agents/identity.ts';
import { stepOf } from '../agents/step.ts';
import { RouterError, toRouterError } from '../core/errors.ts';
import type { Reason } from '../core/names.ts';
import type { ModelPlan, Rung, TenantRules } from '../core/plan.ts';
import type { Pressure } from '../core/pressure.ts';
import type { Disclosure, End, InferenceReply } from '../core/reply.ts';
import type { InferenceRequest } from '../core/request.ts';
import { retryAfterSeconds } from '../core/retry-after.ts';
import type { ReplyLink, ReplyLinks, RunEntry, RunIdentity } from '../core/runs.ts';
import type { InferenceService } from '../core/service.ts';
import { CallAccount } from './account.ts';
import type { Accounting } from './accounting.ts';
import { expectedTokens, type OutputEstimates } from './output-estimates.ts';
import { type Below, firstContentMs } from './patience.ts';
import { Placing } from './placing.ts';
import { bandOf, branch, type Progress } from './progress.ts';
import { type RungDeps, tryRung, type Won } from './rung.ts';
import { closeAttempt, closeCall, type SettleDeps, SettledBody } from './settle.ts';
import { runSplit } from './split.ts';
import { addedUsage } from './usage.ts';
import { verdict } from './verdict.ts';

export interface DispatchDeps extends RungDeps, SettleDeps {
  readonly pressure: Pressure;
  readonly estimates: OutputEstimates;
  /** The plan of the asked model with its eligible rungs. Throws a RouterError when there is none. */
  plan(request: InferenceRequest): CallPlan;
  tenant(name: string): TenantRules;
  /** The run that the call belongs to, as far as anything tells, and the print of what its prompt shares with other runs. */
  run(request: InferenceRequest, model: string, origin: ReplyLink | null): Told;
  readonly replies: ReplyLinks;
  /** Null: nothing is counted. */
  readonly accounting: Accounting | null;
}

interface Told {
  readonly entry: RunEntry | null;
  readonly identity: RunIdentity | null;
  readonly prefix: number;
}

/** What policy leaves a call: the asked model's plan and the rungs of it that may answer. */
export interface CallPlan {
  /** The name asked for, or the class's default. */
  readonly asked: string;
  readonly plan: ModelPlan;
  readonly rungs: readonly Rung[];
  /** What is known of the stored reply that it goes on with; null: nothing, or it goes on with none. */
  readonly origin: ReplyLink | null;
}

export function createDispatch(deps: DispatchDeps): InferenceService {
  return async function dispatch(request) {
    deps.books.open++;
    let progress: Progress | null = null;
    try {
      const found = deps.plan(request);
      const { rungs } = found;
      progress = begin(deps, request, found);
      admit(deps, progress);
      const entered = progress.account?.enter(progress, rungs[0]);
      if (entered instanceof Promise) await entered;
      deps.budget.earn();
      for (let at = 0; at < rungs.length; at++) {
        const rung = rungs[at]!;
        if (progress.reason !== null && !rung.when.has(progress.reason)) continue;
        const funded = fund(deps, progress, rung);
        const short = funded instanceof Promise ? await funded : funded;
        if (short !== null) {
          progress.failures.push({ target: rung.target.name, error: short, waitMs: null });
          progress.reason = short.reason;
          continue;
        }
        const below = belowOf(deps, progress, rungs, at);
        if (hasTooMany(request, rung)) {
          const whole = await serveInParts(deps, progress, rung, below, rung.target.maxItems);
          if (whole !== null) return whole;
        } else {
          const won = await tryRung(deps, progress, rung, below);
          if (won !== null) return wholeReply(deps, progress, rung, won);
        }
        progress.reason = progress.failures.at(-1)!.error.reason;
      }
      throw verdict(progress.failures, progress.attempts, deps.random);
    } catch (thrown) {
      const error = toRouterError(thrown);
      const how = error.code === 'client_gone' ? 'client_gone' : 'failed';
      closeCall(deps, request, progress, null, {
        how,
        error,
        bytes: 0,
        usage: progress?.usage ?? null,
        stop: null,
      });
      throw thrown;
    }
  };
}

function begin(deps: DispatchDeps, request: InferenceRequest, { asked, plan, origin }: CallPlan): Progress {
  const { rules } = plan;
  const tenant = deps.tenant(request.caller.tenant);
  const { entry, identity, prefix } = deps.run(request, asked, origin);
  const { maxOutputTokens } = request.call;
  const step = stepOf(request.call, request.step ?? null);
  const estimate = deps.estimates.of(request.caller.tenant, asked);
  return {
    request,
    asked,
    rules,
    tenant,
    priority: bandOf(request.wants.priority, step, rules, tenant),
    step,
    run: entry,
    identity,
    origin,
    prefix,
    estimate,
    outputTokens: expectedTokens(estimate, rules.class, maxOutputTokens),
    deadlineMs: request.receivedMs + rules.timeouts.totalMs,
    bytes: request.body.length,
    failures: [],
    account: deps.accounting === null ? null : new CallAccount(deps.accounting),
    tried: null,
    attempts: 0,
    queueMs: 0,
    coldMs: 0,
    firstContentMs: null,
    usage: null,
    reason: null,
  };
}

/** Money for this rung; null: there is enough. */
function fund(deps: DispatchDeps, progress: Progress, rung: Rung): RouterError | null | Promise<RouterError | null> {
  const { account, tenant } = progress;
  if (account === null || tenant.limits.spend === null) return null;
  return account.fund(progress, rung, deps.place(rung.target.name)?.pool.workers[0]?.gpu ?? null);
}

/** A process that is short of memory or time takes on only what matters most. */
function admit(deps: DispatchDeps, { request, rules, priority }: Progress): void {
  if (!deps.pressure.sheds(rules.class, priority)) return;
  deps.metrics.refused('pressure', rules.class, 'router', request.caller.tenant);
  throw new RouterError(
    'server_is_overloaded',
    `This router is short of memory or time and takes no ${priority} calls for now.`,
    { retryAfterSeconds: retryAfterSeconds(null, deps.random) },
  );
}

function belowOf(deps: DispatchDeps, progress: Progress, rungs: readonly Rung[], at: number): Below {
  return {
    diverts: (reason: Reason) => rungs.some((lower, place) => place > at && lower.when.has(reason)),
    soonestMs() {
      let soonestMs = Number.POSITIVE_INFINITY;
      for (let place = at + 1; place < rungs.length; place++) {
        const { when, target } = rungs[place]!;
        const pool = when.has('saturated') ? deps.place(target.name)?.pool : undefined;
        if (pool === undefined) continue;
        const call = new Placing(progress, target.serves ?? progress.asked, null, true, 0, deps.clock.nowMs());
        if (!pool.workers.some((worker) => worker.admits(deps.clock.nowMs(), call.model))) continue;
        soonestMs = Math.min(soonestMs, pool.gate.forecastMs(call) + firstContentMs(pool, call));
      }
      return soonestMs;
    },
  };
}

/** A list that its target takes in parts only. */
function hasTooMany({ call }: InferenceRequest, rung: Rung): rung is Rung & { target: { maxItems: number } } {
  const { maxItems } = rung.target;
  return maxItems !== null && call.items > maxItems;
}

function wholeReply(deps: DispatchDeps, progress: Progress, rung: Rung, won: Won): InferenceReply {
  return reply(deps, progress, rung, won, (disclosure, end) =>
    closeCall(deps, progress.request, progress, disclosure, end),
  );
}

/** One rung's answer by several workers to the parts of a long list. Null: go down. */
async function serveInParts(
  deps: DispatchDeps,
  progress: Progress,
  rung: Rung,
  below: Below,
  maxItems: number,
): Promise<InferenceReply | null> {
  const { request } = progress;
  try {
    const whole = await runSplit({
      request,
      most: maxItems,
      one: async (part) => {
        const own = branch(progress, part);
        try {
          const won = await tryRung(deps, own, rung, below);
          if (won === null) throw verdict(own.failures, own.attempts, deps.random);
          progress.firstContentMs ??= own.firstContentMs;
          return reply(deps, own, rung, won, (_, end) => {
            progress.usage = addedUsage(progress.usage, end.usage);
          });
        } finally {
          progress.attempts += own.attempts;
          progress.queueMs = Math.max(progress.queueMs, own.queueMs);
        }
      },
    });
    return {
      ...whole,
      body: new SettledBody(whole.body, (end) => closeCall(deps, request, progress, whole.disclosure, end)),
    };
  } catch (thrown) {
    const error = toRouterError(thrown);
    if (!error.descends) throw thrown;
    progress.account?.forfeit();
    progress.failures.push({ target: rung.target.name, error, waitMs: (error.detail.retryAfterSeconds ?? 1) * 1000 });
    return null;
  }
}

function reply(
  deps: DispatchDeps,
  progress: Progress,
  rung: Rung,
  { held, attempt }: Won,
  close: (disclosure: Disclosure, end: End) => void,
): InferenceReply {
  const { request, account } = progress;
  const { target } = rung;
  const { model } = held.placing;
  const isWhole = !request.call.stream && attempt.length !== null;
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
    quota: account?.quota ?? null,
    charge: isWhole ? (account?.preview(progress, rung, held, attempt) ?? null) : null,
  };
  const body = new SettledBody(attempt, (end) => {
    deps.books.attempts.delete(attempt);
    account?.ended(progress, rung, held, attempt, end);
    closeAttempt(held, request, attempt, end.error, end.how);
    if (request.call.keepsReply === true) keep(deps, progress, target.name, held, attempt.replyId);
    remember(deps, progress, target.name, held, end);
    close(disclosure, end);
  });
  return {
    contentType: request.call.stream ? 'text/event-stream; charset=utf-8' : 'application/json',
    disclosure,
    headers: attempt.headers,
    body,
  };
}

/** Whoever goes on with this reply belongs to its run, and to the worker that has stored it, whole or not. */
function keep(
  deps: DispatchDeps,
  { request, identity }: Progress,
  pool: string,
  { worker }: Won['held'],
  reply: string | null,
): void {
  if (reply === null) return;
  const link = { run: identity ?? chainRun(reply), pool, workerId: worker.id };
  deps.replies.keep(request.caller.tenant, reply, link, deps.clock.nowMs());
}

/** What a whole reply teaches: where its run's prompt lies now, and how long replies are. */
function remember(deps: DispatchDeps, progress: Progress, target: string, held: Won['held'], end: End): void {
  if (end.how !== 'complete') return;
  const { usage } = end;
  const { request, run } = progress;
  // In the measure in which the next prompt is compared with it: the router's own estimate, not the worker's count.
  const tokens = request.call.inputTokens + (usage?.outputTokens ?? 0);
  run?.served(target, held.worker.id, tokens, end.stop, deps.clock.nowMs(), request.call.marks?.() ?? null);
  if (usage !== null)
    deps.estimates.learn(progress.estimate, request.caller.tenant, progress.asked, usage.outputTokens);
}
