// Keeps items in order so that the first is known and any can leave or move in logarithmic time. For flow and simulation.

/** An item knows its place, so that it is found without a search. */
export interface Placed {
  /** Where the heap has it; -1: it is in none. */
  place: number;
}

/** A binary heap. Between calls, whoever changes an item's order says so with `moved`. */
export class IndexedHeap<T extends Placed> {
  /** Each item comes after the one at half its place; for reading alone. */
  readonly items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.items.length;
  }

  first(): T | undefined {
    return this.items[0];
  }

  add(item: T): void {
    this.items.push(item);
    this.#up(item, this.items.length - 1);
  }

  remove(item: T): void {
    const at = item.place;
    const last = this.items.pop()!;
    item.place = -1;
    if (last === item) return;
    last.place = at;
    this.items[at] = last;
    this.moved(last);
  }

  /** An item's order has changed. */
  moved(item: T): void {
    const at = item.place;
    if (at > 0 && this.#before(item, this.items[(at - 1) >> 1]!)) this.#up(item, at);
    else this.#down(item, at);
  }

  #up(item: T, at: number): void {
    const { items } = this;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = items[above]!;
      if (!this.#before(item, other)) break;
      items[at] = other;
      other.place = at;
      at = above;
    }
    items[at] = item;
    item.place = at;
  }

  #down(item: T, at: number): void {
    const { items } = this;
    const { length } = items;
    for (let below = 2 * at + 1; below < length; below = 2 * at + 1) {
      if (below + 1 < length && this.#before(items[below + 1]!, items[below]!)) below++;
      const other = items[below]!;
      if (!this.#before(other, item)) break;
      items[at] = other;
      other.place = at;
      at = below;
    }
    items[at] = item;
    item.place = at;
  }
}
