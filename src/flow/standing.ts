// How long newcomers may wait in a line that never gets empty, so that it is short again soon after an overload. For the gate.

/** CoDel as Facebook runs it: a fifth of the longest wait. */
const SHARE = 5;
/** So long after its last refusal a line is one that nothing is known of, ms. */
const FORGET_MS = 60_000;

/**
 * A line that has not been empty for its longest wait, and that still turns calls away, does not take up a burst: whoever comes
 * waits, and all it gains is that it waits. A line full of callers who wait for each other's replies turns nobody away.
 */
export class Standing {
  #sinceMs = 0;
  #refusedMs = Number.NEGATIVE_INFINITY;
  /** Whether the last refusal was this rule's, and by what factor its wait has turned out to be too short. */
  #short = false;
  #widened = 1;

  /** A newcomer finds nobody in line. Where that is this rule's own doing, slots may have been idle: it was too strict. */
  begins(nowMs: number, longestMs: number): void {
    this.#sinceMs = nowMs;
    if (nowMs - this.#refusedMs > Math.max(longestMs, FORGET_MS)) this.#widened = 1;
    else if (this.#short) this.#widened = Math.min(SHARE, this.#widened * 2);
    this.#short = false;
  }

  /** What a newcomer's forecast may be; `slotMs` is the mean time between two slots, and so the least that keeps them busy. */
  mayWaitMs(nowMs: number, longestMs: number, slotMs: number): number {
    if (nowMs - this.#sinceMs < longestMs || nowMs - this.#refusedMs > longestMs) return Number.POSITIVE_INFINITY;
    return Math.max((longestMs / SHARE) * this.#widened, 2 * slotMs);
  }

  refused(nowMs: number, short: boolean): void {
    this.#refusedMs = nowMs;
    this.#short ||= short;
  }
}
