// A recorded burst at a load whose peaks are beyond capacity: who is refused, when, and whether anybody waits in vain. For tests and proof.
import type { Run } from '../../../src/simulation/replay.ts';
import { percentile } from '../../../src/simulation/statistics.ts';
import type { TraceCall } from '../../../src/simulation/traces/forms.ts';
import { oneRun } from './one-run.ts';

export interface BurstOptions {
  readonly calls: readonly TraceCall[];
  /** Mean load of the whole trace. */
  readonly load: number;
  readonly workers: number;
  readonly concurrency: string;
  readonly waitSeconds: number;
  readonly retries: number;
  readonly seed: number;
}

export interface BurstFigures {
  readonly run: Run;
  /** Calls that stood in line, those of them that were let go, and by what. */
  readonly inLine: number;
  readonly waitedInVain: number;
  readonly gaveWay: number;
  readonly refusedAtOnce: number;
  readonly worstRefusalMs: number;
  readonly longestWaitMs: number;
  readonly otherFailures: number;
  /** Of those who came back when they were told to. */
  readonly servedOnReturn: number | null;
}

export async function burst(options: BurstOptions): Promise<BurstFigures> {
  const { calls, load, workers, concurrency, waitSeconds, retries, seed } = options;
  const policy = `
version: 1
pools:
  chat: { concurrencyPerWorker: ${concurrency}, workers: [ { url: "http://10.0.0.1:8000" } ] }
models:
  chat: { ladder: [ { pool: chat } ] }
classes:
  chat: { queue: { max: 2000, wait: ${waitSeconds}s } }
`;
  const recorded = { sessions: [], calls, rates: [], tokens: [] };
  const run = await oneRun(policy, load, { recorded, workers, retries, seed });
  const { records, refusals } = run.result;
  const answered = records.filter(({ code }) => code === null);
  const refused = records.filter(({ code }) => code === 'capacity_contended');
  const back = records.filter(({ tries }) => tries > 1);
  const waitedInVain = refusals.get('waited') ?? 0;
  return {
    run,
    inLine: answered.filter(({ queueMs }) => queueMs > 0).length + refused.filter(({ totalMs }) => totalMs > 0).length,
    waitedInVain,
    gaveWay: refused.filter(({ totalMs }) => totalMs > 0).length - waitedInVain,
    refusedAtOnce: refused.filter(({ totalMs }) => totalMs === 0).length,
    worstRefusalMs:
      percentile(
        refused.map(({ totalMs }) => totalMs),
        1,
      ) ?? 0,
    longestWaitMs:
      percentile(
        answered.map(({ queueMs }) => queueMs),
        1,
      ) ?? 0,
    otherFailures: records.length - answered.length - refused.length,
    servedOnReturn: back.length === 0 ? null : back.filter(({ code }) => code === null).length / back.length,
  };
}
