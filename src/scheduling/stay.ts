// When a call stays with the worker that holds its prompt, or waits for it, and when it moves on. For scheduling/scheduler.
import type { Hold } from '../core/gate.ts';
import type { ScheduleCall } from '../core/schedule.ts';
import type { SlotWorker } from '../core/worker.ts';
import { firstContentMs, PRIOR_TOKENS_PER_MS } from './scorers/speed.ts';

/** For so long after a reply that called a tool, its agent's return is sure enough to wait: four of five are back by then. */
const SURE_RETURN_MS = 30_000;
/** Enough to see a worker's speed in its estimates. */
const PROBE_TOKENS = 1_000;

/** Whether a worker holds at least this share of the call's prompt. */
export function holdsPrompt(worker: SlotWorker, call: ScheduleCall, share: number): boolean {
  const held = call.inputTokens - call.uncachedAt(worker);
  return held > 0 && held >= share * call.inputTokens;
}

/**
 * How much later than elsewhere first content may come before the call leaves the holder of its prompt: what reading the
 * lost part anew takes there, and `breakAfterMs` at most. Negative: it has left already.
 */
export function leewayMs(holder: SlotWorker, other: SlotWorker, call: ScheduleCall, breakAfterMs: number): number {
  const fresh = call.uncachedAt(holder);
  const anew = Math.max(fresh, call.uncachedAt(other));
  let laterMs: number;
  let lostMs: number;
  if (other.expectedFirstContentMs(anew) > 0) {
    const thereMs = estimateMs(other, anew);
    laterMs = estimateMs(holder, fresh) - thereMs;
    lostMs = thereMs - estimateMs(other, fresh);
  } else {
    // A worker that has not shown its speed is taken to be as fast as the holder: then tokens alone make the difference.
    const msPerToken = (estimateMs(holder, fresh + PROBE_TOKENS) - estimateMs(holder, fresh)) / PROBE_TOKENS;
    lostMs = msPerToken * (anew - fresh);
    laterMs = msPerToken * (holder.backlogTokens - other.backlogTokens) - lostMs;
  }
  const worthMs = Math.min(breakAfterMs, lostMs);
  return laterMs > worthMs ? -1 : worthMs;
}

/** Whether a call may wait for the worker that served its run last at all; how long says `leewayMs`. */
export function mayWait({ lease }: ScheduleCall, nowMs: number): boolean {
  return lease?.inTool === true && nowMs - lease.usedMs <= SURE_RETURN_MS;
}

/** What holds a call for a worker that it may wait for, rather than send it to another; null: it is not worth the wait. */
export function holdOf(
  own: SlotWorker,
  other: SlotWorker,
  call: ScheduleCall,
  breakAfterMs: number,
  nowMs: number,
): Hold | null {
  const waitedMs = call.waitedMs(nowMs);
  const worthMs = leewayMs(own, other, call, breakAfterMs);
  if (waitedMs >= worthMs) return null;
  return { worker: own, other, untilMs: Math.min(nowMs - waitedMs + worthMs, call.lease!.usedMs + SURE_RETURN_MS) };
}

function estimateMs(worker: SlotWorker, uncachedTokens: number): number {
  return firstContentMs(worker, uncachedTokens, PRIOR_TOKENS_PER_MS);
}
