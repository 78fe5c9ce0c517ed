// A straight line through points that come one by one, forgetting old ones: what so many tokens take. For flow/limits and fleet.

/** Keeps the line from being drawn through the noise of points that lie side by side: zero is taken to cost about zero. */
const ORIGIN_SHARE = 0.01;

/** Least squares of relative errors, both coefficients at least 0, over about the last `memory` points. */
export class FadingLine {
  base = 0;
  slope = 0;
  readonly #memory: number;
  #w = 0;
  #x = 0;
  #y = 0;
  #xx = 0;
  #xy = 0;

  constructor(memory: number) {
    this.#memory = memory;
  }

  /** 0 while no point was seen. */
  at(x: number): number {
    return this.base + this.slope * x;
  }

  /** `share`: how much this point counts beside others, up to 1. */
  learn(x: number, y: number, share = 1): void {
    const scale = Math.max(this.#w > 0 ? this.at(x) : y, 0.001);
    const weight = share / (scale * scale);
    const keep = 1 - share / this.#memory;
    this.#w = this.#w * keep + weight;
    this.#x = this.#x * keep + weight * x;
    this.#y = this.#y * keep + weight * y;
    this.#xx = this.#xx * keep + weight * x * x;
    this.#xy = this.#xy * keep + weight * x * y;
    this.#solve();
  }

  /** All of it takes `factor` times as long. */
  scale(factor: number): void {
    this.#y *= factor;
    this.#xy *= factor;
    this.base *= factor;
    this.slope *= factor;
  }

  #solve(): void {
    const w = this.#w * (1 + ORIGIN_SHARE);
    const spread = w * this.#xx - this.#x * this.#x;
    // Nothing but empty prompts: all there is to know is what those take.
    if (!(spread > 0)) {
      this.base = this.#y / this.#w;
      this.slope = 0;
      return;
    }
    this.slope = (w * this.#xy - this.#x * this.#y) / spread;
    this.base = (this.#y - this.slope * this.#x) / w;
    if (this.slope < 0) {
      this.slope = 0;
      this.base = this.#y / this.#w;
    } else if (this.base < 0) {
      this.base = 0;
      this.slope = this.#xy / this.#xx;
    }
  }
}
