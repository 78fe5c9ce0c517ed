// Chooses the candidate whose last turn is longest ago, whatever it costs: what other ways are measured against. For profiles.
import { z } from 'zod';
import type { Plugin } from '../../core/plugin.ts';
import type { WorkerPicker } from '../../core/schedule.ts';
import type { SlotWorker } from '../../core/worker.ts';

export const roundRobin: Plugin<Record<string, never>, undefined, WorkerPicker> = {
  name: 'round-robin',
  options: z.strictObject({}),
  create() {
    // By worker and not by place: candidates come in no fixed order, and not always all of them.
    const turns = new WeakMap<SlotWorker, number>();
    let turn = 0;
    return {
      weighs: false,
      choose(candidates, _costs, count) {
        let best = 0;
        let oldest = Number.POSITIVE_INFINITY;
        for (let at = 0; at < count; at++) {
          const last = turns.get(candidates[at]!) ?? 0;
          if (last >= oldest) continue;
          best = at;
          oldest = last;
        }
        turns.set(candidates[best]!, ++turn);
        return best;
      },
    };
  },
};
