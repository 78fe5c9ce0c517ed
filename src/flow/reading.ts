// How long it takes until the prompts that workers were sent are read: before that hardly any of their slots comes free. For the forecast.
import type { Clock } from '../core/runtime.ts';

/** Calls that the speed of reading looks back on. */
const SPAN = 64;
/** With fewer it is not known. */
const ENOUGH = 4;

/**
 * A pace that is the mean of minutes does not tell a burst of long prompts: an engine reads them one after another, and its
 * other replies go on in between as slowly. Counted of replies that come in pieces, whose first piece says that the prompt is
 * read; what it was is an estimate, as everywhere.
 */
export class Reading {
  readonly #clock: Clock;
  #left = 0;
  /** Prompts read so far. */
  #prompts = 0;
  #atMs: number;
  /** Tokens read of late, and the time in which there were any to read, both fading by the call. */
  #read = 0;
  #readMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#atMs = clock.nowMs();
  }

  /** A prompt was sent. */
  sent(tokens: number, nowMs: number): void {
    this.#pass(nowMs);
    this.#left += tokens;
  }

  /** A prompt is read, or nobody waits for that any more. */
  read(tokens: number): void {
    this.#pass();
    const left = this.#left - tokens;
    this.#left = left > 1e-6 ? left : 0;
    const keep = 1 - 1 / SPAN;
    this.#read = this.#read * keep + tokens;
    this.#readMs *= keep;
    this.#prompts++;
  }

  /** Until all that were sent are read, and so many tokens more, ms; 0: none is left, or too little tells how fast it goes. */
  leftMs(more = 0): number {
    if (this.#left === 0 || this.#read === 0 || this.#prompts < ENOUGH) return 0;
    this.#pass();
    return ((this.#left + more) * this.#readMs) / this.#read;
  }

  #pass(nowMs = this.#clock.nowMs()): void {
    if (this.#left > 0) this.#readMs += nowMs - this.#atMs;
    this.#atMs = nowMs;
  }
}
