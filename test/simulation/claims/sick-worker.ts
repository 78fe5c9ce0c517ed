// What a worker that is slow, turns slow or comes and goes costs beside three good ones. For tests and proof.
import type { ProfileSpec } from '../../../src/core/schedule.ts';
import { stream } from '../../../src/simulation/chance.ts';
import { WORKER_PROFILES } from '../../../src/simulation/constants.ts';
import type { WorkerFault } from '../../../src/simulation/faults.ts';
import type { CallRecord } from '../../../src/simulation/record.ts';
import { percentile } from '../../../src/simulation/statistics.ts';
import { played } from '../staged.ts';
import { arrivals, callsAt } from './arrivals.ts';

const NEVER_MS = Number.POSITIVE_INFINITY;

/** What goes wrong with the fourth worker. */
export const SICKNESSES = {
  slow: [{ kind: 'slow', factor: 10, fromMs: 0, untilMs: NEVER_MS }],
  'turning slow': [{ kind: 'slow', factor: 10, fromMs: 30_000, untilMs: NEVER_MS }],
  'slow for 30 s': [{ kind: 'slow', factor: 10, fromMs: 10_000, untilMs: 40_000 }],
  'half as fast': [{ kind: 'slow', factor: 2, fromMs: 0, untilMs: NEVER_MS }],
  'flapping 1 s': [{ kind: 'flapping', downMs: 1_000, upMs: 1_000, fromMs: 10_000, untilMs: NEVER_MS }],
  'flapping 5 s': [{ kind: 'flapping', downMs: 5_000, upMs: 5_000, fromMs: 10_000, untilMs: NEVER_MS }],
} as const satisfies Record<string, readonly WorkerFault[]>;

export interface SickOptions {
  readonly worker: 'slots' | 'h100';
  /** Null: the three healthy workers alone. */
  readonly sickness: keyof typeof SICKNESSES | null;
  readonly schedule: ProfileSpec;
  /** Of what the three healthy ones take. */
  readonly load: number;
  readonly seconds: number;
  readonly seed: number;
  /** Replies come in one piece. */
  readonly isWhole?: boolean;
  /** Calls at once at each worker. Default 8. */
  readonly limit?: number | 'auto';
}

export interface SickFigures {
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Without any first content; and cut after it, which no router can mend. */
  readonly unanswered: number;
  readonly cut: number;
  /** Of all calls, how many the fourth worker got. */
  readonly fourthShare: number;
  /** The same of the last quarter of the calls. */
  readonly fourthAtLast: number;
}

const CALL = { inputTokens: 1_000, outputTokens: 100 };
const policyWith = (limit: number | 'auto') => `
version: 1
pools:
  chat: { concurrencyPerWorker: ${limit}, workers: [ { url: "http://10.0.0.1:8000" } ] }
models:
  chat: { ladder: [ { pool: chat } ] }
`;
/** What a worker takes of these calls with so many at once: eight places of 100 ms, or reading one by one and making together. */
const PER_SECOND = {
  slots: (limit: number) => 10 * Math.min(limit, 8),
  h100: (limit: number) => 1_000 / (1_000 / 4.444 + (100 * 10.14) / limit),
} as const;

export async function sickWorker(options: SickOptions): Promise<SickFigures> {
  const { worker, sickness, schedule, load, seconds, seed, isWhole = false, limit = 8 } = options;
  const capacity = PER_SECOND[worker](limit === 'auto' ? 8 : limit);
  const moments = arrivals([{ perSecond: load * 3 * capacity, seconds }], 'poisson', stream(seed, 'arrivals'));
  const { records } = await played(
    callsAt(moments, () => ({ ...CALL, isWhole })),
    {
      workers: sickness === null ? 3 : 4,
      worker: WORKER_PROFILES[worker],
      policy: policyWith(limit),
      schedule,
      faults: sickness === null ? {} : { 'chat/4': SICKNESSES[sickness] },
      seed,
    },
  );
  const times = records.map(({ ttftMs }) => ttftMs ?? NEVER_MS);
  return {
    calls: records.length,
    p50Ms: percentile(times, 0.5) ?? NEVER_MS,
    p99Ms: percentile(times, 0.99) ?? NEVER_MS,
    unanswered: records.filter(({ ttftMs }) => ttftMs === null).length,
    cut: records.filter(({ ttftMs, code }) => ttftMs !== null && code !== null).length,
    fourthShare: ofFourth(records),
    fourthAtLast: ofFourth(records.slice(-Math.floor(records.length / 4))),
  };
}

function ofFourth(records: readonly CallRecord[]): number {
  return records.filter(({ workerId }) => workerId === 'chat/4').length / records.length;
}
