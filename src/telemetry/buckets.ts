// Counts durations by how long they were. For metrics.

/** A histogram of few bounds; one addition and a short look per value. */
export class Buckets {
  readonly bounds: readonly number[];
  /** One more than there are bounds: the last holds what is above them all. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds } = this;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at++;
    this.counts[at]!++;
    this.sum += value;
  }
}
