// A sum that forgets what was added long ago: what was done of late. For fleet.

/** Of what was added `memoryMs` ago a third counts still. */
export class FadingSum {
  readonly #memoryMs: number;
  #sum = 0;
  #atMs = 0;

  constructor(memoryMs: number) {
    this.#memoryMs = memoryMs;
  }

  /** What is taken back may have faded since: never below 0. */
  add(value: number, nowMs: number): void {
    this.#sum = Math.max(0, this.at(nowMs) + value);
    this.#atMs = nowMs;
  }

  at(nowMs: number): number {
    return this.#sum === 0 ? 0 : this.#sum * Math.exp((this.#atMs - nowMs) / this.#memoryMs);
  }
}
