// How full the heap is and how late the event loop runs, a few times a second. For the overload ladder and metrics.
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import type { Pressure, ProcessLoad } from '../../core/pressure.ts';
import type { Log } from '../../core/runtime.ts';

/** Memory is measured so often, and a stall seen with this much fuzz, ms. */
const TICK_MS = 50;
/** The worst lateness is told over so long, ms. */
const WINDOW_MS = 250;

const MIB = 1024 * 1024;

/** Who is told of the load. */
export interface LoadListener extends Pressure {
  noteHeap(share: number): void;
  noteLag(loopLagMs: number): void;
}

export interface LoadWatch {
  /** As it was measured last. */
  readonly load: ProcessLoad;
  close(): void;
}

/** Keeps no process alive. */
export function watchLoad(listener: LoadListener, log: Log): LoadWatch {
  const limitBytes = oldGenerationBytes(getHeapStatistics().heap_size_limit, nodeFlags());
  let load: ProcessLoad = { heapShare: usedBytes() / limitBytes, loopLagMs: 0 };
  let lastMs = performance.now();
  let windowMs = lastMs;
  let latestMs = 0;
  const tick = () => {
    const nowMs = performance.now();
    const before = listener.step;
    latestMs = Math.max(latestMs, nowMs - lastMs - TICK_MS);
    lastMs = nowMs;
    load = { heapShare: usedBytes() / limitBytes, loopLagMs: load.loopLagMs };
    listener.noteHeap(load.heapShare);
    if (nowMs - windowMs >= WINDOW_MS) {
      load = { heapShare: load.heapShare, loopLagMs: latestMs };
      listener.noteLag(latestMs);
      windowMs = nowMs;
      latestMs = 0;
    }
    if (listener.step !== before) say(log, listener.step, load);
  };
  const timer = setInterval(tick, TICK_MS);
  timer.unref();
  return {
    get load() {
      return load;
    },
    close: () => clearInterval(timer),
  };
}

function say(log: Log, step: number, { heapShare, loopLagMs }: ProcessLoad): void {
  log.warn('pressure', { step, heapShare: Math.round(heapShare * 1000) / 1000, loopLagMs: Math.round(loopLagMs) });
}

/**
 * V8 gives up when the old generation's pages reach its limit, and what is free in a page is of use only to what fits: half
 * of it counts. What is young either dies or moves here.
 */
function usedBytes(): number {
  let bytes = 0;
  for (const { space_name, space_used_size, space_size } of getHeapSpaceStatistics()) {
    if (!NOT_OLD.test(space_name)) bytes += (space_used_size + space_size) / 2;
  }
  return bytes;
}

const NOT_OLD = /^(?:new_|read_only_)/;
const OLD_MIB = /^--max[-_]old[-_]space[-_]size=(\d+)$/;
const SEMI_MIB = /^--max[-_]semi[-_]space[-_]size=(\d+)$/;
/** V8's own semi-space, MiB, on 64 bits; the young generation takes three of the size. */
const USUAL_SEMI_MIB = 64;

/**
 * How large the old generation may get. V8 tells only the whole heap's limit, which counts three semi-spaces in: with a
 * small old generation that is several times of what kills the process.
 */
export function oldGenerationBytes(heapLimitBytes: number, flags: readonly string[]): number {
  const told = lastOf(flags, OLD_MIB);
  if (told !== null && told > 0) return Math.min(heapLimitBytes, told * MIB);
  const young = 3 * (lastOf(flags, SEMI_MIB) || USUAL_SEMI_MIB) * MIB;
  // A limit for the whole heap leaves the young generation less than its usual size.
  return Math.max(heapLimitBytes - young, heapLimitBytes * 0.75);
}

function lastOf(flags: readonly string[], form: RegExp): number | null {
  const found = flags.map((flag) => form.exec(flag)?.[1]).findLast((text) => text !== undefined);
  return found === undefined ? null : Number(found);
}

/** The command line's go before the environment's. */
function nodeFlags(): string[] {
  return [...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/), ...process.execArgv];
}
