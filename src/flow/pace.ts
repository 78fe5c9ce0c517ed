// How much slot time a class's calls take of a pool that is busy, and how far their size tells. For the forecast.

/** Calls that a pace looks back on. */
const SPAN = 128;
/** With fewer it is a guess, and the longer of two guesses counts. */
const ENOUGH = 16;
/** Slots count as a busy pool's when so much of its capacity is taken. */
const BUSY = 0.75;
/** Size and slot time are compared over so many calls, since the work of those that run side by side cannot be told apart. */
const BLOCK = 16;
const BLOCK_SPAN = 32;
/** What is taken for granted before that: half of the time is by call, half by token; counts as much as so little variance. */
const GUESS = 0.5;
const GUESS_WEIGHT = 0.01;

export const isBusy = (inFlight: number, capacity: number): boolean => inFlight >= BUSY * capacity;

/**
 * By Little's law: slot time spent over calls that came out of it, both while the pool is busy. How long single calls held
 * their slots says less: a worker that batches takes the longer for each of its calls the more it has, and those that have
 * ended tell of when it had fewer.
 */
export class Pace {
  #slotMs = 0;
  /** Slot time since the last call ended. */
  #newMs = 0;
  #calls = 0;
  #tokens = 0;
  /** Since when the pool has been busy with so many of the class; null: it is not. */
  #sinceMs: number | null = null;
  #inFlight = 0;
  /** Of the present block. */
  #blockMs = 0;
  #blockCalls = 0;
  #blockTokens = 0;
  /** Of blocks: how tokens vary, and how slot time does with them, both as shares of their means. */
  #variance = 0;
  #covariance = 0;

  /** Slots were taken or given back: so many of the class are in flight now. */
  note(nowMs: number, inFlight: number, busy: boolean): void {
    if (this.#sinceMs !== null) {
      const slotMs = (nowMs - this.#sinceMs) * this.#inFlight;
      this.#newMs += slotMs;
      this.#blockMs += slotMs;
    }
    this.#sinceMs = busy ? nowMs : null;
    this.#inFlight = inFlight;
  }

  /** One of its calls has ended in a busy pool. */
  ended(tokens: number): void {
    const keep = 1 - 1 / SPAN;
    this.#slotMs = this.#slotMs * keep + this.#newMs;
    this.#newMs = 0;
    this.#calls = this.#calls * keep + 1;
    this.#tokens = this.#tokens * keep + tokens;
    this.#blockTokens += tokens;
    if (++this.#blockCalls === BLOCK) this.#endBlock();
  }

  /** Slot time of a call, ms; `guessMs` is what else is known, null for nothing. */
  callMs(nowMs: number, guessMs: number | null): number | null {
    const openMs = this.#sinceMs === null ? 0 : (nowMs - this.#sinceMs) * this.#inFlight;
    const slotMs = this.#slotMs + this.#newMs + openMs;
    if (this.#calls >= ENOUGH) return slotMs / this.#calls;
    return guessMs === null ? null : Math.max(guessMs, slotMs / Math.max(1, this.#calls));
  }

  /** Calls of so many tokens in all, in calls of the usual size. */
  usual(calls: number, tokens: number): number {
    if (this.#calls < ENOUGH || this.#tokens <= 0) return calls;
    const told = this.#told();
    return (1 - told) * calls + (told * tokens * this.#calls) / this.#tokens;
  }

  /** How far a call's tokens tell its slot time: 0 = not at all, 1 = all of it. */
  #told(): number {
    const told = (this.#covariance + GUESS * GUESS_WEIGHT) / (this.#variance + GUESS_WEIGHT);
    return Math.min(1, Math.max(0, told));
  }

  #endBlock(): void {
    const meanTokens = (BLOCK * this.#tokens) / this.#calls;
    const meanMs = (BLOCK * this.#slotMs) / this.#calls;
    if (this.#calls >= ENOUGH / 2 && meanTokens > 0 && meanMs > 0) {
      const tokens = this.#blockTokens / meanTokens - 1;
      const slotMs = this.#blockMs / meanMs - 1;
      const keep = 1 - 1 / BLOCK_SPAN;
      this.#variance = this.#variance * keep + (tokens * tokens) / BLOCK_SPAN;
      this.#covariance = this.#covariance * keep + (tokens * slotMs) / BLOCK_SPAN;
    }
    this.#blockMs = this.#blockCalls = this.#blockTokens = 0;
  }
}
