// Keeps what was used last, up to a bound, and knows the longest unused without a search. For ledger.

/** A Map's first key is slow to find once many before it were deleted; an iterator that stays where it was is not. */
export class RecentMap<V> {
  readonly #most: number;
  readonly #values = new Map<string, V>();
  #oldest = this.#values.keys();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#values.size;
  }

  /** Looking does not count as use. */
  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  /** It is the newest from now on; beyond the bound the longest unused goes. */
  set(key: string, value: V): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#most) this.#dropOldest();
  }

  delete(key: string): boolean {
    return this.#values.delete(key);
  }

  #dropOldest(): void {
    let next = this.#oldest.next();
    // An iterator that has once come to the end stays there.
    if (next.done === true) {
      this.#oldest = this.#values.keys();
      next = this.#oldest.next();
    }
    if (next.done !== true) this.#values.delete(next.value);
  }
}
