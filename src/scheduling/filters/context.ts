// Whether a prompt fits a worker's context at all. For profiles.
import { z } from 'zod';
import type { Plugin } from '../../core/plugin.ts';
import type { WorkerFilter } from '../../core/schedule.ts';

/** `sureShare`: a prompt's tokens are an estimate, so a worker is ruled out only when even this share of them is too long. */
export const context: Plugin<{ readonly sureShare: number }, undefined, WorkerFilter> = {
  name: 'context',
  options: z.strictObject({ sureShare: z.number().min(0).max(1).prefault(0.6) }),
  create: ({ sureShare }) => ({
    admits: (worker, call) => worker.contextTokens === null || worker.contextTokens >= sureShare * call.contextTokens,
  }),
};
