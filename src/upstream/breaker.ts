// Whether a worker that keeps failing is tried again, and when. For fleet's workers; a pure state machine over a clock.
import type { Clock, Random } from '../core/runtime.ts';

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly consecutive: number;
  /** Share of failures among at least `minSamples` in `windowMs` that opens it. */
  readonly failureShare: number;
  readonly minSamples: number;
  readonly windowMs: number;
  /** First pause; doubles up to `maxOpenMs` while probes fail. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

export const DEFAULT_BREAKER: BreakerOptions = {
  consecutive: 5,
  failureShare: 0.5,
  minSamples: 20,
  windowMs: 10_000,
  openMs: 1_000,
  maxOpenMs: 30_000,
};

export type BreakerState = 'closed' | 'open' | 'half-open';

/**
 * Closed: counts. Open: admits nothing until its pause is over. Half-open: admits one probe at a time; its success
 * closes, its failure opens again for twice as long (± 20 %, so that replicas do not probe in step). A call that says
 * nothing of the worker (`ignored`) gives its probe back.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  #inRow = 0;
  #good = 0;
  #bad = 0;
  #windowEndMs = 0;
  #openUntilMs = 0;
  #pauseMs = 0;
  #probing = false;
  /** Counts openings and closings, so that a call that began before the last one says nothing of what holds now. */
  #epoch = 0;

  constructor(options: BreakerOptions, clock: Clock, random: Random) {
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
  }

  state(nowMs: number): BreakerState {
    if (this.#pauseMs === 0) return 'closed';
    return nowMs < this.#openUntilMs ? 'open' : 'half-open';
  }

  /** When the next probe may go, monotonic ms; 0 while closed. */
  get retryAtMs(): number {
    return this.#pauseMs === 0 ? 0 : this.#openUntilMs;
  }

  admits(nowMs: number): boolean {
    return this.#pauseMs === 0 || (nowMs >= this.#openUntilMs && !this.#probing);
  }

  /** A call begins; what it answers with is handed back with the call's end. */
  begin(): number {
    if (this.#pauseMs > 0) this.#probing = true;
    return this.#epoch;
  }

  success(epoch = this.#epoch): void {
    if (epoch !== this.#epoch) return;
    this.#inRow = 0;
    if (this.#pauseMs > 0) this.#close();
    this.#roll(this.#clock.nowMs());
    this.#good++;
  }

  failure(epoch = this.#epoch): void {
    if (epoch !== this.#epoch) return;
    const nowMs = this.#clock.nowMs();
    this.#roll(nowMs);
    this.#bad++;
    this.#inRow++;
    if (this.#pauseMs > 0) {
      // Calls that began before it opened still end; only the probe's failure lengthens the pause.
      if (this.#probing) this.#open(nowMs, Math.min(this.#pauseMs * 2, this.#options.maxOpenMs));
      return;
    }
    const samples = this.#good + this.#bad;
    const share = samples >= this.#options.minSamples && this.#bad / samples >= this.#options.failureShare;
    if (share || this.#inRow >= this.#options.consecutive) this.#open(nowMs, this.#options.openMs);
  }

  ignored(epoch = this.#epoch): void {
    if (epoch !== this.#epoch) return;
    this.#probing = false;
  }

  #open(nowMs: number, pauseMs: number): void {
    this.#pauseMs = pauseMs;
    this.#epoch++;
    this.#openUntilMs = nowMs + pauseMs * (0.8 + 0.4 * this.#random());
    this.#probing = false;
  }

  #close(): void {
    this.#epoch++;
    this.#pauseMs = 0;
    this.#openUntilMs = 0;
    this.#probing = false;
    this.#good = 0;
    this.#bad = 0;
  }

  #roll(nowMs: number): void {
    if (nowMs < this.#windowEndMs) return;
    this.#windowEndMs = nowMs + this.#options.windowMs;
    this.#good = 0;
    this.#bad = 0;
  }
}
