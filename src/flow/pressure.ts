// How hard pressed the process is, in steps, and whom each step turns away. For the router and the ways in.
import type { Priority, RouteClass } from '../core/names.ts';
import type { Pressure } from '../core/pressure.ts';
import type { Clock } from '../core/runtime.ts';

/** A step is taken above its mark. Share of the heap; and lateness of the event loop, ms, which has to last. */
const HEAP_MARKS = [0.8, 0.85, 0.9, 0.925, 0.95] as const;
const LAG_MARKS_MS = [200, 400, 800, 1600, 3200] as const;
const LAG_LASTS_MS = 1_000;

/** A step is left after so long below this share of its mark, ms. */
const CALM_MS = 5_000;
const CALM_SHARE = 0.9;

/** Step from which a band is turned away. Step 1 turns away class batch in any band, step 5 everything. */
const SHED_FROM: Readonly<Record<Priority, number>> = { background: 2, batch: 3, interactive: 4, critical: 5 };
/** Every connection holds memory: from here on they end with their reply. */
const CLOSE_FROM_HEAP_STEP = 3;

/** One measure's steps: left one by one, each after a calm time of its own. */
class Ladder {
  readonly #marks: readonly number[];
  #calmSinceMs: number | null = null;
  step = 0;

  constructor(marks: readonly number[]) {
    this.#marks = marks;
  }

  climb(step: number): void {
    if (step <= this.step) return;
    this.step = step;
    this.#calmSinceMs = null;
  }

  /** Whether `value` lets go of the present step. */
  descend(value: number, nowMs: number): void {
    if (this.step === 0) return;
    if (!(value < this.#marks[this.step - 1]! * CALM_SHARE)) {
      this.#calmSinceMs = null;
      return;
    }
    this.#calmSinceMs ??= nowMs;
    if (nowMs - this.#calmSinceMs < CALM_MS) return;
    this.step--;
    this.#calmSinceMs = nowMs;
  }
}

/**
 * Memory climbs at once to the step that it calls for, since what comes next may be the end of the process; a late event
 * loop climbs one step at a measurement, since one long stall tells little of the next second.
 */
export class PressureLadder implements Pressure {
  readonly #clock: Clock;
  readonly #heap = new Ladder(HEAP_MARKS);
  readonly #lag = new Ladder(LAG_MARKS_MS);
  /** Since when the loop has been later than each mark; null = it is not. */
  readonly #lateSinceMs: (number | null)[] = LAG_MARKS_MS.map(() => null);
  #step = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get step(): number {
    return this.#step;
  }

  get closesConnections(): boolean {
    return this.#heap.step >= CLOSE_FROM_HEAP_STEP;
  }

  sheds(routeClass: RouteClass, priority: Priority): boolean {
    if (this.#step === 0) return false;
    return routeClass === 'batch' || this.#step >= SHED_FROM[priority];
  }

  /** Heap in use just now, as a share of what there may be. */
  noteHeap(share: number): void {
    this.#heap.climb(HEAP_MARKS.findLastIndex((mark) => share >= mark) + 1);
    this.#heap.descend(share, this.#clock.nowMs());
    this.#step = Math.max(this.#heap.step, this.#lag.step);
  }

  /** How late the loop has run at worst since this was noted last, ms. */
  noteLag(loopLagMs: number): void {
    const nowMs = this.#clock.nowMs();
    if (this.#isLate(loopLagMs, nowMs)) this.#lag.climb(this.#lag.step + 1);
    this.#lag.descend(loopLagMs, nowMs);
    this.#step = Math.max(this.#heap.step, this.#lag.step);
  }

  /** Whether the next step's lateness has lasted. A stall counts from when it passed the mark, not from when it ended. */
  #isLate(loopLagMs: number, nowMs: number): boolean {
    for (const [at, mark] of LAG_MARKS_MS.entries()) {
      if (loopLagMs > mark) this.#lateSinceMs[at] ??= nowMs - (loopLagMs - mark);
      else this.#lateSinceMs[at] = null;
    }
    const sinceMs = this.#lateSinceMs[this.#lag.step];
    return sinceMs != null && nowMs - sinceMs >= LAG_LASTS_MS;
  }
}
