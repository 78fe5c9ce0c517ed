// How fast a worker reads a prompt, also while that is not known of it. For scorers and scheduling.
import { z } from 'zod';
import type { WorkerView } from '../../core/worker.ts';

/** Prompt tokens a ms that a worker of unknown speed is taken to read: a mid-size model on one GPU. */
export const PRIOR_TOKENS_PER_MS = 8;

export const tokensPerMs = z.number().positive().prefault(PRIOR_TOKENS_PER_MS);

/** First content of a call with so many uncached tokens, if it came now. Unknown must not look like instant. */
export function firstContentMs(worker: WorkerView, uncachedTokens: number, priorTokensPerMs: number): number {
  const ms = worker.expectedFirstContentMs(uncachedTokens);
  return ms > 0 ? ms : (worker.backlogTokens + uncachedTokens) / priorTokensPerMs;
}

/** What `more` uncached tokens instead of `fewer` put off first content there. */
export function readingMs(worker: WorkerView, more: number, fewer: number, priorTokensPerMs: number): number {
  if (more <= fewer) return 0;
  return firstContentMs(worker, more, priorTokensPerMs) - firstContentMs(worker, fewer, priorTokensPerMs);
}
