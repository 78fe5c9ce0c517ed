// Meters all workers' time and tells it once a minute. For router/settle, the fleet and the ledger.
import type { AttemptOutcome } from '../core/gate.ts';
import type { WorkerTimeRecord } from '../core/ledger.ts';
import type { Clock, Timer } from '../core/runtime.ts';
import type { WorkerState } from '../core/worker.ts';
import { type AttemptTime, type MeteredWorker, WorkerMeter } from './worker-meter.ts';

export type { AttemptTime, MeteredWorker } from './worker-meter.ts';

export interface WorkerTimeOptions {
  readonly clock: Clock;
  add(record: WorkerTimeRecord): void;
}

const MINUTE_MS = 60_000;

/** Own workers only: a managed API has no time of ours. Every `begin` has one `end`, as every attempt has. */
export class WorkerTime {
  readonly #clock: Clock;
  readonly #add: (record: WorkerTimeRecord) => void;
  readonly #meters = new Map<string, WorkerMeter>();
  readonly #leaving = new Set<string>();
  #fromMs: number;
  #timer: Timer | null = null;
  #closed = false;

  constructor({ clock, add }: WorkerTimeOptions) {
    this.#clock = clock;
    this.#add = add;
    this.#fromMs = clock.wallMs();
  }

  /** Answers with what `end` is handed back. */
  begin(worker: MeteredWorker): number {
    const nowMs = this.#clock.nowMs();
    // It may be back before its last calls have ended.
    if (this.#leaving.size > 0) this.#leaving.delete(worker.id);
    return this.#meter(worker, nowMs).begin(nowMs);
  }

  end(worker: MeteredWorker, begun: number, outcome: AttemptOutcome, reportedMs: number | null): AttemptTime {
    const nowMs = this.#clock.nowMs();
    const time = this.#meter(worker, nowMs).end(begun, outcome === 'won', reportedMs, nowMs);
    if (this.#closed || this.#leaving.has(worker.id)) this.#settle(worker.id);
    return time;
  }

  /** The worker is known from its first state on, and billed from there. */
  state(worker: MeteredWorker, state: WorkerState): void {
    const nowMs = this.#clock.nowMs();
    this.#leaving.delete(worker.id);
    this.#meter(worker, nowMs).state(state, nowMs);
  }

  /** The policy has no such worker any more; its last calls still count. */
  gone(worker: MeteredWorker): void {
    const meter = this.#meters.get(worker.id);
    if (meter === undefined) return;
    meter.state('cold', this.#clock.nowMs());
    this.#leaving.add(worker.id);
    this.#settle(worker.id);
  }

  /** Tells what has been counted. Calls that are still under way are told when they end. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#tell();
  }

  #meter(worker: MeteredWorker, nowMs: number): WorkerMeter {
    let meter = this.#meters.get(worker.id);
    if (meter === undefined) {
      meter = new WorkerMeter(worker, nowMs);
      this.#meters.set(worker.id, meter);
      if (this.#timer === null && !this.#closed) this.#wait();
    } else if (meter.gpu !== worker.gpu) {
      // Each time is billed at the price that held for it.
      this.#takeFrom(meter, nowMs);
      meter.gpu = worker.gpu;
    }
    return meter;
  }

  /** Records end with the minutes of the calendar, so that those of an hour are the hour's. */
  #wait(): void {
    const wallMs = this.#clock.wallMs();
    this.#timer = this.#clock.after(MINUTE_MS - (wallMs % MINUTE_MS), () => {
      this.#tell();
      this.#wait();
    });
  }

  #tell(): void {
    const nowMs = this.#clock.nowMs();
    for (const meter of this.#meters.values()) this.#takeFrom(meter, nowMs);
    this.#fromMs = this.#clock.wallMs();
  }

  #takeFrom(meter: WorkerMeter, nowMs: number): void {
    // Clocks on the wall are set back now and then.
    const toMs = Math.max(this.#fromMs, this.#clock.wallMs());
    const record = meter.take(this.#fromMs, toMs, nowMs);
    if (record !== null) this.#add(record);
  }

  /** Tells of a worker out of turn, and forgets one that is gone once its last call is over. */
  #settle(id: string): void {
    const meter = this.#meters.get(id);
    if (meter?.busy !== false) return;
    this.#takeFrom(meter, this.#clock.nowMs());
    if (!this.#leaving.delete(id)) return;
    this.#meters.delete(id);
    if (this.#meters.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
  }
}
