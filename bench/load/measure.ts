// The closed loop: warms a proxy until it is level, then counts one window. For load/main.ts.
import { workload } from '../workload.ts';
import { type Connection, openConnection } from './connection.ts';
import type { Measured, MeasureJob } from './jobs.ts';
import { Latencies } from './latencies.ts';
import { coreBusyMs, processCpuMs } from './process-stats.ts';
import { requestBytes } from './request-bytes.ts';

const LEVEL_WITHIN = 0.08;
/** Two windows agree by chance while code is still being compiled, which a large program's is for seconds under load. */
const LEVEL_WINDOWS = 4;
const SLICE_MS = 200;
/** A slice is quiet when others had at most this share of the proxy's core; a slice is 20 ticks of the core's clock. */
const QUIET_OTHERS = 0.15;
const MOST_TIMES = 2;
const LONGEST_TIMES = 1.5;
const STALLED_MS = 5_000;

interface Counters {
  replies: number;
  frames: number;
}

/** One slice, or a sum of them. */
interface Seen extends Counters {
  elapsedMs: number;
  cpuMs: number;
  othersMs: number;
}

interface Tally extends Seen {
  readonly latencies: Latencies;
}

function createTally(): Tally {
  return { elapsedMs: 0, replies: 0, frames: 0, cpuMs: 0, othersMs: 0, latencies: new Latencies() };
}

function addTo(tally: Tally, seen: Seen, latencies: Latencies): void {
  tally.elapsedMs += seen.elapsedMs;
  tally.replies += seen.replies;
  tally.frames += seen.frames;
  tally.cpuMs += seen.cpuMs;
  tally.othersMs += seen.othersMs;
  tally.latencies.addAll(latencies);
}

/** Work per unit of what bounds it: of the proxy's CPU where that is read, of time on the direct way. */
function rate(work: number, elapsedMs: number, cpuMs: number): number {
  return work / (cpuMs > 0 ? cpuMs : elapsedMs);
}

/** A slice that took much longer than asked had its load or its whole machine stopped. */
function isQuiet(slice: Seen): boolean {
  const worked = slice.replies > 0 || slice.frames > 0;
  return worked && slice.elapsedMs < LONGEST_TIMES * SLICE_MS && slice.othersMs <= QUIET_OTHERS * slice.elapsedMs;
}

function isLevel(rates: readonly number[]): boolean {
  const last = rates.slice(-LEVEL_WINDOWS);
  const most = Math.max(...last);
  return last.length === LEVEL_WINDOWS && most - Math.min(...last) <= LEVEL_WITHIN * most;
}

export function measure(job: MeasureJob): Promise<Measured> {
  const work = workload(job.workload);
  const request = requestBytes(job.address, work.requestBody);
  const latencies = new Latencies();
  const counters: Counters = { replies: 0, frames: 0 };
  const connections: Connection[] = [];
  let lastWorkMs = performance.now();
  let over = false;
  const cpuMs = () => (job.pid === null ? 0 : processCpuMs(job.pid));
  const coreMs = () => (job.core === null ? 0 : coreBusyMs(job.core));
  const pauseMs = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

  async function window(ms: number): Promise<Seen> {
    const [cpuBefore, coreBefore] = [cpuMs(), coreMs()];
    const { replies, frames } = counters;
    const startMs = performance.now();
    await pauseMs(ms);
    const used = cpuMs() - cpuBefore;
    const busy = coreMs() - coreBefore;
    if (counters.replies !== replies || counters.frames !== frames) lastWorkMs = performance.now();
    else if (performance.now() - lastWorkMs > STALLED_MS) throw new Error(`nothing came back for ${STALLED_MS} ms`);
    if (over) throw new Error('the measurement is over');
    return {
      elapsedMs: performance.now() - startMs,
      replies: counters.replies - replies,
      frames: counters.frames - frames,
      cpuMs: used,
      othersMs: Math.max(0, busy - used),
    };
  }

  async function warm(): Promise<boolean> {
    const rates: number[] = [];
    for (let warmedMs = 0; warmedMs < job.maxWarmMs; warmedMs += job.windowMs) {
      const seen = await window(job.windowMs);
      rates.push(rate(work.streamed ? seen.frames : seen.replies, seen.elapsedMs, seen.cpuMs));
      if (warmedMs + job.windowMs >= job.minWarmMs && isLevel(rates)) return true;
    }
    return false;
  }

  /** Sums slices until enough quiet time is seen, at most twice the asked time; the noisy ones count when quiet is rare. */
  async function run(): Promise<Measured> {
    const level = await warm();
    const quiet = createTally();
    const all = createTally();
    while (quiet.elapsedMs < job.measureMs && all.elapsedMs < MOST_TIMES * job.measureMs) {
      latencies.clear();
      const seen = await window(SLICE_MS);
      addTo(all, seen, latencies);
      if (isQuiet(seen)) addTo(quiet, seen, latencies);
    }
    const disturbed = quiet.elapsedMs < job.measureMs / 4;
    const { latencies: kept, ...sums } = disturbed ? all : quiet;
    return { kind: 'measured', ...sums, p50Us: kept.quantileUs(0.5), p99Us: kept.quantileUs(0.99), level, disturbed };
  }

  return new Promise<Measured>((resolve, reject) => {
    const broken = (reason: string) => reject(new Error(reason));
    for (let index = 0; index < job.connections; index++) {
      connections.push(
        openConnection(job.address.port, request, work.reply, {
          broken,
          frames: (count) => {
            counters.frames += count;
          },
          reply: (latencyUs) => {
            counters.replies++;
            latencies.add(latencyUs);
            return true;
          },
        }),
      );
    }
    run().then(resolve, reject);
  }).finally(() => {
    over = true;
    for (const connection of connections) connection.close();
  });
}
