// Which of many entries comes first: a binary heap, for the simulator's clock and worker models.

/** `before(a, b)`: a comes out before b. Equal entries come out in no set order, so the caller breaks ties itself. */
export class Heap<Entry> {
  readonly #before: (a: Entry, b: Entry) => boolean;
  #entries: Entry[] = [];

  constructor(before: (a: Entry, b: Entry) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#entries.length;
  }

  get first(): Entry | undefined {
    return this.#entries[0];
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
    this.#rise(this.#entries.length - 1);
  }

  pop(): Entry | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (entries.length > 0 && last !== undefined) {
      entries[0] = last;
      this.#sink(0);
    }
    return first;
  }

  /** Leaves out what `keep` refuses. */
  filter(keep: (entry: Entry) => boolean): void {
    this.#entries = this.#entries.filter(keep);
    for (let at = (this.#entries.length >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  #rise(at: number): void {
    const entries = this.#entries;
    const entry = entries[at]!;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(entry, entries[parent]!)) break;
      entries[at] = entries[parent]!;
      at = parent;
    }
    entries[at] = entry;
  }

  #sink(at: number): void {
    const entries = this.#entries;
    const entry = entries[at]!;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && this.#before(entries[child + 1]!, entries[child]!)) child++;
      if (!this.#before(entries[child]!, entry)) break;
      entries[at] = entries[child]!;
      at = child;
    }
    entries[at] = entry;
  }
}
