// Which tenants have a label of their own in metrics, and which share one. For metrics, whose series must be bounded.
import { labelText, OTHER } from './names.ts';

/** Tenants without a label that are counted, so that the busiest of them can be found. */
const WATCHED = 1_000;
/** How often labels may change hands. */
const PERIOD_MS = 600_000;
/** A tenant takes the label of another when it made so many times as many calls within a period, and a few more. */
const BUSIER = 2;
const A_FEW = 10;

interface Held<T> {
  readonly label: string;
  readonly value: T;
  calls: number;
}

/**
 * Labels for the busiest tenants, each with a value that is made with it and dropped with it. Labels are given in order of
 * arrival until none is left; then one changes hands only to a tenant that is clearly busier, so that series last.
 */
export class Busiest<T> {
  readonly #most: number;
  readonly #make: (label: string) => T;
  readonly #held = new Map<string, Held<T>>();
  readonly #rest: Held<T>;
  /** Misra and Gries: whoever makes more than one in `WATCHED` of the calls is in here. */
  readonly #watched = new Map<string, number>();
  #turnMs: number | null = null;

  constructor(most: number, make: (label: string) => T) {
    this.#most = most;
    this.#make = make;
    this.#rest = { label: OTHER, value: make(OTHER), calls: 0 };
  }

  /** The value that a call of this tenant is counted in. */
  of(tenant: string, nowMs: number): T {
    if (this.#turnMs === null || nowMs >= this.#turnMs) this.#turn(nowMs);
    const held = this.#held.get(tenant) ?? this.#admit(tenant);
    held.calls++;
    return held.value;
  }

  /** The label that it goes by now. */
  labelOf(tenant: string): string {
    return this.#held.get(tenant)?.label ?? OTHER;
  }

  values(): T[] {
    return [...[...this.#held.values()].map(({ value }) => value), this.#rest.value];
  }

  #admit(tenant: string): Held<T> {
    if (labelText(tenant) === OTHER) return this.#rest;
    if (this.#held.size < this.#most) return this.#hold(tenant);
    const calls = this.#watched.get(tenant);
    if (calls !== undefined) this.#watched.set(tenant, calls + 1);
    else if (this.#watched.size < WATCHED) this.#watched.set(tenant, 1);
    else this.#forget();
    return this.#rest;
  }

  #hold(tenant: string): Held<T> {
    const held = { label: tenant, value: this.#make(tenant), calls: 0 };
    this.#held.set(tenant, held);
    return held;
  }

  #forget(): void {
    for (const [tenant, calls] of this.#watched) {
      if (calls === 1) this.#watched.delete(tenant);
      else this.#watched.set(tenant, calls - 1);
    }
  }

  #turn(nowMs: number): void {
    this.#turnMs = nowMs + PERIOD_MS;
    const idlest = [...this.#held].sort((a, b) => a[1].calls - b[1].calls);
    const busiest = [...this.#watched].sort((a, b) => b[1] - a[1]);
    for (const [at, [challenger, calls]] of busiest.entries()) {
      const holder = idlest[at];
      if (holder === undefined || calls <= BUSIER * holder[1].calls + A_FEW) break;
      this.#held.delete(holder[0]);
      this.#hold(challenger);
    }
    for (const held of this.#held.values()) held.calls = 0;
    this.#watched.clear();
  }
}
