// One endpoint of a pool: where it is, what state it is in, whether it may be tried. For fleet/pool and, as views, for all others.
import type { RouterError, RouterErrorDetail } from '../core/errors.ts';
import type { AttemptOutcome } from '../core/gate.ts';
import type { Clock } from '../core/runtime.ts';
import type { SlotWorker, WorkerHealth, WorkerState } from '../core/worker.ts';
import { Account } from './account.ts';

/** The circuit breaker of a worker, injected: fleet knows only this much of it. */
export interface WorkerBreaker {
  admits(nowMs: number): boolean;
  begin(): number;
  success(epoch: number): void;
  failure(epoch: number): void;
  ignored(epoch: number): void;
  readonly retryAtMs: number;
  state(nowMs: number): string;
}

/** Left alone this long after saying "full" without a hint, ms. */
const FULL_PAUSE_MS = 250;
/** Left alone this long after refusing the router's own credential or running out of money, ms. */
const KEY_PAUSE_MS = 60_000;
const ADMITTING: ReadonlySet<WorkerState> = new Set(['warm', 'busy', 'unknown']);

/** Moved by probes (`state`), attempts (breaker, pauses) and its gate (`inFlight`). */
export class PoolWorker implements SlotWorker, WorkerHealth {
  limit: number;
  state: WorkerState;
  origin = '';
  basePath = '';
  /** Monotonic ms; 0 = not paused. */
  pausedUntilMs = 0;
  pauseReason: 'saturated' | 'cold' | 'failing' = 'saturated';
  /** When it began to come up, and how long that is expected to take. */
  startedMs: number;
  expectedReadyMs: number;
  /** Probes in a row without an answer. */
  missedProbes = 0;
  readonly id: string;
  readonly headers: readonly string[];
  readonly replyHeaders: readonly string[];
  readonly versioned: boolean;
  /** Of a managed API; null for own workers. */
  readonly account: Account | null;
  /** A managed API's own lack of room, by model. */
  readonly #room = new Account();
  readonly breaker: WorkerBreaker;
  readonly #clock: Clock;
  #inFlight = 0;

  constructor(options: {
    id: string;
    headers: readonly string[];
    limit: number;
    state: WorkerState;
    breaker: WorkerBreaker;
    clock: Clock;
    expectedReadyMs: number;
    replyHeaders?: readonly string[];
    versioned?: boolean;
    account?: Account | null;
  }) {
    this.id = options.id;
    this.headers = options.headers;
    this.replyHeaders = options.replyHeaders ?? [];
    this.versioned = options.versioned ?? false;
    this.account = options.account ?? null;
    this.limit = options.limit;
    this.state = options.state;
    this.breaker = options.breaker;
    this.expectedReadyMs = options.expectedReadyMs;
    this.#clock = options.clock;
    this.startedMs = options.clock.nowMs();
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** A slot that is granted is a try begun: a line served in one go must not send more than one probe. */
  set inFlight(count: number) {
    if (count > this.#inFlight) this.breaker.begin();
    this.#inFlight = count;
  }

  admits(nowMs: number, model: string): boolean {
    return (
      this.origin !== '' &&
      ADMITTING.has(this.state) &&
      nowMs >= this.pausedUntilMs &&
      this.accountPause(model, nowMs) === null &&
      this.breaker.admits(nowMs)
    );
  }

  begin(): number {
    return this.breaker.begin();
  }

  record(outcome: AttemptOutcome, error: RouterError | null, begun: number, model: string): void {
    if (outcome === 'won') return this.breaker.success(begun);
    if (outcome !== 'failed' || error === null) return this.breaker.ignored(begun);
    switch (error.code) {
      // Full is not broken: no breaker moves, the worker is only left alone for as long as it asked.
      case 'worker_full':
        this.#full(error.detail, model);
        return this.breaker.ignored(begun);
      case 'model_warming':
        this.#pause(error.detail.coolDownMs ?? FULL_PAUSE_MS, 'cold');
        return this.breaker.ignored(begun);
      case 'upstream_refused_key':
        this.#pause(KEY_PAUSE_MS, 'failing');
        return this.breaker.ignored(begun);
      case 'upstream_unfunded':
        if (this.account === null) this.#pause(KEY_PAUSE_MS, 'failing');
        else this.account.pause(this.#clock.nowMs() + KEY_PAUSE_MS);
        return this.breaker.ignored(begun);
      default:
        this.breaker.failure(begun);
    }
  }

  /** What stands against a model at a managed API: a limit of its account, or no room at this one. Null for own workers. */
  accountPause(model: string, nowMs: number): ReturnType<Account['pausedUntil']> {
    if (this.account === null) return null;
    return this.account.pausedUntil(model, nowMs) ?? this.#room.pausedUntil(model, nowMs);
  }

  /** An own worker is full as such, a managed API for one model: here, or wherever the account is used. */
  #full({ coolDownMs = FULL_PAUSE_MS, rateLimit = false }: RouterErrorDetail, model: string): void {
    if (this.account === null) this.#pause(coolDownMs, 'saturated');
    else (rateLimit ? this.account : this.#room).pauseModel(model, this.#clock.nowMs() + coolDownMs);
  }

  #pause(ms: number, reason: 'saturated' | 'cold' | 'failing'): void {
    this.pausedUntilMs = Math.max(this.pausedUntilMs, this.#clock.nowMs() + ms);
    this.pauseReason = reason;
  }
}

/** Splits a base URL into what a request needs. A trailing slash is no part of the path. */
export function placeOf(url: string): { origin: string; basePath: string } {
  const parsed = new URL(url);
  return { origin: parsed.origin, basePath: parsed.pathname.replace(/\/+$/, '') };
}
