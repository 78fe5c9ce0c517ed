// When a call waits for a slot of another worker rather than take one that is far slower, and for how long. For scheduling/scheduler.
import type { ScheduleCall } from '../core/schedule.ts';
import type { SlotWorker } from '../core/worker.ts';

/**
 * Workers of one pool differ by so much and are all of use: another generation of GPU, a full batch beside an empty one.
 * Beyond it a worker is taken for sick.
 */
const FAR = 3;
/** Half of what is held against a worker that has no call is forgotten in this time, ms: so it is tried again. */
const HALF_LIFE_MS = 30_000;

/** The least that a call takes at any of the first `count` workers, ms; 0 while nothing is known. To first content, and as a whole. */
export interface Best {
  firstMs: number;
  wholeMs: number;
}

export function seeBest(best: Best, workers: readonly SlotWorker[], count: number, call: ScheduleCall): void {
  for (let at = 0; at < count; at++) {
    const worker = workers[at]!;
    const firstMs = worker.usualFirstContentMs(call.inputTokens);
    if (firstMs > 0 && (best.firstMs === 0 || firstMs < best.firstMs)) best.firstMs = firstMs;
    const wholeMs = worker.usualWholeMs(call.inputTokens, call.outputTokens);
    if (wholeMs > 0 && (best.wholeMs === 0 || wholeMs < best.wholeMs)) best.wholeMs = wholeMs;
  }
}

/**
 * How long the call should rather wait for the best, ms: as much as that one is faster. 0: this worker will do, since it is
 * no sick one, or is due to be tried again, by one call at a time.
 */
export function lagMs(worker: SlotWorker, best: Best, call: ScheduleCall, nowMs: number): number {
  const tokens = call.uncachedAt(worker);
  const ofFirst = farMs(worker, worker.usualFirstContentMs(tokens), best.firstMs, nowMs);
  // Replies that tell of the whole may all have been to short prompts: a long one that lies here has to be read elsewhere first.
  const anewMs = tokens < call.inputTokens && best.wholeMs > 0 ? best.firstMs : 0;
  const ofWhole = farMs(worker, worker.usualWholeMs(tokens, call.outputTokens), best.wholeMs + anewMs, nowMs);
  return ofFirst > 0 && ofWhole > 0 ? Math.min(ofFirst, ofWhole) : Math.max(ofFirst, ofWhole);
}

function farMs(worker: SlotWorker, ms: number, bestMs: number, nowMs: number): number {
  if (ms <= FAR * bestMs || bestMs === 0) return 0;
  if (worker.inFlight > 0) return ms - bestMs;
  const against = (ms / bestMs - 1) * 2 ** ((worker.idleSinceMs - nowMs) / HALF_LIFE_MS);
  return 1 + against > FAR ? ms - bestMs : 0;
}

/** Puts the workers that the call passes over behind the others; answers with how many others there are. */
export function passedLast(
  workers: SlotWorker[],
  count: number,
  best: Best,
  call: ScheduleCall,
  nowMs: number,
): number {
  let waitedMs = -1;
  let others = count;
  for (let at = count - 1; at >= 0; at--) {
    const worker = workers[at]!;
    const ms = lagMs(worker, best, call, nowMs);
    if (ms === 0) continue;
    if (waitedMs < 0) waitedMs = call.waitedMs(nowMs);
    if (waitedMs >= ms) continue;
    workers[at] = workers[--others]!;
    workers[others] = worker;
  }
  return others;
}
