// Decides what time it is in a simulation: it moves from timer to timer, as fast as the machine can. For simulate and its parts.
import type { Clock, Timer } from '../core/runtime.ts';
import { Heap } from './heap.ts';

/** One turn of the host's event loop: it resolves when every promise that could settle has settled. */
export type Turn = () => Promise<void>;

class Due implements Timer {
  readonly atMs: number;
  readonly order: number;
  fn: (() => void) | null;
  readonly #cancelled: () => void;

  constructor(atMs: number, order: number, fn: () => void, cancelled: () => void) {
    this.atMs = atMs;
    this.order = order;
    this.fn = fn;
    this.#cancelled = cancelled;
  }

  cancel(): void {
    if (this.fn === null) return;
    this.fn = null;
    this.#cancelled();
  }
}

/** Cancelled timers stay in the heap until they are this many and the larger part of it. */
const SWEEP_AT = 1024;

/** Timers run in order of time, then of setting. Time stands still while one runs and while promises settle. */
export class SimulatedClock implements Clock {
  readonly #wallOffsetMs: number;
  readonly #timers = new Heap<Due>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));
  #nowMs = 0;
  #order = 0;
  #cancelled = 0;
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
    const due = new Due(this.#nowMs + Math.max(0, delayMs), this.#order++, fn, () => {
      this.#cancelled++;
    });
    this.#timers.push(due);
    return due;
  }

  /** Timers neither run nor cancelled. */
  get pending(): number {
    return this.#timers.size - this.#cancelled;
  }

  /** Timers in memory, cancelled ones included. */
  get held(): number {
    return this.#timers.size;
  }

  /**
   * Runs timer after timer until `done` says so, with a turn of the event loop after each, so that whatever waits for it
   * goes on before time does. False: no timer was left and it was not done, so it would never be.
   */
  async run(turn: Turn, done: () => boolean): Promise<boolean> {
    await turn();
    while (!done()) {
      const next = this.#next();
      if (next === undefined) return false;
      this.#nowMs = next.atMs;
      const { fn } = next;
      next.fn = null;
      this.fired++;
      fn?.();
      await turn();
    }
    return true;
  }

  #next(): Due | undefined {
    if (this.#cancelled > SWEEP_AT && this.#cancelled * 2 > this.#timers.size) {
      this.#timers.filter(({ fn }) => fn !== null);
      this.#cancelled = 0;
    }
    for (;;) {
      const next = this.#timers.pop();
      if (next === undefined || next.fn !== null) return next;
      this.#cancelled--;
    }
  }
}
