// Which worker of a pool gets a call: the least loaded one that admits it. For router/dispatch, as the gate's pick.
import type { Random } from '../core/runtime.ts';
import type { SlotWorker } from '../core/worker.ts';

/**
 * `model` is the name that the workers know. Least in flight relative to its limit; ties go by lot, so that equal workers share. Workers in `tried` come last:
 * they are chosen only when `again` says that a second try in place is allowed and no other admits the call.
 */
export function pickWorker(
  workers: readonly SlotWorker[],
  model: string,
  tried: ReadonlySet<string> | null,
  again: boolean,
  nowMs: number,
  random: Random,
): SlotWorker | 'full' | 'none' {
  let best: SlotWorker | null = null;
  let bestLoad = 0;
  let ties = 0;
  let full = false;
  let second: SlotWorker | null = null;
  for (const worker of workers) {
    if (!worker.admits(nowMs, model)) continue;
    const seen = tried?.has(worker.id) === true;
    if (seen && !again) continue;
    if (worker.inFlight >= worker.limit) {
      full = true;
      continue;
    }
    if (seen) {
      second = worker;
      continue;
    }
    const load = worker.inFlight / worker.limit;
    if (best === null || load < bestLoad) {
      best = worker;
      bestLoad = load;
      ties = 1;
    } else if (load === bestLoad && random() * ++ties < 1) best = worker;
  }
  if (best !== null) return best;
  if (full) return 'full';
  return second ?? 'none';
}
