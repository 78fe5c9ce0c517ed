// How many calls a second a worker can take, computed from its constants and not from a run: what "load 1.0" means. For replay.
import type { WorkerProfile } from './profiles.ts';

/** A mean call. */
export interface MeanCall {
  /** Prompt tokens to read where everything that can be reused is. */
  readonly uncachedTokens: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** With as many calls at once as its memory, its own bound and `concurrency` allow, and no time lost. */
export function callsPerSecond(profile: WorkerProfile, call: MeanCall, concurrency: number): number {
  if (profile.kind === 'slots') return (Math.min(profile.slots, concurrency) / profile.serviceMs) * 1_000;
  const { kvHolds, kvTokens, stepMs, stepMsPerRunning, maxRunning, prefillTokensPerSecond, chunkTokens } = profile;
  const inMemory = kvHolds ? Math.max(1, Math.floor(kvTokens / (call.inputTokens + call.outputTokens))) : maxRunning;
  const batch = Math.min(maxRunning, concurrency, inMemory);
  const readMs = (call.uncachedTokens / prefillTokensPerSecond) * 1_000;
  const makeMs = call.outputTokens * (stepMs / batch + stepMsPerRunning);
  // One loop does both, or each has its own.
  return 1_000 / (chunkTokens === null ? Math.max(readMs, makeMs) : readMs + makeMs);
}
