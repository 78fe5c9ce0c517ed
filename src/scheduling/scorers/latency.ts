// Costs how long a worker takes to answer even a call with nothing to read. For profiles.
import { z } from 'zod';
import type { Plugin } from '../../core/plugin.ts';
import type { WorkerScorer } from '../../core/schedule.ts';

export const latency: Plugin<Record<string, never>, undefined, WorkerScorer> = {
  name: 'latency',
  options: z.strictObject({}),
  create: () => ({ costMs: (worker) => worker.expectedFirstContentMs(0) }),
};
