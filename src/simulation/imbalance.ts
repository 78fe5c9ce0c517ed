// How unevenly a pool's workers were loaded, over windows of one length. For the report, and for claims.
import { percentile } from './statistics.ts';

/** What each worker did in one stretch of time. */
export interface LoadSlice {
  readonly fromMs: number;
  readonly loads: readonly number[];
}

/** A window begins so often, ms, however long it is: where it is cut must not decide. */
const EVERY_MS = 60_000;

/**
 * Most loaded worker over the mean, 95th percentile over windows of this length that lie whole within the slices, which come in
 * order. A window begins each minute, or as often as one ends where they are shorter. Those in which less than a tenth of the usual
 * happened say nothing. Null: there is none.
 */
export function imbalanceP95(slices: readonly LoadSlice[], windowMs: number): number | null {
  const windows: number[][] = [];
  const lastMs = slices.at(-1)?.fromMs ?? 0;
  let nextMs = slices[0]?.fromMs ?? 0;
  for (const [at, { fromMs, loads }] of slices.entries()) {
    if (fromMs < nextMs) continue;
    // The last slice only says that the window before it is whole.
    if (fromMs + windowMs > lastMs) break;
    nextMs = fromMs + Math.min(EVERY_MS, windowMs);
    const sums = loads.map(() => 0);
    for (let i = at; slices[i]!.fromMs < fromMs + windowMs; i++)
      for (const [worker, load] of slices[i]!.loads.entries()) sums[worker]! += load;
    windows.push(sums);
  }
  const totals = windows.map((loads) => loads.reduce((sum, load) => sum + load, 0));
  const usual = percentile(totals, 0.5) ?? 0;
  const telling = windows.filter((_, at) => totals[at]! > 0 && totals[at]! >= usual / 10);
  return percentile(
    telling.map((loads) => (Math.max(...loads) * loads.length) / loads.reduce((sum, load) => sum + load, 0)),
    0.95,
  );
}
