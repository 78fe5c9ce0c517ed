// What becomes of one worker's time, and what it costs: useful, failed, idle, cold. For economics/worker-time.
import type { WorkerTimeRecord } from '../core/ledger.ts';
import type { GpuPrice } from '../core/prices.ts';
import type { WorkerState } from '../core/worker.ts';
import { Occupancy } from './occupancy.ts';
import { gpuCost } from './price-book.ts';

/** What a worker is known by, and what it costs; null: nobody has said. */
export interface MeteredWorker {
  readonly id: string;
  readonly pool: string;
  readonly gpu: GpuPrice | null;
}

export interface AttemptTime {
  /** Time of the worker that was the attempt's own, ms. */
  readonly gpuMs: number;
  readonly source: 'reported' | 'occupancy';
}

/** Nothing runs there, so whoever bills by what runs bills nothing. */
const isDown = (state: WorkerState | null): boolean => state === 'cold' || state === 'throttled';

/**
 * Time in which calls are under way is shared among them and counted when each ends; all other time that is billed is idle,
 * or cold while the worker starts. So useful + failed + idle + cold is what is billed, at all times when no call is under way.
 */
export class WorkerMeter {
  gpu: GpuPrice | null;
  readonly #worker: MeteredWorker;
  readonly #occupancy = new Occupancy();
  /** Null: nobody has said it yet; a worker that calls reach is up. */
  #state: WorkerState | null = null;
  #atMs: number;
  /** Billed since it came up; only kept where time is billed by what is up. */
  #upMs = 0;
  #usefulMs = 0;
  #failedMs = 0;
  #idleMs = 0;
  #coldMs = 0;
  /** Once per coming up, and what rounding has left over from the record before. */
  #extraCost = 0;

  constructor(worker: MeteredWorker, nowMs: number) {
    this.#worker = worker;
    this.gpu = worker.gpu;
    this.#atMs = nowMs;
  }

  get busy(): boolean {
    return this.#occupancy.count > 0;
  }

  begin(nowMs: number): number {
    this.#advance(nowMs);
    return this.#occupancy.begin(nowMs);
  }

  /**
   * A worker that shares itself among calls reports for each how long it took, not how much of it was its own: never more
   * counts than the share. What its report leaves of the share it was not at work: on the way, or in line within.
   */
  end(begun: number, useful: boolean, reportedMs: number | null, nowMs: number): AttemptTime {
    this.#advance(nowMs);
    const shareMs = this.#occupancy.end(begun, nowMs);
    const reported = reportedMs !== null && reportedMs <= shareMs;
    const gpuMs = reported ? reportedMs : shareMs;
    if (useful) this.#usefulMs += gpuMs;
    else this.#failedMs += gpuMs;
    this.#idleMs += shareMs - gpuMs;
    // It may have been said to be down meanwhile.
    if (this.#occupancy.count === 0 && this.#billsNothing()) this.#wentDown();
    return { gpuMs, source: reported ? 'reported' : 'occupancy' };
  }

  state(state: WorkerState, nowMs: number): void {
    if (state === this.#state) return;
    this.#advance(nowMs);
    const before = this.#state;
    this.#state = state;
    const cameUp = state === 'starting' ? before !== 'starting' : isDown(before) && !isDown(state);
    if (cameUp) this.#extraCost += this.gpu?.coldStart ?? 0;
    if (isDown(state) && !isDown(before) && this.#occupancy.count === 0 && this.#billsNothing()) this.#wentDown();
  }

  /** Moves what has been counted into a record; null where nothing was billed. Calls under way stay for a later one. */
  take(fromMs: number, toMs: number, nowMs: number): WorkerTimeRecord | null {
    this.#advance(nowMs);
    const [usefulMs, failedMs, idleMs, coldMs] = [this.#usefulMs, this.#failedMs, this.#idleMs, this.#coldMs];
    const billedMs = usefulMs + failedMs + idleMs + coldMs;
    const exact = (this.gpu === null ? 0 : gpuCost(this.gpu, billedMs)) + this.#extraCost;
    const cost = Math.round(exact);
    if (billedMs === 0 && cost === 0) return null;
    this.#extraCost = exact - cost;
    this.#usefulMs = this.#failedMs = this.#idleMs = this.#coldMs = 0;
    const { id, pool } = this.#worker;
    return { fromMs, toMs, pool, worker: id, usefulMs, failedMs, idleMs, coldMs, cost };
  }

  #billsNothing(): boolean {
    return this.gpu?.billed !== 'always' && isDown(this.#state);
  }

  #advance(nowMs: number): void {
    const spanMs = nowMs - this.#atMs;
    this.#atMs = nowMs;
    if (spanMs <= 0) return;
    if (this.#occupancy.count === 0) {
      if (this.#billsNothing()) return;
      if (this.#state === 'starting') this.#coldMs += spanMs;
      else this.#idleMs += spanMs;
    }
    this.#upMs += spanMs;
  }

  /** Whole increments are billed, and a least time for each coming up: what is left of them is idle. */
  #wentDown(): void {
    const upMs = this.#upMs;
    this.#upMs = 0;
    if (this.gpu === null || upMs === 0) return;
    const { incrementMs, minimumMs } = this.gpu;
    const whole = incrementMs > 0 ? Math.ceil(upMs / incrementMs) * incrementMs : upMs;
    this.#idleMs += Math.max(whole, minimumMs) - upMs;
  }
}
