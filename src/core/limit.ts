// A number of calls in flight that is learned: what it learns from, and its plug-in. For flow/limits, fleet and policy.
import type { Plugin } from './plugin.ts';
import type { Clock } from './runtime.ts';

/** What one attempt tells a limit. */
export interface LimitSample {
  /**
   * From sending to first content, ms, for what a limit learns from; for buffered replies of even length (embed, rerank) the
   * whole time. Null: it was not seen or says more of the reply's length than of load.
   */
  readonly firstContentMs: number | null;
  /** Prompt tokens read for it, so that a long prompt is not taken for a slow worker. */
  readonly uncachedTokens: number;
  /** Calls in flight when it began, itself included. */
  readonly inFlight: number;
  /** The worker said that it is full, or did not answer in time. */
  readonly dropped: boolean;
}

/** Learns how many calls a worker or provider takes at once. The gate enforces it, floored. */
export interface Limit {
  /** Calls in flight; fractions allowed, at least 1. */
  readonly value: number;
  /** What it may hold for a moment, rather than that somebody has waited in vain; absent: no more than `value`. */
  readonly reach?: number;
  sample(sample: LimitSample): void;
}

export interface LimitDeps {
  readonly clock: Clock;
}

/** `options` must accept `{}`. */
export type LimitPlugin = Plugin<never, LimitDeps, Limit>;

/** As a policy names one: the plug-in and what its schema made of the options. */
export interface LimitSpec {
  readonly kind: string;
  readonly options: unknown;
}
