// One timer for all the phases of an attempt: each phase moves the deadline, only the earliest is armed. For upstream/attempt.
import type { Clock, Timer } from '../core/runtime.ts';

/** Moving the deadline forward costs an assignment; the timer looks again when it fires. */
export class Deadline {
  readonly #clock: Clock;
  readonly #onPast: () => void;
  #atMs = Number.POSITIVE_INFINITY;
  #armedMs = Number.POSITIVE_INFINITY;
  #timer: Timer | null = null;

  constructor(clock: Clock, onPast: () => void) {
    this.#clock = clock;
    this.#onPast = onPast;
  }

  /** Sets the deadline to a monotonic instant; infinity suspends it. */
  set(atMs: number, nowMs: number): void {
    this.#atMs = atMs;
    if (atMs >= this.#armedMs) return;
    this.#timer?.cancel();
    this.#arm(nowMs);
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#atMs = Number.POSITIVE_INFINITY;
    this.#armedMs = Number.POSITIVE_INFINITY;
  }

  #arm(nowMs: number): void {
    this.#armedMs = this.#atMs;
    this.#timer = this.#clock.after(Math.max(0, this.#atMs - nowMs), this.#fired);
  }

  readonly #fired = (): void => {
    this.#timer = null;
    this.#armedMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.nowMs();
    if (nowMs >= this.#atMs) this.#onPast();
    else if (this.#atMs !== Number.POSITIVE_INFINITY) this.#arm(nowMs);
  };
}
