// What the rest of the router may know of a worker. For flow, scheduling, upstream, router and the admin pages.
import type { RouterError } from './errors.ts';
import type { AttemptOutcome } from './gate.ts';

export const WORKER_STATES = [
  'cold',
  'starting',
  'warm',
  'busy',
  'throttled',
  'draining',
  'unhealthy',
  'unknown',
] as const;
export type WorkerState = (typeof WORKER_STATES)[number];

/** One endpoint of a pool. Read-only outside its owner: the gate owns `inFlight`, the fleet all else. */
export interface WorkerView {
  /** Unique in the process: `pool/n`. */
  readonly id: string;
  readonly state: WorkerState;
  /** Scheme, host and port; empty while a platform has not said where it is. */
  readonly origin: string;
  /** Path before the dialect's own, without a trailing slash. */
  readonly basePath: string;
  /** The base path names the API's version already: the `/v1` before the dialect's own path is left out. */
  readonly versioned: boolean;
  /** Flat header list sent with every call: credentials, in the worker's own form. */
  readonly headers: readonly string[];
  /** Lower-case names of reply headers that are passed on. */
  readonly replyHeaders: readonly string[];
  /** Calls in flight the worker may hold. */
  readonly limit: number;
  readonly inFlight: number;
  /**
   * May be tried now with a call for this model: it is up as far as is known, its breaker admits a call, and neither it
   * nor the account behind it has asked to be left alone.
   */
  admits(nowMs: number, model: string): boolean;
}

/** A worker as its gate sees it: the gate alone moves `inFlight`. */
export interface SlotWorker extends WorkerView {
  inFlight: number;
}

/** What attempts tell of a worker. Shared by all calls, so only the worker's own failures may move it. */
export interface WorkerHealth {
  /** An attempt begins; half-open breakers count it as their probe. The answer is handed back with its end. */
  begin(): number;
  /** An attempt for this model ended; `error` says how where it failed. */
  record(outcome: AttemptOutcome, error: RouterError | null, begun: number, model: string): void;
}

/** Where a worker comes from: an address, or a platform that brings it up. */
export interface WorkerSource {
  /**
   * Begins to bring the worker up; calls back with its base URL each time it is there, and with null when it is gone.
   * Idempotent.
   */
  start(at: (url: string | null) => void): void;
  stop(): Promise<void>;
  /** Expected time to ready, ms: a prior until one is learned. */
  readonly expectedReadyMs: number;
}

/** How an engine is asked for its state; one per engine kind. */
export interface WorkerEngine {
  /** The path of a cheap health question, null when the engine has none: then only calls tell. */
  readonly healthPath: string | null;
  /** What an answer of that path says. */
  stateOf(status: number): WorkerState;
}
