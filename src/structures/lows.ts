// The lowest value of a course since each of several moments. For stores that give back what is not used.

/** A moment, or what several have become since which the lowest value is the same. Its fields are for `Lows` alone. */
export interface Moment {
  low: number;
  /** How many it stands for. */
  moments: number;
  older: Moment | null;
  newer: Moment | null;
  /** Whom it has become one with. */
  into: Moment | null;
}

/**
 * Invariant: from old to new, values rise, since what is lowest over a longer time is no higher. So a value of the course
 * changes the newest ones alone, and those it changes become one: each moment costs a constant, over its life.
 */
export class Lows {
  #newest: Moment | null = null;

  /** Values from now on count for this moment, which is new. */
  begin(moment: Moment): void {
    moment.low = Number.POSITIVE_INFINITY;
    moment.moments = 1;
    moment.older = this.#newest;
    if (this.#newest !== null) this.#newest.newer = moment;
    this.#newest = moment;
  }

  /** The course comes by this value. */
  pass(value: number): void {
    let moment = this.#newest;
    if (moment === null || moment.low <= value) return;
    for (let { older } = moment; older !== null && older.low >= value; older = older.older) {
      older.moments += moment.moments;
      older.newer = null;
      moment.older = null;
      moment.into = older;
      moment = older;
    }
    moment.low = value;
    this.#newest = moment;
  }

  /** The lowest since that moment, which is kept no longer. Once per moment. */
  end(moment: Moment): number {
    const root = rootOf(moment);
    if (--root.moments === 0) {
      if (root.newer === null) this.#newest = root.older;
      else root.newer.older = root.older;
      if (root.older !== null) root.older.newer = root.newer;
    }
    return root.low;
  }
}

function rootOf(moment: Moment): Moment {
  let root = moment;
  while (root.into !== null) {
    // Each look halves the way for the next.
    if (root.into.into !== null) root.into = root.into.into;
    root = root.into;
  }
  return root;
}
