// What a worker that is slow, turns slow or comes and goes costs beside three good ones. For tests and proof.
import type { ProfileSpec } from '../../../src/core/schedule.ts';
import { stream } from '../../../src/simulation/chance.ts';
import { WORKER_PROFILES } from '../../../src/simulation/constants.ts';
import type { WorkerFault } from '../../../src/simulation/faults.ts';
import { percentile } from '../../../src/simulation/statistics.ts';
import { played } from '../staged.ts';
import { arrivals, callsAt } from './arrivals.ts';

const NEVER_MS = Number.POSITIVE_INFINITY;

/** What goes wrong with the fourth worker. */
export const SICKNESSES = {
  slow: [{ kind: 'slow', factor: 10, fromMs: 0, untilMs: NEVER_MS }],
  'turning slow': [{ kind: 'slow', factor: 10, fromMs: 30_000, untilMs: NEVER_MS }],
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
}

const CALL = { inputTokens: 1_000, outputTokens: 100 };
const POLICY = `
version: 1
pools:
  chat: { concurrencyPerWorker: 8, workers: [ { url: "http://10.0.0.1:8000" } ] }
models:
  chat: { ladder: [ { pool: chat } ] }
`;
/** With eight calls at once: what a worker of the h100 profile takes of these calls. */
const PER_SECOND = { slots: 80, h100: 1_000 / (1_000 / 4.444 + (100 * 10.14) / 8) } as const;

export async function sickWorker(options: SickOptions): Promise<SickFigures> {
  const { worker, sickness, schedule, load, seconds, seed } = options;
  const moments = arrivals(
    [{ perSecond: load * 3 * PER_SECOND[worker], seconds }],
    'poisson',
    stream(seed, 'arrivals'),
  );
  const { records } = await played(
    callsAt(moments, () => CALL),
    {
      workers: sickness === null ? 3 : 4,
      worker: WORKER_PROFILES[worker],
      policy: POLICY,
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
    fourthShare: records.filter(({ workerId }) => workerId === 'chat/4').length / records.length,
  };
}
