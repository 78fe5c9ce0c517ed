// Decides what time it is in a simulation: it moves from timer to timer, as fast as the machine can. For simulate and its parts.
import type { Clock, Timer } from '../core/runtime.ts';
import { IndexedHeap, type Placed } from '../structures/heap.ts';

/** One turn of the host's event loop: it resolves when every promise that could settle has settled. */
export type Turn = () => Promise<void>;

class Due implements Timer, Placed {
  place = -1;
  readonly atMs: number;
  readonly order: number;
  readonly fn: () => void;
  readonly #timers: IndexedHeap<Due>;

  constructor(atMs: number, order: number, fn: () => void, timers: IndexedHeap<Due>) {
    this.atMs = atMs;
    this.order = order;
    this.fn = fn;
    this.#timers = timers;
  }

  cancel(): void {
    if (this.place >= 0) this.#timers.remove(this);
  }
}

/** Timers run in order of time, then of setting. Time stands still while one runs and while promises settle. */
export class SimulatedClock implements Clock {
  readonly #wallOffsetMs: number;
  readonly #timers = new IndexedHeap<Due>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));
  #nowMs = 0;
  #order = 0;
  /** Timers that have run: what a simulation costs. */
  fired = 0;

  constructor(wallMs: number) {
    this.#wallOffsetMs = wallMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  after(delayMs: number, fn: () => void): Timer {
    const due = new Due(this.#nowMs + Math.max(0, delayMs), this.#order++, fn, this.#timers);
    this.#timers.add(due);
    return due;
  }

  /** Timers neither run nor cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  /**
   * Runs timer after timer until `done` says so, with a turn of the event loop after each, so that whatever waits for it
   * goes on before time does. False: no timer was left and it was not done, so it would never be.
   */
  async run(turn: Turn, done: () => boolean): Promise<boolean> {
    await turn();
    while (!done()) {
      const next = this.#timers.first();
      if (next === undefined) return false;
      this.#timers.remove(next);
      this.#nowMs = next.atMs;
      this.fired++;
      next.fn();
      await turn();
    }
    return true;
  }
}
