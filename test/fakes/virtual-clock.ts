// Decides what time it is in a test: it stands still until the test moves it,
// for everything that takes a Clock.

import type { Clock, Timer } from '../../src/core/runtime.ts';

type Due = { atMs: number; order: number; fn: () => void };

export class VirtualClock implements Clock {
  #nowMs: number;
  #wallOffsetMs: number;
  #timers: Due[] = [];
  #order = 0;

  constructor({ nowMs = 0, wallMs = Date.UTC(2026, 10, 22, 12) } = {}) {
    this.#nowMs = nowMs;
    this.#wallOffsetMs = wallMs - nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  /** Moves the wall clock alone, as an operator or NTP does. */
  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  after(delayMs: number, fn: () => void): Timer {
    const due: Due = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, fn };
    const later = this.#timers.findIndex((other) => other.atMs > due.atMs);
    this.#timers.splice(later < 0 ? this.#timers.length : later, 0, due);
    return {
      cancel: () => {
        const at = this.#timers.indexOf(due);
        if (at >= 0) this.#timers.splice(at, 1);
      },
    };
  }

  /** Timers not yet run nor cancelled: a test asks this to show that none leaks. */
  get pending(): number {
    return this.#timers.length;
  }

  get nextInMs(): number | undefined {
    const next = this.#timers[0];
    return next === undefined ? undefined : next.atMs - this.#nowMs;
  }

  /** Runs what falls due in the next `ms`, in order of time, then of setting; also what is set meanwhile. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    while (this.#runNext(untilMs));
    this.#nowMs = untilMs;
  }

  /** As advance(), with a turn of the event loop before it and after each timer, so that promises and sockets follow. */
  async advanceSettling(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await turn();
    while (this.#runNext(untilMs)) await turn();
    this.#nowMs = untilMs;
    await turn();
  }

  #runNext(untilMs: number): boolean {
    const next = this.#timers[0];
    if (next === undefined || next.atMs > untilMs) return false;
    this.#timers.shift();
    this.#nowMs = next.atMs;
    next.fn();
    return true;
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
