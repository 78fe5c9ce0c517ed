// Whether a call may go where a worker stands. For profiles.
import { z } from 'zod';
import type { Plugin } from '../../core/plugin.ts';
import type { WorkerFilter } from '../../core/schedule.ts';

/** A worker that does not say where it stands gets no call that is bound to zones. */
export const zone: Plugin<Record<string, never>, undefined, WorkerFilter> = {
  name: 'zone',
  options: z.strictObject({}),
  create: () => ({
    admits: (worker, { zones }) => zones === null || (worker.zone !== null && zones.has(worker.zone)),
  }),
};
