// Cost the prompt that another worker holds: of the call's own run, or of runs that begin alike. For profiles.
import { z } from 'zod';
import type { Plugin } from '../../core/plugin.ts';
import type { WorkerScorer } from '../../core/schedule.ts';
import { readingMs, tokensPerMs } from './speed.ts';

export const runAffinity: Plugin<{ readonly tokensPerMs: number }, undefined, WorkerScorer> = {
  name: 'run-affinity',
  options: z.strictObject({ tokensPerMs }),
  create: (options) => ({
    costMs: (worker, call) => readingMs(worker, call.uncachedAt(worker), call.uncachedAt(null), options.tokensPerMs),
  }),
};

/** `sharedTokens`: how much runs that begin alike are taken to share, a system prompt and its tools. */
export const prefixAffinity: Plugin<
  { readonly sharedTokens: number; readonly tokensPerMs: number },
  undefined,
  WorkerScorer
> = {
  name: 'prefix-affinity',
  options: z.strictObject({ sharedTokens: z.number().min(0).prefault(4_000), tokensPerMs }),
  create: (options) => ({
    costMs(worker, call, _nowMs, home) {
      if (home === null || worker === home) return 0;
      const uncached = call.uncachedAt(worker);
      return readingMs(worker, uncached, Math.max(0, uncached - options.sharedTokens), options.tokensPerMs);
    },
  }),
};
