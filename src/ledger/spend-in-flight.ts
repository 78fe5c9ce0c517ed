// What the calls in flight of one tenant may cost, likely and at most, and which of them is least sure. For spend-account.
import type { NanoUsd } from '../core/money.ts';
import type { IndexedHeap, Placed } from '../structures/heap.ts';

export interface Backed extends Placed {
  readonly likely: NanoUsd;
  readonly most: NanoUsd;
  /** From likely to most. */
  readonly gap: NanoUsd;
}

export class SpendInFlight {
  likely: NanoUsd = 0;
  most: NanoUsd = 0;
  /** The widest gap first. */
  readonly #calls: IndexedHeap<Backed>;

  constructor(calls: IndexedHeap<Backed>) {
    this.#calls = calls;
  }

  get size(): number {
    return this.#calls.size;
  }

  get widest(): NanoUsd {
    return this.#calls.first()?.gap ?? 0;
  }

  add(call: Backed): void {
    this.likely += call.likely;
    this.most += call.most;
    this.#calls.add(call);
  }

  remove(call: Backed): void {
    this.likely -= call.likely;
    this.most -= call.most;
    this.#calls.remove(call);
  }
}
