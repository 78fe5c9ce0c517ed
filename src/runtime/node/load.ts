// How full the heap is and how late the event loop runs, a few times a second. For the overload ladder and metrics.
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import type { Pressure, ProcessLoad } from '../../core/pressure.ts';
import type { Log } from '../../core/runtime.ts';

/** A stall is seen with this much fuzz; the load is told so often at most, ms. */
const TICK_MS = 50;
const TELL_MS = 250;

const MIB = 1024 * 1024;

/** What is told of the load. */
export interface LoadListener extends Pressure {
  note(load: ProcessLoad): void;
}

export interface LoadWatch {
  /** As it was told last. */
  readonly load: ProcessLoad;
  close(): void;
}

/** Keeps no process alive. */
export function watchLoad(listener: LoadListener, log: Log): LoadWatch {
  const limitBytes = oldGenerationBytes(getHeapStatistics().heap_size_limit, nodeFlags());
  let load: ProcessLoad = { heapShare: usedBytes() / limitBytes, loopLagMs: 0 };
  let lastMs = performance.now();
  let toldMs = lastMs;
  let latestMs = 0;
  const tick = () => {
    const nowMs = performance.now();
    latestMs = Math.max(latestMs, nowMs - lastMs - TICK_MS);
    lastMs = nowMs;
    if (nowMs - toldMs < TELL_MS) return;
    toldMs = nowMs;
    load = { heapShare: usedBytes() / limitBytes, loopLagMs: latestMs };
    latestMs = 0;
    const before = listener.step;
    listener.note(load);
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

/** The young generation may double its live objects and then moves them here: it never runs out by itself. */
function usedBytes(): number {
  let bytes = 0;
  for (const { space_name, space_used_size } of getHeapSpaceStatistics()) {
    if (!space_name.startsWith('new_')) bytes += space_used_size;
  }
  return bytes;
}

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
