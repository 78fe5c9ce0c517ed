// How many second tries the router may make at all, so that retries never multiply an outage. For router/dispatch.
import type { Clock } from '../core/runtime.ts';

/** Retries earned per call, retries earned per second, and the most that can be saved up. */
const PER_CALL = 0.2;
const PER_SECOND = 3;
const MOST = 10;

/** A token bucket after Finagle's retry budget: 20 % of calls plus a trickle for quiet times. */
export class RetryBudget {
  readonly #clock: Clock;
  #saved = MOST;
  #atMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#atMs = clock.nowMs();
  }

  /** Each call earns a share of a retry. */
  earn(): void {
    this.#saved = Math.min(MOST, this.#saved + PER_CALL);
  }

  /** Spends one retry; false when none is left. */
  spend(): boolean {
    const nowMs = this.#clock.nowMs();
    this.#saved = Math.min(MOST, this.#saved + ((nowMs - this.#atMs) / 1000) * PER_SECOND);
    this.#atMs = nowMs;
    if (this.#saved < 1) return false;
    this.#saved -= 1;
    return true;
  }
}
