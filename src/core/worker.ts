// What the rest of the router may know of a worker. For flow, scheduling, upstream, router and the admin pages.
import type { RouterError } from './errors.ts';
import type { AttemptOutcome } from './gate.ts';
import type { HeaderView } from './transport.ts';

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
  /** Calls in flight the worker may hold: its learned limit, floored; 0 while it cannot take any (cold, starting, unhealthy). */
  readonly limit: number;
  /** Calls in flight that it may hold for a moment where its limit is learned, rather than that one has waited in vain. */
  readonly reach: number;
  readonly inFlight: number;
  /** Prompt tokens of calls in flight that the worker still has to read, by estimate. */
  readonly backlogTokens: number;
  readonly zone: string | null;
  /** Longest context, tokens; null = not declared. */
  readonly contextTokens: number | null;
  /** First content of a call with so many uncached prompt tokens, if it came now, ms; 0 while nothing is known. */
  expectedFirstContentMs(uncachedTokens: number): number;
  /** The same by its replies of late, were it the only call there, ms; 0 while nothing is known. */
  usualFirstContentMs(uncachedTokens: number): number;
  /** All of a reply that comes in one piece, by the last ones of that kind, ms; 0 while nothing is known. */
  usualWholeMs(uncachedTokens: number, outputTokens: number): number;
  /** Prompt tokens read and twice the tokens made in the last minutes, fading; of calls in flight what they are expected to read. */
  recentWork(nowMs: number): number;
  /** Since when it has had no call, monotonic ms; of no meaning while it has one. */
  readonly idleSinceMs: number;
  /** How full its engine says it is, 1 = full; null = it does not say, or not lately. */
  readonly engineLoad: number | null;
  /**
   * May be tried now with a call for this model: it is up as far as is known, its breaker admits a call, and neither it
   * nor the account behind it has asked to be left alone.
   */
  admits(nowMs: number, model: string): boolean;
}

/** A worker as its gate sees it: the gate alone moves `inFlight`, `backlogTokens` and `heldTokens`, its pool's index `seat`. */
export interface SlotWorker extends WorkerView {
  inFlight: number;
  backlogTokens: number;
  /** Tokens of prompts, cached or not, and expected replies of calls in flight: what its memory has to hold for them. */
  heldTokens: number;
  /** Its place in the index; of no meaning to others. */
  seat: number;
}

/** What an attempt tells of its worker when its reply begins, where that says how fast the worker is. */
export interface BeginReport {
  /** From sending to first content, ms. */
  readonly firstContentMs: number;
  /** Of its whole prompt: how much of it was cached turns out when the reply ends. */
  readonly inputTokens: number;
  /** Prompt tokens ahead of it and calls in flight when it was sent, the latter with itself. */
  readonly aheadTokens: number;
  readonly inFlight: number;
}

/** What an attempt tells of its worker when it is over. */
export interface AttemptReport {
  readonly outcome: AttemptOutcome;
  /** How it failed, where it did. */
  readonly error: RouterError | null;
  /** What `begin` answered. */
  readonly begun: number;
  /** The name by which the worker knows the model. */
  readonly model: string;
  /** From sending to first content, ms, where that tells of the worker's speed; null where it does not. */
  readonly firstContentMs: number | null;
  /** When that came, monotonic ms, where the worker was told so then; null: it was not. */
  readonly beganMs: number | null;
  /** From sending to all of a reply that comes in one piece, or for how long it did not come, ms; null: it comes in pieces. */
  readonly wholeMs: number | null;
  /** Tokens that it made, or was expected to make. */
  readonly outputTokens: number;
  /** Prompt tokens read for it, in the router's own measure of prompts. */
  readonly uncachedTokens: number;
  /** Prompt tokens that it was expected to read for it. */
  readonly expectedTokens: number;
  /** Calls in flight and prompt tokens ahead of it when it began, itself included. */
  readonly inFlight: number;
  readonly backlogTokens: number;
}

/** What attempts tell of a worker. Shared by all calls, so only the worker's own failures may move it. */
export interface WorkerHealth {
  /** An attempt begins; half-open breakers count it as their probe. The answer is handed back with its end. */
  begin(): number;
  /** A reply has begun. */
  began(report: BeginReport): void;
  /** An attempt ended. */
  record(report: AttemptReport): void;
  /** The head of a reply came, whatever its status: a managed API's says how much of its account's limits is left. */
  replied(model: string, headers: HeaderView): void;
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

/** An engine's memory for running calls. */
export interface EngineMemory {
  /** Prompt and answer tokens that it can hold. */
  readonly tokens: number;
  readonly usedTokens: number;
  /** Calls are waiting inside, for this or for a turn. */
  readonly waits: boolean;
}

/** How an engine is asked for its state; one per engine kind. */
export interface WorkerEngine {
  /** The path of a cheap health question, null when the engine has none: then only calls tell. */
  readonly healthPath: string | null;
  /** What an answer of that path says. */
  stateOf(status: number): WorkerState;
  /** The path that tells how full it is; null when it has none. */
  readonly loadPath: string | null;
  /** How full that page says it is, 1 = full; null when it does not say. */
  loadOf(page: string): number | null;
  /** What that page says of its memory; null when it does not say. */
  memoryOf(page: string): EngineMemory | null;
}
