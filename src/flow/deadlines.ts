// When somebody in line has to be looked at: one timer for all deadlines, ages and regular looks. For the gate.
import type { Clock, Timer } from '../core/runtime.ts';
import type { Placed } from '../structures/heap.ts';
import { KeyedHeap } from '../structures/keyed-heap.ts';
import type { Waiter } from './waiter.ts';

export interface Due extends Placed {
  atMs: number;
  readonly waiter: Waiter;
}

/** While anybody is in line, one timer runs; else none. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #due: (waiter: Waiter, nowMs: number) => void;
  readonly #look: () => void;
  readonly #heap = new KeyedHeap<Due>();
  #lookAtMs = 0;
  #timer: Timer | null = null;
  #timerAtMs = 0;

  /** `due` hands over a waiter whose time has come; `look` comes each `everyMs` while there is a line. */
  constructor(clock: Clock, everyMs: number, due: (waiter: Waiter, nowMs: number) => void, look: () => void) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#due = due;
    this.#look = look;
  }

  add(waiter: Waiter, nowMs: number): void {
    if (this.#heap.size === 0) this.#lookAtMs = nowMs + this.#everyMs;
    waiter.due = { place: -1, atMs: waiter.dueMs, waiter };
    this.#heap.add(waiter.due, waiter.due.atMs);
    this.#arm(nowMs);
  }

  remove(waiter: Waiter): void {
    if (waiter.due === null) return;
    this.#heap.remove(waiter.due);
    waiter.due = null;
    if (this.#heap.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** A waiter's next time has changed; does nothing for one that has none yet. */
  move({ due, dueMs }: Waiter, nowMs: number): void {
    if (due === null || due.atMs === dueMs) return;
    due.atMs = dueMs;
    this.#heap.moved(due, dueMs);
    this.#arm(nowMs);
  }

  /** Everybody, as of now. */
  all(): readonly Due[] {
    return [...this.#heap.items];
  }

  /** A timer that runs too early is left: it costs one look at the clock. */
  #arm(nowMs: number): void {
    const next = this.#heap.first();
    if (next === undefined) return;
    const atMs = Math.min(next.atMs, this.#lookAtMs);
    if (this.#timer !== null && this.#timerAtMs <= atMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    this.#timer = this.#clock.after(Math.max(0, atMs - nowMs), this.#run);
  }

  readonly #run = (): void => {
    this.#timer = null;
    const nowMs = this.#clock.nowMs();
    for (let due = this.#heap.first(); due !== undefined && due.atMs <= nowMs; due = this.#heap.first()) {
      this.#due(due.waiter, nowMs);
    }
    if (this.#heap.size > 0 && this.#lookAtMs <= nowMs) {
      this.#lookAtMs = nowMs + this.#everyMs;
      this.#look();
    }
    this.#arm(nowMs);
  };
}
