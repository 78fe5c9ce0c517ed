// What one tenant's flood, or a flood of batch work, costs a neighbour who asks for less than its share. For tests and proof.
import type { Priority } from '../../../src/core/names.ts';
import { stream } from '../../../src/simulation/chance.ts';
import { WORKER_PROFILES } from '../../../src/simulation/constants.ts';
import type { WorkerProfile } from '../../../src/simulation/profiles.ts';
import type { CallRecord } from '../../../src/simulation/record.ts';
import { type Percentiles, percentiles } from '../../../src/simulation/statistics.ts';
import { played } from '../staged.ts';
import { arrivals, callsAt, together } from './arrivals.ts';

export interface NeighbourOptions {
  readonly worker: 'slots' | 'h100';
  /** Of capacity: what the neighbour asks for, and what the flood does. */
  readonly own: number;
  readonly flood: number;
  readonly priority: Priority | null;
  /** The neighbour's own band, where it is not that of its class. */
  readonly ownPriority?: Priority;
  /** Longest wait in line; half of it raises a background call to batch. */
  readonly waitSeconds: number;
  readonly seconds: number;
  readonly asOneTenant: boolean;
  readonly seed: number;
}

export interface NeighbourFigures {
  readonly calls: number;
  readonly answered: number;
  readonly waitMs: Percentiles;
  readonly ttftMs: Percentiles;
  readonly floodAnsweredPerSecond: number;
  /** What one call takes on an idle worker. */
  readonly serviceMs: number;
}

const WORKERS = 2;
const CALL = { inputTokens: 1_000, outputTokens: 100 };
const policyFor = (waitSeconds: number) => `
version: 1
pools:
  chat: { concurrencyPerWorker: 8, workers: [ { url: "http://10.0.0.1:8000" } ] }
models:
  chat: { ladder: [ { pool: chat } ] }
classes:
  chat: { queue: { max: 500, wait: ${waitSeconds}s } }
tenants:
  neighbour: { priority: critical }
`;

/** Calls a second that all workers take together with eight calls at once, and how long one takes alone. */
function pace(worker: WorkerProfile): { perSecond: number; serviceMs: number } {
  if (worker.kind === 'slots')
    return { perSecond: (WORKERS * worker.slots * 1_000) / worker.serviceMs, serviceMs: worker.serviceMs };
  const readMs = (CALL.inputTokens / worker.prefillTokensPerSecond) * 1_000;
  const stepMs = worker.stepMs + 8 * worker.stepMsPerRunning;
  const perSecond = (WORKERS * 1_000) / (readMs + (CALL.outputTokens * stepMs) / 8);
  return { perSecond, serviceMs: readMs + CALL.outputTokens * (worker.stepMs + worker.stepMsPerRunning) };
}

export async function neighbour(options: NeighbourOptions): Promise<NeighbourFigures> {
  const { own, flood, priority, ownPriority = null, waitSeconds, seconds, asOneTenant, seed } = options;
  const worker = WORKER_PROFILES[options.worker];
  const { perSecond, serviceMs } = pace(worker);
  const drawn = (share: number, name: string) =>
    share === 0 ? [] : arrivals([{ perSecond: share * perSecond, seconds }], 'poisson', stream(seed, name));
  const { records } = await played(
    together(
      callsAt(drawn(own, 'neighbour'), () => ({ ...CALL, tenant: 'neighbour', priority: ownPriority })),
      callsAt(drawn(flood, 'flood'), () => ({ ...CALL, tenant: 'flood', priority })),
    ),
    { workers: WORKERS, worker, policy: policyFor(waitSeconds), seed, asOneTenant },
  );
  // The line has to fill first.
  const counted = records.filter(({ arrivedMs }) => arrivedMs >= 100 * seconds);
  const mine = counted.filter(({ tenant }) => tenant === 'neighbour');
  const answered = mine.filter(({ code }) => code === null);
  const theirs = counted.filter(({ tenant, code }) => tenant === 'flood' && code === null);
  const of = (value: (record: CallRecord) => number) => percentiles(answered.map(value));
  return {
    calls: mine.length,
    answered: answered.length,
    waitMs: of(({ queueMs }) => queueMs),
    ttftMs: of(({ ttftMs }) => ttftMs ?? Number.POSITIVE_INFINITY),
    floodAnsweredPerSecond: theirs.length / (0.9 * seconds),
    serviceMs,
  };
}
