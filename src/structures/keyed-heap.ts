// Keeps items in order of a number, as heap.ts does by any order, and looks at no item to compare it. For flow.
import type { Placed } from './heap.ts';

/** A binary heap, least key first. Keys lie side by side: in a heap of thousands, items that are far apart in memory cost more than the compare. */
export class KeyedHeap<T extends Placed> {
  /** For reading alone. */
  readonly items: T[] = [];
  readonly #keys: number[] = [];

  get size(): number {
    return this.items.length;
  }

  first(): T | undefined {
    return this.items[0];
  }

  add(item: T, key: number): void {
    this.items.push(item);
    this.#keys.push(key);
    this.#up(item, key, this.items.length - 1);
  }

  remove(item: T): void {
    const at = item.place;
    const last = this.items.pop()!;
    const key = this.#keys.pop()!;
    item.place = -1;
    if (last !== item) this.#settle(last, key, at);
  }

  /** An item's key is another now. */
  moved(item: T, key: number): void {
    this.#settle(item, key, item.place);
  }

  #settle(item: T, key: number, at: number): void {
    if (at > 0 && key < this.#keys[(at - 1) >> 1]!) this.#up(item, key, at);
    else this.#down(item, key, at);
  }

  #up(item: T, key: number, at: number): void {
    const { items } = this;
    const keys = this.#keys;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const otherKey = keys[above]!;
      if (!(key < otherKey)) break;
      this.#put(items[above]!, otherKey, at);
      at = above;
    }
    this.#put(item, key, at);
  }

  #down(item: T, key: number, at: number): void {
    const { items } = this;
    const keys = this.#keys;
    const { length } = keys;
    for (let below = 2 * at + 1; below < length; below = 2 * at + 1) {
      if (below + 1 < length && keys[below + 1]! < keys[below]!) below++;
      const otherKey = keys[below]!;
      if (!(otherKey < key)) break;
      this.#put(items[below]!, otherKey, at);
      at = below;
    }
    this.#put(item, key, at);
  }

  #put(item: T, key: number, at: number): void {
    this.items[at] = item;
    this.#keys[at] = key;
    item.place = at;
  }
}
