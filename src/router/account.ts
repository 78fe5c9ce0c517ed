// What one call holds of its tenant's limits and money, and what its attempts cost: opened once, closed once. For router/dispatch.
import type { Admitted } from '../admission/admission.ts';
import type { Usage } from '../core/dialect.ts';
import { RouterError } from '../core/errors.ts';
import type { AttemptRecord } from '../core/ledger.ts';
import type { NanoUsd } from '../core/money.ts';
import type { Rung } from '../core/plan.ts';
import type { GpuPrice } from '../core/prices.ts';
import type { QuotaView } from '../core/quota.ts';
import type { Disclosure, End } from '../core/reply.ts';
import type { SpendHold } from '../core/spend.ts';
import { estimatedUsage } from '../economics/estimate.ts';
import { billedItems } from '../economics/price-book.ts';
import type { AttemptTime } from '../economics/worker-time.ts';
import type { Attempt } from '../upstream/attempt.ts';
import type { Accounting } from './accounting.ts';
import { callRecord } from './call-record.ts';
import { freshTokens } from './placing.ts';
import type { Progress } from './progress.ts';
import type { Try } from './rung.ts';
import { outcomeOf } from './settle.ts';
import { addedUsage } from './usage.ts';

/** Slots that nobody gives back come free so long after their call's deadline, ms (F108). */
const LEASE_SLACK_MS = 30_000;
/** Output of a call that neither bounds it nor has a target with a bound: the longest that models give, tokens. */
const MOST_OUTPUT = 128_000;

export class CallAccount {
  readonly attempts: AttemptRecord[] = [];
  /** Of all attempts, to the operator. */
  cost: NanoUsd = 0;
  /** What the tenant pays, for what usage, and whether that is an estimate. */
  charge: NanoUsd = 0;
  usage: Usage | null = null;
  estimated = false;
  readonly #accounting: Accounting;
  #admitted: Admitted | null = null;
  #hold: SpendHold | null = null;

  constructor(accounting: Accounting) {
    this.#accounting = accounting;
  }

  /** What the tenant's rates have left; null: it has none. */
  get quota(): QuotaView | null {
    return this.#admitted?.quota ?? null;
  }

  /** Takes what holds once per call. Throws or rejects with a RouterError; in line for a slot it takes its time. */
  enter(progress: Progress, first: Rung | undefined): void | Promise<void> {
    const { request, tenant, outputTokens, deadlineMs } = progress;
    const nowMs = this.#accounting.clock.nowMs();
    const admitted = this.#accounting.admission.enter({
      tenant: request.caller.tenant,
      limits: tenant.limits,
      uncachedTokens: freshTokens(progress, first?.target.name ?? null, nowMs),
      outputTokens,
      maxWaitMs: longestWaitMs(progress, nowMs),
      leaseMs: deadlineMs - nowMs + LEASE_SLACK_MS,
      signal: request.signal,
    });
    if (!(admitted instanceof Promise)) {
      this.#admitted = admitted;
      return;
    }
    return admitted.then((late) => {
      this.#admitted = late;
      progress.queueMs += late.waitedMs;
    });
  }

  /**
   * Holds the money that the call may need at this rung, in place of what it held for the one before. Answers with the
   * refusal for which it may go down; others are thrown. `gpu`: of the pool's workers.
   */
  fund(progress: Progress, rung: Rung, gpu: GpuPrice | null): RouterError | null | Promise<RouterError | null> {
    const limits = progress.tenant.limits.spend;
    if (limits === null) return null;
    this.#hold?.close(0);
    this.#hold = null;
    const { request, priority } = progress;
    const { clock, spend } = this.#accounting;
    const nowMs = clock.nowMs();
    const cost = this.#expected(progress, rung, gpu, nowMs);
    if (cost.most === 0) return null;
    const wish = {
      ...cost,
      tenant: request.caller.tenant,
      limits,
      maxWaitMs: longestWaitMs(progress, nowMs),
      signal: request.signal,
      defers: priority === 'batch' || priority === 'background',
    };
    try {
      const held = spend.reserve(wish);
      if (!(held instanceof Promise)) {
        this.#hold = held;
        return null;
      }
      return held.then((late) => {
        this.#hold = late;
        progress.queueMs += clock.nowMs() - nowMs;
        return null;
      }, descending);
    } catch (thrown) {
      return descending(thrown);
    }
  }

  /** What the call is charged here in 99 of 100 cases, and at most. */
  #expected(progress: Progress, { target }: Rung, gpu: GpuPrice | null, nowMs: number) {
    const { request, asked, rules } = progress;
    const { inputTokens, items, maxOutputTokens, choices = 1 } = request.call;
    const { prices, outputs, gpuTimes } = this.#accounting;
    const rate = prices.rate(target, target.serves ?? asked, gpu);
    const units = billedItems(target, items, null);
    const room = target.contextTokens === null ? MOST_OUTPUT : Math.max(0, target.contextTokens - inputTokens);
    const longest = rules.class === 'chat' ? (maxOutputTokens ?? room) : 0;
    const { totalMs } = rules.timeouts;
    const most = rate.expect(inputTokens, 0, longest * choices, units, totalMs);
    const fresh = freshTokens(progress, target.name, nowMs);
    const output = choices * outputs.likelyTokens(request.caller.tenant, asked, longest);
    const gpuMs = gpuTimes.likelyTokens('', target.name, totalMs);
    return { most, likely: Math.min(most, rate.expect(fresh, inputTokens - fresh, output, units, gpuMs)) };
  }

  /** An attempt began at one of our own workers. */
  began({ worker, meter }: Pick<Try, 'worker' | 'meter'>): void {
    if (worker.account === null) meter.begun = this.#accounting.workers.begin(worker);
  }

  /** An attempt's GPU time, told once; from here on the worker's time is no longer its own. */
  #time({ worker, meter }: Try, attempt: Attempt, how: Pick<End, 'how' | 'error'>): AttemptTime | null {
    if (worker.account !== null) return null;
    meter.time ??= this.#accounting.workers.end(worker, meter.begun, outcomeOf(how.error, how.how), attempt.reportedMs);
    return meter.time;
  }

  /** What a reply that is whole before it goes out will be charged; null: nobody has said what it costs. */
  preview(progress: Progress, rung: Rung, held: Try, attempt: Attempt): NanoUsd | null {
    const { worker, placing } = held;
    const rate = this.#accounting.prices.rate(rung.target, placing.model, worker.gpu);
    if (!rate.priced) return null;
    const time = this.#time(held, attempt, { how: 'complete', error: null });
    const items = billedItems(rung.target, progress.request.call.items, attempt.searchUnits);
    return rate.charge(attempt.usage, items, time?.gpuMs ?? null);
  }

  /** An attempt is over: what it cost is noted, and charged where the tenant had what it pays for. */
  ended(progress: Progress, rung: Rung, held: Try, attempt: Attempt, end: Pick<End, 'how' | 'error'>): void {
    const { request } = progress;
    const { worker, placing, beganMs } = held;
    const { target } = rung;
    const { clock, prices, outputs, gpuTimes } = this.#accounting;
    const time = this.#time(held, attempt, end);
    const gpuMs = time?.gpuMs ?? null;
    // A caller who left pays for what it had by then, which targets do not tell.
    const left = end.how === 'client_gone';
    const usage = left ? this.#left(progress, held, attempt) : attempt.usage;
    const rate = prices.rate(target, placing.model, worker.gpu);
    const items = usage === null ? 0 : billedItems(target, request.call.items, attempt.searchUnits);
    const cost = rate.cost(usage, items, gpuMs, attempt.bytes);
    this.cost += cost;
    this.attempts.push({
      target: target.name,
      kind: target.kind,
      worker: worker.id,
      model: placing.model,
      outcome: outcomeOf(end.error, end.how),
      code: end.error?.code ?? null,
      beganMs: beganMs - request.receivedMs,
      durationMs: clock.nowMs() - beganMs,
      firstContentMs: attempt.firstContentMs,
      usage,
      estimated: left,
      gpuMs,
      gpuSource: time?.source ?? null,
      cost,
    });
    if (end.how === 'failed') return;
    this.charge += rate.charge(usage, items, gpuMs);
    this.usage = addedUsage(this.usage, usage);
    this.estimated ||= left;
    // Only who has a budget is asked how long replies get.
    if (left || progress.tenant.limits.spend === null) return;
    if (usage !== null)
      outputs.learn(request.caller.tenant, progress.asked, usage.outputTokens / (request.call.choices ?? 1));
    if (gpuMs !== null) gpuTimes.learn('', target.name, gpuMs);
  }

  #left({ request }: Progress, { worker, placing }: Try, attempt: Attempt): Usage {
    const { inputTokens, maxOutputTokens: each, choices = 1 } = request.call;
    const { contentEvents, bytes, usage } = attempt;
    const uncachedTokens = placing.uncachedAt(worker);
    const maxOutputTokens = each === null ? null : each * choices;
    return estimatedUsage({ inputTokens, uncachedTokens, contentEvents, bytes, maxOutputTokens }, usage);
  }

  /** Null: a target answered and did not say. */
  #usedTokens({ how }: End): number | null {
    if (this.usage !== null) return this.usage.uncachedTokens + this.usage.outputTokens;
    return how === 'failed' || this.attempts.length === 0 ? 0 : null;
  }

  /** What was answered so far is of no use to the caller: parts of a list that will not be whole. It stays the operator's cost. */
  forfeit(): void {
    this.charge = 0;
    this.usage = null;
    this.estimated = false;
  }

  /** The call is over: limits are corrected to the truth, money is spent, and its record is kept where any target was asked. */
  close(progress: Progress, said: Disclosure | null, end: End, totalMs: number): void {
    if (end.how === 'failed') this.forfeit();
    this.#admitted?.settle(this.#usedTokens(end));
    this.#hold?.close(this.charge);
    // What was refused before anything was tried owes nothing, and a flood of it must not fill a disk: metrics and log tell it.
    if (this.attempts.length === 0) return;
    this.#accounting.ledger.add(callRecord(this, progress, said, end, totalMs, this.#accounting.clock));
  }
}

/** The longest that a call may wait for what its tenant's other calls hold. */
function longestWaitMs({ request, rules, deadlineMs, queueMs }: Progress, nowMs: number): number {
  const { maxWaitMs } = request.wants;
  const longestMs = Math.min(rules.queue.waitMs, deadlineMs - nowMs);
  return Math.max(0, maxWaitMs === null ? longestMs : Math.min(longestMs, maxWaitMs - queueMs));
}

function descending(thrown: unknown): RouterError {
  if (thrown instanceof RouterError && thrown.descends) return thrown;
  throw thrown;
}
