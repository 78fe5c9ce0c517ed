// One endpoint of a pool: where it is, what state it is in, whether it may be tried. For fleet/pool and, as views, for all others.
import type { RouterErrorDetail } from '../core/errors.ts';
import type { Limit } from '../core/limit.ts';
import type { GpuPrice } from '../core/prices.ts';
import type { Clock } from '../core/runtime.ts';
import type { HeaderView } from '../core/transport.ts';
import type {
  AttemptReport,
  BeginReport,
  EngineMemory,
  SlotWorker,
  WorkerHealth,
  WorkerState,
} from '../core/worker.ts';
import { FadingSum } from '../structures/fading-sum.ts';
import { Account } from './account.ts';
import { WorkerPace } from './pace.ts';
import { pauseMs } from './rate-limits.ts';
import { Room, type RoomWatch } from './room.ts';
import { WorkerSpeed } from './speed.ts';

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

/** Left alone this long after saying "full" without a hint, ms, or until a call of ours ends there and leaves room. */
const FULL_PAUSE_MS = 250;
/** A token of a reply takes about as long to make as so many of a prompt take to read. */
const READ_PER_MADE = 64;
/** Left alone this long after refusing the router's own credential or running out of money, ms. */
const KEY_PAUSE_MS = 60_000;
/** Work is remembered for about as long, ms: a run brings its next calls within minutes. */
const WORK_MEMORY_MS = 300_000;
/** A token made is as much work as so many read. */
const MADE_WEIGHT = 2;
const ADMITTING: ReadonlySet<WorkerState> = new Set(['warm', 'busy', 'unknown']);

export interface PoolWorkerOptions {
  readonly id: string;
  readonly headers: readonly string[];
  readonly limit: Limit;
  readonly state: WorkerState;
  readonly breaker: WorkerBreaker;
  readonly clock: Clock;
  readonly expectedReadyMs: number;
  readonly replyHeaders?: readonly string[];
  readonly versioned?: boolean;
  readonly account?: Account | null;
  readonly zone?: string | null;
  readonly contextTokens?: number | null;
  readonly gpu?: GpuPrice | null;
}

/** Moved by probes (`state`, engine load), attempts (breaker, pauses, limit, speed) and its gate (in flight, backlog). */
export class PoolWorker implements SlotWorker, WorkerHealth {
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
  /** The pool or provider that it belongs to: the id up to its last slash. */
  readonly pool: string;
  readonly headers: readonly string[];
  readonly replyHeaders: readonly string[];
  readonly versioned: boolean;
  zone: string | null;
  contextTokens: number | null;
  /** What it costs; null: nobody has said, or it is a managed API. */
  gpu: GpuPrice | null;
  /** Of a managed API; null for own workers. */
  readonly account: Account | null;
  /** A managed API's own lack of room, by model. */
  readonly #fullFor = new Account();
  readonly breaker: WorkerBreaker;
  readonly #clock: Clock;
  readonly #room: Room;
  readonly #speed: WorkerSpeed;
  /** By tokens to read, of replies that come in pieces; by tokens to make, of those that come whole. */
  readonly #firstPace = new WorkerPace();
  readonly #wholePace = new WorkerPace();
  readonly #work = new FadingSum(WORK_MEMORY_MS);
  idleSinceMs: number;
  seat = -1;
  #state: WorkerState;
  #stateAdmits: boolean;
  /** The end of a pause that the worker named no time for. */
  #guessedUntilMs = 0;

  constructor(options: PoolWorkerOptions) {
    this.id = options.id;
    this.pool = options.id.slice(0, Math.max(0, options.id.lastIndexOf('/')));
    this.headers = options.headers;
    this.replyHeaders = options.replyHeaders ?? [];
    this.versioned = options.versioned ?? false;
    this.account = options.account ?? null;
    this.zone = options.zone ?? null;
    this.contextTokens = options.contextTokens ?? null;
    this.gpu = options.gpu ?? null;
    this.breaker = options.breaker;
    this.expectedReadyMs = options.expectedReadyMs;
    this.#clock = options.clock;
    this.startedMs = options.clock.nowMs();
    this.idleSinceMs = this.startedMs;
    this.#state = options.state;
    this.#stateAdmits = ADMITTING.has(options.state);
    this.#room = new Room(options.limit, this.#stateAdmits);
    this.#speed = new WorkerSpeed(options.clock);
  }

  /** Tells who keeps count of the pool's room; from now on. */
  watch(watch: RoomWatch): void {
    this.#room.watch(watch);
  }

  get state(): WorkerState {
    return this.#state;
  }

  set state(state: WorkerState) {
    this.#state = state;
    this.#stateAdmits = ADMITTING.has(state);
    this.#room.admits = this.#stateAdmits;
  }

  get limit(): number {
    return this.#room.limit;
  }

  /** A managed API counts refusals against its account: there nothing is tried that may be one. */
  get reach(): number {
    return this.account === null ? this.#room.reach : this.#room.limit;
  }

  /** Another limit than before: what the old one learned is forgotten. */
  learnWith(limit: Limit): void {
    this.#room.learner = limit;
  }

  get inFlight(): number {
    return this.#room.inFlight;
  }

  /** A slot that is granted is a try begun: a line served in one go must not send more than one probe. */
  set inFlight(count: number) {
    if (count > this.#room.inFlight) this.breaker.begin();
    if (count === 0) this.#emptied();
    this.#room.hold(count);
  }

  #emptied(): void {
    this.idleSinceMs = this.#clock.nowMs();
    this.#firstPace.emptied();
    this.#wholePace.emptied();
  }

  recentWork(nowMs: number): number {
    return this.#work.at(nowMs);
  }

  get backlogTokens(): number {
    return this.#speed.backlogTokens;
  }

  set backlogTokens(tokens: number) {
    const more = tokens - this.#speed.backlogTokens;
    if (more > 0) this.#work.add(more, this.#clock.nowMs());
    this.#speed.backlogTokens = tokens;
  }

  get heldTokens(): number {
    return this.#room.memory.heldTokens;
  }

  set heldTokens(tokens: number) {
    this.#room.memory.heldTokens = tokens;
  }

  get engineLoad(): number | null {
    return this.#room.engineLoad;
  }

  /** What its engine said of its load and memory when it was asked; null: nothing. */
  heard(load: number | null, memory: EngineMemory | null = null): void {
    this.#room.heard(load, memory);
  }

  expectedFirstContentMs(uncachedTokens: number): number {
    return this.#speed.expectedMs(uncachedTokens);
  }

  usualFirstContentMs(uncachedTokens: number): number {
    return this.#firstPace.at(uncachedTokens);
  }

  usualWholeMs(uncachedTokens: number, outputTokens: number): number {
    return this.#wholePace.at(wholeSize(uncachedTokens, outputTokens));
  }

  admits(nowMs: number, model: string): boolean {
    return (
      this.origin !== '' &&
      this.#stateAdmits &&
      nowMs >= this.pausedUntilMs &&
      this.accountPause(model, nowMs) === null &&
      this.breaker.admits(nowMs)
    );
  }

  begin(): number {
    return this.breaker.begin();
  }

  began({ inputTokens, aheadTokens, firstContentMs, inFlight }: BeginReport): void {
    const busyMs = this.#speed.usualMs(inputTokens + aheadTokens);
    this.#firstPace.began(inputTokens, firstContentMs, inFlight === 1, busyMs, this.#clock.nowMs());
  }

  record(report: AttemptReport): void {
    // Health first: room that is learned may be given away there and then.
    this.#judge(report);
    this.#learn(report);
  }

  #judge({ outcome, error, begun, model }: AttemptReport): void {
    if (outcome !== 'failed' && this.pausedUntilMs === this.#guessedUntilMs) this.pausedUntilMs = 0;
    if (outcome === 'won') {
      this.#room.ended();
      return this.breaker.success(begun);
    }
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

  replied(model: string, headers: HeaderView): void {
    if (this.account === null) return;
    const ms = pauseMs(headers, this.backlogTokens, this.#clock.wallMs());
    if (ms > 0) this.account.pauseModel(model, this.#clock.nowMs() + ms);
  }

  #learn(report: AttemptReport): void {
    const { outcome, error, firstContentMs, uncachedTokens, inFlight, backlogTokens } = report;
    // What was expected to be read counts since its slot was granted.
    const read = outcome === 'won' || firstContentMs !== null;
    const done = read ? uncachedTokens + MADE_WEIGHT * report.outputTokens : 0;
    this.#work.add(done - report.expectedTokens, this.#clock.nowMs());
    // A caller's own deadline says nothing of the worker, nor does a reply that falls silent when it has begun.
    const late = error?.code === 'upstream_timeout' && error.descends && firstContentMs === null;
    if (late) {
      this.#speed.lost();
      this.#firstPace.lost();
    } else if (firstContentMs !== null) {
      const aheadTokens = Math.max(0, backlogTokens - uncachedTokens);
      this.#speed.learn(uncachedTokens, aheadTokens, firstContentMs);
      this.#firstPace.learn(uncachedTokens, firstContentMs, inFlight === 1, report.beganMs);
    }
    this.#learnWhole(report);
    // An account's rate limit is no matter of calls in flight.
    const full = error?.code === 'worker_full' && !(this.account !== null && error.detail.rateLimit === true);
    const dropped = outcome === 'failed' && (full || late);
    if (!dropped && firstContentMs === null && outcome !== 'won') return;
    this.#room.learner.sample({ firstContentMs, uncachedTokens, inFlight, dropped });
    this.#room.refresh();
  }

  /** A reply that its caller did not wait for, or that came too late, has taken so long at least. */
  #learnWhole({ outcome, wholeMs, uncachedTokens, outputTokens, inFlight }: AttemptReport): void {
    if (wholeMs === null) return;
    const size = wholeSize(uncachedTokens, outputTokens);
    if (outcome === 'won') this.#wholePace.learn(size, wholeMs, inFlight === 1);
    else this.#wholePace.learnLeast(size, wholeMs, inFlight === 1);
  }

  /** What stands against a model at a managed API: a limit of its account, or no room at this one. Null for own workers. */
  accountPause(model: string, nowMs: number): ReturnType<Account['pausedUntil']> {
    if (this.account === null) return null;
    return this.account.pausedUntil(model, nowMs) ?? this.#fullFor.pausedUntil(model, nowMs);
  }

  /** An own worker is full as such, a managed API for one model: here, or wherever the account is used. */
  #full({ coolDownMs: told, rateLimit = false }: RouterErrorDetail, model: string): void {
    const nowMs = this.#clock.nowMs();
    if (this.account !== null) {
      return (rateLimit ? this.account : this.#fullFor).pauseModel(model, nowMs + (told ?? FULL_PAUSE_MS));
    }
    this.#room.full();
    const bound = this.pausedUntilMs > nowMs && this.pausedUntilMs !== this.#guessedUntilMs;
    // "At once" is no time, from one that has just said no.
    const named = told !== undefined && told > 0;
    this.#pause(named ? told : FULL_PAUSE_MS, 'saturated');
    if (!named && !bound) this.#guessedUntilMs = this.pausedUntilMs;
  }

  #pause(ms: number, reason: 'saturated' | 'cold' | 'failing'): void {
    this.pausedUntilMs = Math.max(this.pausedUntilMs, this.#clock.nowMs() + ms);
    this.pauseReason = reason;
  }
}

function wholeSize(uncachedTokens: number, outputTokens: number): number {
  return outputTokens + uncachedTokens / READ_PER_MADE;
}

/** Splits a base URL into what a request needs. A trailing slash is no part of the path. */
export function placeOf(url: string): { origin: string; basePath: string } {
  const parsed = new URL(url);
  return { origin: parsed.origin, basePath: parsed.pathname.replace(/\/+$/, '') };
}
