// Costs the prompt tokens that a worker has yet to read. For profiles.
import { z } from 'zod';
import type { Plugin } from '../../core/plugin.ts';
import type { WorkerScorer } from '../../core/schedule.ts';
import { tokensPerMs } from './speed.ts';

export const load: Plugin<{ readonly tokensPerMs: number }, undefined, WorkerScorer> = {
  name: 'load',
  options: z.strictObject({ tokensPerMs }),
  create: (options) => ({ costMs: (worker) => worker.backlogTokens / options.tokensPerMs }),
};
