// Chooses the candidate of the lowest cost. For profiles.
import { z } from 'zod';
import type { Plugin } from '../../core/plugin.ts';
import type { WorkerPicker } from '../../core/schedule.ts';

/** Ties go by lot, so that equal workers share. */
export const least: Plugin<Record<string, never>, undefined, WorkerPicker> = {
  name: 'least',
  options: z.strictObject({}),
  create: () => ({
    weighs: true,
    choose(_candidates, costs, count, random) {
      let best = 0;
      let ties = 1;
      for (let at = 1; at < count; at++) {
        if (costs[at]! < costs[best]!) {
          best = at;
          ties = 1;
        } else if (costs[at] === costs[best] && random() * ++ties < 1) best = at;
      }
      return best;
    },
  }),
};
