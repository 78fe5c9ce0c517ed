// The lowest value of a course since each of several moments. For stores that give back what is not used.

/** One moment, or several since which the lowest value is the same. */
class Low {
  value = Number.POSITIVE_INFINITY;
  /** Moments that it stands for. */
  moments = 1;
  older: Low | null;
  newer: Low | null = null;
  /** Whom it has become one with. */
  into: Low | null = null;

  constructor(older: Low | null) {
    this.older = older;
  }
}

/** Of a moment. */
export type Moment = Low;

/**
 * Invariant: from old to new, values rise, since what is lowest over a longer time is no higher. So a value of the course
 * changes the newest ones alone, and those it changes become one: each moment costs a constant, over its life.
 */
export class Lows {
  #newest: Low | null = null;

  /** A moment that values from now on count for. */
  begin(): Moment {
    const low = new Low(this.#newest);
    if (this.#newest !== null) this.#newest.newer = low;
    this.#newest = low;
    return low;
  }

  /** The course comes by this value. */
  pass(value: number): void {
    let low = this.#newest;
    if (low === null || low.value <= value) return;
    for (let { older } = low; older !== null && older.value >= value; older = older.older) {
      older.moments += low.moments;
      older.newer = null;
      low.older = null;
      low.into = older;
      low = older;
    }
    low.value = value;
    this.#newest = low;
  }

  /** The lowest since that moment, which is kept no longer. Once per moment. */
  end(moment: Moment): number {
    const low = rootOf(moment);
    if (--low.moments === 0) {
      if (low.newer === null) this.#newest = low.older;
      else low.newer.older = low.older;
      if (low.older !== null) low.older.newer = low.newer;
    }
    return low.value;
  }
}

function rootOf(moment: Low): Low {
  let low = moment;
  while (low.into !== null) {
    // Each look halves the way for the next.
    if (low.into.into !== null) low.into = low.into.into;
    low = low.into;
  }
  return low;
}
