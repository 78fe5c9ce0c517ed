// How evenly the very calls of a simulation could have been placed by one who knows how long each takes, and at what cost in
// reuse. For the proof.
import { OUTPUT_WEIGHT } from '../../../src/simulation/constants.ts';
import { imbalanceP95, type LoadSlice } from '../../../src/simulation/imbalance.ts';
import type { CallRecord } from '../../../src/simulation/record.ts';

/** As in the worker profile of the agents' simulation; a token made takes a step of a batch of some ten calls. */
const READ_PER_MS = 8;
const MS_PER_MADE = 10;
const SLICE_MS = 10_000;

export interface FloorOptions {
  readonly records: readonly CallRecord[];
  readonly workers: number;
  readonly fromMs: number;
  readonly windowsMs: readonly number[];
  /**
   * A run's call leaves the worker that has its prompt where that one would begin so many times later than reading the prompt
   * anew takes. `free`: all workers share one cache, so that moving costs nothing. `even`: the same, and each call goes where
   * least was done in the last minute, however long it waits there.
   */
  readonly movesAfter: number | 'free' | 'even';
}

export interface Floor {
  readonly reusedOfPerfect: number;
  readonly imbalance: readonly (number | null)[];
}

/** Each call goes where its reading would be done first; what a worker has to read, it reads in order, and it makes beside that. */
export function balanceFloor({ records, workers, fromMs, windowsMs, movesAfter }: FloorOptions): Floor {
  const freeMs = new Array<number>(workers).fill(0);
  const slices: number[][] = [];
  const done: [number, number][][] = Array.from({ length: workers }, () => []);
  const homes = new Map<string, number>();
  let reused = 0;
  let reusable = 0;
  const spread = (worker: number, beginMs: number, endMs: number, work: number) => {
    const span = Math.max(1, endMs - beginMs);
    for (let at = Math.floor(beginMs / SLICE_MS); at * SLICE_MS < beginMs + span; at++) {
      const share = (Math.min(beginMs + span, (at + 1) * SLICE_MS) - Math.max(beginMs, at * SLICE_MS)) / span;
      slices[at] ??= new Array<number>(workers).fill(0);
      slices[at]![worker]! += share * work;
    }
  };
  const answered = records.filter(({ code }) => code === null).sort((a, b) => a.arrivedMs - b.arrivedMs);
  for (const { arrivedMs, inputTokens, reusableTokens, outputTokens, run } of answered) {
    const least = movesAfter === 'even' ? fewestDone(done, arrivedMs) : freeMs.indexOf(Math.min(...freeMs));
    const home = typeof movesAfter === 'string' || run === null ? null : (homes.get(run) ?? null);
    const leftMs = (worker: number) => Math.max(0, freeMs[worker]! - arrivedMs);
    const leaves =
      home !== null && leftMs(home) - leftMs(least) > ((movesAfter as number) * reusableTokens) / READ_PER_MS;
    const worker = home === null || leaves ? least : home;
    const found = leaves ? 0 : reusableTokens;
    if (run !== null) homes.set(run, worker);
    const uncached = inputTokens - found;
    const beginMs = arrivedMs + leftMs(worker);
    const readMs = beginMs + uncached / READ_PER_MS;
    freeMs[worker] = readMs;
    done[worker]!.push([readMs, uncached + OUTPUT_WEIGHT * outputTokens]);
    spread(worker, beginMs, readMs, uncached);
    spread(worker, readMs, readMs + outputTokens * MS_PER_MADE, OUTPUT_WEIGHT * outputTokens);
    if (arrivedMs < fromMs) continue;
    reused += found;
    reusable += reusableTokens;
  }
  const told = sliced(slices, workers, fromMs, answered.at(-1)?.arrivedMs ?? 0);
  return {
    reusedOfPerfect: reused / reusable,
    imbalance: windowsMs.map((windowMs) => imbalanceP95(told, windowMs)),
  };
}

/** Of the last minute and of what was given since, the worker with the least work. */
function fewestDone(done: readonly [atMs: number, work: number][][], nowMs: number): number {
  const sums = done.map((calls) => {
    while (calls.length > 0 && calls[0]![0] < nowMs - 60_000) calls.shift();
    return calls.reduce((sum, [, work]) => sum + work, 0);
  });
  return sums.indexOf(Math.min(...sums));
}

/** In order, and none left out: whoever has nothing to do did nothing. */
function sliced(slices: readonly number[][], workers: number, fromMs: number, lastMs: number): LoadSlice[] {
  const none = new Array<number>(workers).fill(0);
  const all = Array.from(slices, (loads, at) => ({ fromMs: at * SLICE_MS, loads: loads ?? none }));
  return all.filter((slice) => slice.fromMs >= fromMs && slice.fromMs < lastMs);
}
