// Numbers of many tenants side by side: a forecast reads dozens of them, and the tenants themselves are far apart in memory. For the lanes of a gate.

/** What a row holds of a tenant, by place. */
export const COUNTER = 0;
export const WAITING = 1;
export const TOKENS = 2;
export const EACH = 3;
const WIDTH = 4;

/** Invariant: a row is one tenant's from `take` to `give`. */
export class Rows {
  readonly numbers: number[] = [];
  readonly #free: number[] = [];

  /** Where a new row begins, all zero. */
  take(): number {
    const row = this.#free.pop() ?? this.numbers.length;
    for (let at = 0; at < WIDTH; at++) this.numbers[row + at] = 0;
    return row;
  }

  give(row: number): void {
    this.#free.push(row);
  }
}
