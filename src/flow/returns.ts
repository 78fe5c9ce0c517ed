// When a caller who is refused is to come back, after those who were told so before. For the gate.

/** No caller is told of a time further away (router/verdict), so no promise lies beyond it for long, ms. */
const HORIZON_MS = 60_000;

/**
 * A tenant's promised returns, as the time up to which its slots are given away. Time itself takes them out of the book, whether
 * or not their callers come.
 */
export class Returns {
  #untilMs = 0;

  /** Ms from now. `waitMs`: if nobody had been promised anything; `slotMs`: between two of the tenant's slots. */
  next(nowMs: number, waitMs: number, slotMs: number): number {
    const atMs = Math.max(nowMs + waitMs, this.#untilMs);
    this.#untilMs = Math.min(atMs + slotMs, nowMs + HORIZON_MS);
    return atMs - nowMs;
  }
}
