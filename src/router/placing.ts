// One call at one rung, as the gate's line and the scheduler see it. For router/rung.
import type { ParsedCall } from '../core/dialect.ts';
import type { GateCall, Hold } from '../core/gate.ts';
import type { Priority, RouteClass } from '../core/names.ts';
import type { AffinityLease } from '../core/runs.ts';
import type { ScheduleCall } from '../core/schedule.ts';
import type { CallSignal } from '../core/signal.ts';
import type { WorkerView } from '../core/worker.ts';
import { sharedShare } from '../wire/marks.ts';
import type { Progress } from './progress.ts';

/** A cached prompt is taken to be there whole for so long after its last use, and to be gone after so long, ms. */
const SURE_MS = 60_000;
const GONE_MS = 3_600_000;

/** Both views in one object, since one is made for every try. */
export class Placing implements GateCall, ScheduleCall {
  readonly signal: CallSignal;
  readonly class: RouteClass;
  readonly priority: Priority;
  readonly tenant: string;
  readonly weight: number;
  readonly continues: boolean;
  readonly runArrivedMs: number;
  readonly bytes: number;
  readonly outputTokens: number;
  readonly streams: boolean;
  readonly inputTokens: number;
  readonly contextTokens: number;
  readonly zones: ReadonlySet<string> | null;
  readonly prefix: number;
  readonly model: string;
  readonly lease: AffinityLease | null;
  readonly tried: ReadonlySet<string> | null;
  readonly again: boolean;
  readonly maxWaitMs: number;
  hold: Hold | null = null;
  overdue = false;
  readonly #sinceMs: number;
  /** Prompt tokens that need not be read anew at the lease's worker. */
  readonly #reusable: number;

  constructor(
    progress: Progress,
    model: string,
    lease: AffinityLease | null,
    again: boolean,
    maxWaitMs: number,
    nowMs: number,
  ) {
    const { request } = progress;
    this.signal = request.signal;
    this.class = progress.rules.class;
    this.priority = progress.priority;
    this.tenant = request.caller.tenant;
    this.weight = progress.tenant.weight;
    this.continues = request.call.answersTool;
    this.runArrivedMs = progress.run?.arrivedMs ?? request.receivedMs;
    this.bytes = progress.bytes;
    this.outputTokens = progress.outputTokens;
    this.streams = request.call.stream;
    this.inputTokens = request.call.inputTokens;
    this.contextTokens = request.call.inputTokens / request.call.items;
    this.zones = progress.tenant.zones;
    this.prefix = progress.prefix;
    this.model = model;
    this.lease = lease;
    this.tried = progress.tried;
    this.again = again;
    this.maxWaitMs = maxWaitMs;
    this.#sinceMs = nowMs;
    this.#reusable = lease === null ? 0 : reusable(lease, request.call, nowMs);
  }

  waitedMs(nowMs: number): number {
    return nowMs - this.#sinceMs;
  }

  uncachedAt(worker: WorkerView | null): number {
    if (this.lease === null || (worker !== null && worker.id !== this.lease.workerId)) return this.inputTokens;
    return this.inputTokens - this.#reusable;
  }
}

/** Prompt tokens that are to be read anew at a target, where its run was served last. */
export function freshTokens({ run, request }: Progress, target: string | null, nowMs: number): number {
  const { inputTokens } = request.call;
  const lease = target === null ? null : (run?.lease(target, nowMs) ?? null);
  return lease === null ? inputTokens : inputTokens - reusable(lease, request.call, nowMs);
}

/**
 * The longer a prompt lies unused, the likelier its place in the worker's cache went to another. What was changed in the midst of it,
 * as agents do that make room for more, is gone with all that stands behind it.
 */
function reusable({ tokens, usedMs, marks }: AffinityLease, call: ParsedCall, nowMs: number): number {
  const ageMs = nowMs - usedMs;
  const aged = ageMs <= SURE_MS ? 1 : Math.max(0, 1 - (ageMs - SURE_MS) / (GONE_MS - SURE_MS));
  const now = marks === null ? null : (call.marks?.() ?? null);
  const kept = marks === null || now === null ? 1 : sharedShare(marks, now);
  return Math.min(tokens * kept, call.inputTokens) * aged;
}
