// Chooses the cheaper of two candidates taken by lot: a good choice where costs are stale or shared. For profiles.
import { z } from 'zod';
import type { Plugin } from '../../core/plugin.ts';
import type { WorkerPicker } from '../../core/schedule.ts';

export const p2c: Plugin<Record<string, never>, undefined, WorkerPicker> = {
  name: 'p2c',
  options: z.strictObject({}),
  create: () => ({
    weighs: true,
    choose(_candidates, costs, count, random) {
      const one = Math.floor(random() * count);
      if (count === 1) return one;
      const step = 1 + Math.floor(random() * (count - 1));
      const other = (one + step) % count;
      return costs[other]! < costs[one]! ? other : one;
    },
  }),
};
