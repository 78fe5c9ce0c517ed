// How long replies took, in a fixed amount of memory. For the load.

const STEP_US = 0.5;
const STEPS = 200_000;

/** Linear up to 100 ms in steps of 0.5 µs; anything slower counts as 100 ms. */
export class Latencies {
  readonly #counts = new Uint32Array(STEPS + 1);
  #total = 0;

  add(us: number): void {
    this.#counts[Math.min(STEPS, Math.round(us / STEP_US))]!++;
    this.#total++;
  }

  addAll(other: Latencies): void {
    for (let step = 0; step <= STEPS; step++) this.#counts[step]! += other.#counts[step]!;
    this.#total += other.#total;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }

  /** `share` in (0, 1]; 0 when nothing was counted. */
  quantileUs(share: number): number {
    let left = Math.ceil(this.#total * share);
    if (left === 0) return 0;
    for (let step = 0; step <= STEPS; step++) {
      left -= this.#counts[step]!;
      if (left <= 0) return step * STEP_US;
    }
    return STEPS * STEP_US;
  }
}
