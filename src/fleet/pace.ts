// How fast a worker is by itself, whatever it has to do at the moment: for comparing it with others. For fleet/worker.
import { FadingLine } from '../structures/fading-line.ts';

const MEMORY = 100;
/** What the newest reply counts beside all before it: a worker that turns slow shows it at once, and one that is well again soon. */
const NEWEST = 0.5;
const MOST = 100;
/** How slow a worker counts that never began a reply. */
const LOST = 10;
/** So many replies in a row, each so many times later than alone, are taken for slowness until the worker is empty. */
const STREAK = 4;
const LATE = 5;

/**
 * A call's time = base + size / rate, times how slow the worker is of late. What a call waits for inside a worker, other
 * prompts, memory, a place in the batch, is no slowness: so calls that were alone tell. Of others only the quickest of many
 * in a row does, and for as long as the worker has calls: then the next one is alone, and shows what is true.
 */
export class WorkerPace {
  readonly #line = new FadingLine(MEMORY);
  #alone = 1;
  /** 0: nothing speaks against it. */
  #busy = 0;
  /** Replies in a row that were late, and the least late of them. */
  #streak = 0;
  #quickest = MOST;
  /** When a reply began that was late. */
  #lateAtMs = Number.NEGATIVE_INFINITY;
  /** Base, slope and factor side by side: a pick reads them of many workers, whose other numbers are far apart in memory. */
  readonly #shown = new Float64Array(3);

  /**
   * A reply began so late: that is known long before it has ended, at a slow worker above all. What was read for it is not known
   * yet, so `size` is the most that it can have been. `busyMs`: what was to be expected with all that the worker had to do before it.
   */
  began(size: number, ms: number, wasAlone: boolean, busyMs: number, nowMs: number): void {
    const usualMs = this.#line.at(size);
    if (usualMs === 0 || !(ms >= 0 && ms < 1e9)) return;
    const ratio = Math.min(MOST, ms / Math.max(usualMs, busyMs));
    if (ratio > LATE) this.#lateAtMs = nowMs;
    if (!wasAlone) this.#late(ratio);
    else if (ratio > LATE) this.#alone = Math.max(this.#alone, this.#alone + NEWEST * (ratio - this.#alone));
    this.#show();
  }

  /** A reply has ended; `beganMs`: when it began, if that was told, null: not before now. */
  learn(size: number, ms: number, wasAlone: boolean, beganMs: number | null = null): void {
    if (!(size >= 0 && size < 1e9 && ms >= 0 && ms < 1e9)) return;
    const usualMs = this.#line.at(size);
    if (usualMs === 0 || wasAlone) this.#line.learn(size, ms);
    if (usualMs === 0) return this.#show();
    // It is no news from a worker that others have shown to be slow since it began.
    if (beganMs !== null && beganMs < this.#lateAtMs) return this.#show();
    const ratio = Math.min(MOST, ms / usualMs);
    // Others only make a reply later: a quick one tells in any case.
    if (wasAlone || ratio < this.#alone) this.#alone += NEWEST * (ratio - this.#alone);
    this.#busy = Math.min(this.#busy, ratio);
    if (!wasAlone && beganMs === null) this.#late(ratio);
    this.#show();
  }

  /** A call has taken so long, and was not over. */
  learnLeast(size: number, ms: number, wasAlone: boolean): void {
    if (ms > this.at(size)) this.learn(size, ms, wasAlone);
  }

  /** A reply never began. */
  lost(): void {
    this.#alone = Math.max(this.#alone, LOST);
    this.#show();
  }

  /** The worker has no call. */
  emptied(): void {
    this.#busy = 0;
    this.#streak = 0;
    this.#show();
  }

  /** What a call of that size takes alone, ms; 0 while nothing is known. */
  at(size: number): number {
    const shown = this.#shown;
    return (shown[0]! + shown[1]! * size) * shown[2]!;
  }

  #show(): void {
    const shown = this.#shown;
    shown[0] = this.#line.base;
    shown[1] = this.#line.slope;
    shown[2] = Math.max(this.#alone, this.#busy);
  }

  #late(ratio: number): void {
    this.#quickest = this.#streak === 0 ? ratio : Math.min(this.#quickest, ratio);
    this.#streak = ratio > LATE ? this.#streak + 1 : 0;
    if (this.#streak < STREAK) return;
    this.#streak = 0;
    this.#busy = this.#quickest;
  }
}
