// Which part of a worker's time is which call's, when several share it. For economics/worker-time.

/**
 * A clock that runs at 1/n of real time while n calls share the worker: what it runs during a call is the call's share. Shares
 * of all calls add up to the time in which any was under way. Begin and end take the same few steps however many there are.
 */
export class Occupancy {
  /** Calls under way. */
  count = 0;
  #virtualMs = 0;
  #atMs = 0;

  /** Answers with what `end` is handed back. */
  begin(nowMs: number): number {
    this.#advance(nowMs);
    this.count++;
    return this.#virtualMs;
  }

  /** The call's share, ms. */
  end(begun: number, nowMs: number): number {
    this.#advance(nowMs);
    const shareMs = this.#virtualMs - begun;
    // From nothing anew: small numbers keep their fractions.
    if (--this.count === 0) this.#virtualMs = 0;
    return shareMs > 0 ? shareMs : 0;
  }

  #advance(nowMs: number): void {
    if (this.count > 0 && nowMs > this.#atMs) this.#virtualMs += (nowMs - this.#atMs) / this.count;
    this.#atMs = nowMs;
  }
}
