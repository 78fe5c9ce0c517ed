// Costs the calls that a worker holds, relative to what it may hold. For profiles.
import { z } from 'zod';
import type { Plugin } from '../../core/plugin.ts';
import type { WorkerScorer } from '../../core/schedule.ts';

/** `fullMs`: what a full worker costs. Few calls cost little, so that among equals the emptier one serves. */
export const queue: Plugin<{ readonly fullMs: number }, undefined, WorkerScorer> = {
  name: 'queue',
  options: z.strictObject({ fullMs: z.number().positive().prefault(1_000) }),
  create: ({ fullMs }) => ({
    costMs: (worker) => (worker.limit > 0 ? (worker.inFlight / worker.limit) * fullMs : fullMs),
  }),
};
