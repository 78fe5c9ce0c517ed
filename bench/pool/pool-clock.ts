// Time as a pool of that size has it: a bench goes through in seconds what takes minutes there. For the decision bench.
import { performance } from 'node:perf_hooks';
import type { Clock, Timer } from '../../src/core/runtime.ts';
import { IndexedHeap, type Placed } from '../../src/structures/heap.ts';

interface Due extends Placed {
  readonly atMs: number;
  readonly fn: () => void;
}

export class PoolClock implements Clock {
  readonly #timers = new IndexedHeap<Due>((a, b) => a.atMs < b.atMs);
  #nowMs = 3_600_000;

  /** Looks at the machine's clock as well, so that it costs what it costs. */
  nowMs(): number {
    performance.now();
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, fn: () => void): Timer {
    const due: Due = { place: -1, atMs: this.#nowMs + Math.max(0, delayMs), fn };
    this.#timers.add(due);
    return {
      cancel: () => {
        if (due.place >= 0) this.#timers.remove(due);
      },
    };
  }

  /** Moves on, and runs what is due by then. Answers with how many timers ran. */
  advance(ms: number): number {
    const untilMs = this.#nowMs + ms;
    let ran = 0;
    for (let due = this.#timers.first(); due !== undefined && due.atMs <= untilMs; due = this.#timers.first()) {
      this.#timers.remove(due);
      this.#nowMs = due.atMs;
      due.fn();
      ran++;
    }
    this.#nowMs = untilMs;
    return ran;
  }
}
