// Costs what a worker has done of late, so that new runs go where least was done and bring their next calls there. For profiles.
import { z } from 'zod';
import type { Plugin } from '../../core/plugin.ts';
import type { WorkerScorer } from '../../core/schedule.ts';
import { tokensPerMs } from './speed.ts';

/** By one speed for all: it is for pools whose workers are alike. */
export const recentWork: Plugin<{ readonly tokensPerMs: number }, undefined, WorkerScorer> = {
  name: 'recent-work',
  options: z.strictObject({ tokensPerMs }),
  create: (options) => ({ costMs: (worker, _call, nowMs) => worker.recentWork(nowMs) / options.tokensPerMs }),
};
