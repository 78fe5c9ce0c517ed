// Keeps items in order of one or two numbers, as heap.ts does by any order, and looks at no item to compare it. For flow.
import type { Placed } from './heap.ts';

/**
 * A binary heap: the least key first, and of equal ones the least tie. Keys lie side by side: in a heap of thousands, items
 * that are far apart in memory cost more than the compare.
 */
export class KeyedHeap<T extends Placed> {
  /** For reading alone. */
  readonly items: T[] = [];
  readonly #keys: number[] = [];
  readonly #ties: number[] = [];

  get size(): number {
    return this.items.length;
  }

  first(): T | undefined {
    return this.items[0];
  }

  add(item: T, key: number, tie = 0): void {
    this.items.push(item);
    this.#keys.push(key);
    this.#ties.push(tie);
    this.#up(item, key, tie, this.items.length - 1);
  }

  remove(item: T): void {
    const at = item.place;
    const last = this.items.pop()!;
    const key = this.#keys.pop()!;
    const tie = this.#ties.pop()!;
    item.place = -1;
    if (last !== item) this.#settle(last, key, tie, at);
  }

  /** An item's key is another now. */
  moved(item: T, key: number, tie = 0): void {
    this.#settle(item, key, tie, item.place);
  }

  #settle(item: T, key: number, tie: number, at: number): void {
    if (at > 0 && this.#isBefore(key, tie, (at - 1) >> 1)) this.#up(item, key, tie, at);
    else this.#down(item, key, tie, at);
  }

  #isBefore(key: number, tie: number, at: number): boolean {
    const otherKey = this.#keys[at]!;
    return key < otherKey || (key === otherKey && tie < this.#ties[at]!);
  }

  #up(item: T, key: number, tie: number, at: number): void {
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#isBefore(key, tie, above)) break;
      this.#put(this.items[above]!, this.#keys[above]!, this.#ties[above]!, at);
      at = above;
    }
    this.#put(item, key, tie, at);
  }

  #down(item: T, key: number, tie: number, at: number): void {
    const keys = this.#keys;
    const ties = this.#ties;
    const { length } = keys;
    for (let below = 2 * at + 1; below < length; below = 2 * at + 1) {
      if (below + 1 < length && this.#isBefore(keys[below + 1]!, ties[below + 1]!, below)) below++;
      const otherKey = keys[below]!;
      const otherTie = ties[below]!;
      if (!(otherKey < key || (otherKey === key && otherTie < tie))) break;
      this.#put(this.items[below]!, otherKey, otherTie, at);
      at = below;
    }
    this.#put(item, key, tie, at);
  }

  #put(item: T, key: number, tie: number, at: number): void {
    this.items[at] = item;
    this.#keys[at] = key;
    this.#ties[at] = tie;
    item.place = at;
  }
}
