// Costs when a worker's first content would come: what waits there to be read, and what it would have to read anew. For profiles.
import { z } from 'zod';
import type { Plugin } from '../../core/plugin.ts';
import type { WorkerScorer } from '../../core/schedule.ts';
import { firstContentMs, tokensPerMs } from './speed.ts';

export const firstContent: Plugin<{ readonly tokensPerMs: number }, undefined, WorkerScorer> = {
  name: 'first-content',
  options: z.strictObject({ tokensPerMs }),
  create: (options) => ({
    costMs: (worker, call) => firstContentMs(worker, call.uncachedAt(worker), options.tokensPerMs),
  }),
};
