// Keeps items in order of one or two numbers, as heap.ts does by any order, and looks at no item to compare it. For flow.
import type { Placed } from './heap.ts';

/** An item's are at `CHILDREN * at + 1` and behind it. */
const CHILDREN = 4;

/**
 * A heap of four children each: the least key first, and of equal ones the least tie. Keys lie side by side: in a heap of thousands, items
 * that are far apart in memory cost more than the compare, so half as many levels of them are moved as in a binary one.
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

  /** How many items come before one with these numbers; one more than `most` is as good as all. Looks at no item. */
  countBefore(key: number, tie: number, most: number): number {
    const open = [0];
    let count = 0;
    for (let at = open.pop(); at !== undefined && count <= most; at = open.pop()) {
      // A branch ends at the first that does not.
      if (at >= this.items.length || !this.#comesFirst(at, key, tie)) continue;
      count++;
      for (let child = 1; child <= CHILDREN; child++) open.push(CHILDREN * at + child);
    }
    return count;
  }

  #comesFirst(at: number, key: number, tie: number): boolean {
    const otherKey = this.#keys[at]!;
    return otherKey < key || (otherKey === key && this.#ties[at]! < tie);
  }

  #settle(item: T, key: number, tie: number, at: number): void {
    if (at > 0 && this.#isBefore(key, tie, parentOf(at))) this.#up(item, key, tie, at);
    else this.#down(item, key, tie, at);
  }

  #isBefore(key: number, tie: number, at: number): boolean {
    const otherKey = this.#keys[at]!;
    return key < otherKey || (key === otherKey && tie < this.#ties[at]!);
  }

  #up(item: T, key: number, tie: number, at: number): void {
    while (at > 0) {
      const above = parentOf(at);
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
    for (let first = CHILDREN * at + 1; first < length; first = CHILDREN * at + 1) {
      let below = first;
      let belowKey = keys[first]!;
      const end = Math.min(first + CHILDREN, length);
      for (let other = first + 1; other < end; other++) {
        const otherKey = keys[other]!;
        if (otherKey > belowKey || (otherKey === belowKey && ties[other]! >= ties[below]!)) continue;
        below = other;
        belowKey = otherKey;
      }
      const belowTie = ties[below]!;
      if (!(belowKey < key || (belowKey === key && belowTie < tie))) break;
      this.#put(this.items[below]!, belowKey, belowTie, at);
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

/** A shift, since `CHILDREN` is 4. */
const parentOf = (at: number): number => (at - 1) >> 2;
