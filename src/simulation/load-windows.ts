// What each worker did in each stretch of a simulation. For simulate, and the report's balance between workers.
import type { Clock } from '../core/runtime.ts';
import { OUTPUT_WEIGHT } from './constants.ts';
import type { Door } from './door.ts';

export interface LoadWindow {
  readonly fromMs: number;
  /** By worker: tokens read and made, by weight. */
  readonly work: readonly number[];
  /** By worker: calls that it had, on average over the window. */
  readonly calls: readonly number[];
}

/** Looks at every worker again and again, as long as the clock runs. */
export function watchLoad(doors: readonly Door[], clock: Clock, windowMs: number): LoadWindow[] {
  const windows: LoadWindow[] = [];
  let before = doors.map(({ engine }) => engine.totals());
  const look = () => {
    const now = doors.map(({ engine }) => engine.totals());
    const work = now.map(
      ({ prefilled, decoded }, at) =>
        prefilled - before[at]!.prefilled + OUTPUT_WEIGHT * (decoded - before[at]!.decoded),
    );
    const calls = now.map(({ callMs }, at) => (callMs - before[at]!.callMs) / windowMs);
    windows.push({ fromMs: clock.nowMs() - windowMs, work, calls });
    before = now;
    clock.after(windowMs, look);
  };
  clock.after(windowMs, look);
  return windows;
}
