// An engine of fixed places and fixed service time, whose capacity is known exactly. For simulated workers.
import type { Clock, Timer } from '../core/runtime.ts';
import type { Cancel, EngineJob, EngineModel, EngineTotals } from './engine-model.ts';
import type { SlotsProfile } from './profiles.ts';

interface Served {
  readonly job: EngineJob;
  /** Of its service, at full speed. */
  leftMs: number;
  sinceMs: number;
  timer: Timer | null;
}

export class SlotsEngine implements EngineModel {
  readonly memoryShare = 0;
  readonly #profile: SlotsProfile;
  readonly #clock: Clock;
  readonly #running = new Set<Served>();
  readonly #waiting = new Set<Served>();
  #factor = 1;
  #atMs: number;
  #callMs = 0;
  #prefilled = 0;
  #decoded = 0;

  constructor(profile: SlotsProfile, clock: Clock) {
    this.#profile = profile;
    this.#clock = clock;
    this.#atMs = clock.nowMs();
  }

  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  totals(): EngineTotals {
    this.#count();
    return { prefilled: this.#prefilled, decoded: this.#decoded, callMs: this.#callMs };
  }

  submit(job: EngineJob): Cancel | 'full' {
    const { maxQueued, slots, serviceMs } = this.#profile;
    if (maxQueued !== null && this.#running.size >= slots && this.#waiting.size >= maxQueued) return 'full';
    this.#count();
    const served: Served = { job, leftMs: serviceMs, sinceMs: 0, timer: null };
    this.#waiting.add(served);
    this.#fill();
    return () => {
      this.#count();
      served.timer?.cancel();
      this.#waiting.delete(served);
      if (this.#running.delete(served)) this.#fill();
    };
  }

  slow(factor: number): void {
    const nowMs = this.#clock.nowMs();
    for (const served of this.#running) served.leftMs -= (nowMs - served.sinceMs) / this.#factor;
    this.#factor = factor;
    for (const served of this.#running) this.#arm(served);
  }

  restart(): void {
    this.#count();
    const all = [...this.#running, ...this.#waiting];
    this.#running.clear();
    this.#waiting.clear();
    for (const { timer } of all) timer?.cancel();
    for (const { job } of all) job.cut();
  }

  #fill(): void {
    for (const served of this.#waiting) {
      if (this.#running.size >= this.#profile.slots) return;
      this.#waiting.delete(served);
      this.#running.add(served);
      served.job.started(0);
      this.#arm(served);
    }
  }

  #arm(served: Served): void {
    served.timer?.cancel();
    served.sinceMs = this.#clock.nowMs();
    served.timer = this.#clock.after(served.leftMs * this.#factor, () => this.#done(served));
  }

  #done(served: Served): void {
    this.#count();
    this.#running.delete(served);
    this.#prefilled += served.job.inputTokens;
    this.#decoded += served.job.outputTokens;
    served.job.content();
    served.job.ended();
    this.#fill();
  }

  #count(): void {
    const nowMs = this.#clock.nowMs();
    this.#callMs += (nowMs - this.#atMs) * (this.#running.size + this.#waiting.size);
    this.#atMs = nowMs;
  }
}
