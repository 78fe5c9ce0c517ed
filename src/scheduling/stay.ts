// When a call stays with the worker that holds its prompt, or waits for it, and when it moves on. For scheduling/scheduler.
import type { Hold } from '../core/gate.ts';
import type { ScheduleCall } from '../core/schedule.ts';
import type { SlotWorker } from '../core/worker.ts';
import { firstContentMs, PRIOR_TOKENS_PER_MS } from './scorers/speed.ts';

/**
 * So much more must staying cost than moving. What is read anew also holds up those whose prompts lie at the other worker, and what a
 * run gains by a move it loses when it is moved again.
 */
const CLEARLY = 2;
/** Enough to see a worker's speed in its estimates. */
const PROBE_TOKENS = 1_000;

/** Whether a worker holds at least this share of the call's prompt. */
export function holdsPrompt(worker: SlotWorker, call: ScheduleCall, share: number): boolean {
  const held = call.inputTokens - call.uncachedAt(worker);
  return held > 0 && held >= share * call.inputTokens;
}

/**
 * How much later than elsewhere first content may come before the call leaves the holder of its prompt: twice what reading
 * the lost part anew takes there, `breakAfterMs` at most, and as much again for those in line, who would have to wait for that
 * reading. Negative: it has left already.
 */
export function leewayMs(
  holder: SlotWorker,
  other: SlotWorker,
  call: ScheduleCall,
  breakAfterMs: number,
  crowd: number,
): number {
  const fresh = call.uncachedAt(holder);
  const anew = Math.max(fresh, call.uncachedAt(other));
  let laterMs: number;
  let lostMs: number;
  const thereMs = other.expectedFirstContentMs(anew);
  if (thereMs > 0) {
    laterMs = estimateMs(holder, fresh) - thereMs;
    lostMs = thereMs - estimateMs(other, fresh);
  } else {
    // A worker that has not shown its speed is taken to be as fast as the holder: then tokens alone make the difference.
    const msPerToken = (estimateMs(holder, fresh + PROBE_TOKENS) - estimateMs(holder, fresh)) / PROBE_TOKENS;
    lostMs = msPerToken * (anew - fresh);
    laterMs = msPerToken * (holder.backlogTokens - other.backlogTokens) - lostMs;
  }
  // Estimates of a busy worker move on with the clock, also from one line here to the next.
  const worthMs = crowd * Math.min(breakAfterMs, CLEARLY * Math.max(0, lostMs));
  return laterMs > worthMs ? -1 : worthMs;
}

/**
 * What a prompt read anew costs all, over what it costs its own call: while calls stand in line, each worker's share of them
 * waits for it. A pool that is full would else re-read its prompts ever more often, for each move makes it fuller.
 */
export function crowding(waiting: number, workers: number): number {
  return 1 + waiting / Math.max(1, workers);
}

/** What holds a call for its own worker, which is full, rather than send it to another; null: it is not worth the wait. */
export function holdOf(
  own: SlotWorker,
  other: SlotWorker,
  call: ScheduleCall,
  breakAfterMs: number,
  crowd: number,
  nowMs: number,
): Hold | null {
  const waitedMs = call.waitedMs(nowMs);
  const worthMs = leewayMs(own, other, call, breakAfterMs, crowd);
  return waitedMs >= worthMs ? null : { worker: own, other, untilMs: nowMs - waitedMs + worthMs };
}

function estimateMs(worker: SlotWorker, uncachedTokens: number): number {
  return firstContentMs(worker, uncachedTokens, PRIOR_TOKENS_PER_MS);
}
