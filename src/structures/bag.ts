// Keeps what comes and goes, in no order, and any of it can be taken out at once. For router and runtime/node.
import type { Placed } from './heap.ts';

/**
 * As a Set of what is under way. A Set makes a new table after so many changes, and the old one points to the new: once one of them
 * has grown old, all that came and went since stays in memory until a full collection. Here whoever leaves gives its place to the last.
 */
export class Bag<T extends Placed> implements Iterable<T> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    item.place = this.#items.push(item) - 1;
  }

  /** Does nothing for what is not in it. */
  delete(item: T): void {
    const { place } = item;
    if (this.#items[place] !== item) return;
    const last = this.#items.pop()!;
    item.place = -1;
    if (last === item) return;
    last.place = place;
    this.#items[place] = last;
  }

  clear(): void {
    for (const item of this.#items) item.place = -1;
    this.#items.length = 0;
  }

  /** As it is now: whatever leaves meanwhile is in it still. */
  [Symbol.iterator](): Iterator<T> {
    return [...this.#items].values();
  }
}
