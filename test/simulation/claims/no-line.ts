// Learned limits before engines without a line of their own, which say "full" when their slots are taken. For tests and proof.
import { stream } from '../../../src/simulation/chance.ts';
import type { SlotsProfile } from '../../../src/simulation/profiles.ts';
import { percentile } from '../../../src/simulation/statistics.ts';
import { played } from '../staged.ts';
import { arrivals, callsAt, type Shape } from './arrivals.ts';

export interface NoLineOptions {
  readonly workers: number;
  readonly slots: number;
  readonly serviceMs: number;
  /** Of what the slots take. */
  readonly load: number;
  readonly seconds: number;
  readonly shape: Shape;
  readonly seed: number;
}

export interface NoLineFigures {
  readonly calls: number;
  readonly refusedShare: number;
  /** Attempts per call, and the most of one call. */
  readonly attempts: number;
  readonly mostAttempts: number;
  readonly queueP99Ms: number | null;
  readonly answeredPerSecond: number;
  readonly breakers: readonly string[];
}

export async function noLine(options: NoLineOptions): Promise<NoLineFigures> {
  const { workers, slots, serviceMs, load, seconds, shape, seed } = options;
  const worker: SlotsProfile = { kind: 'slots', slots, serviceMs, overheadMs: 1, maxQueued: 0, startUp: [] };
  const policy = `
version: 1
pools:
  chat: { concurrencyPerWorker: auto, workers: [ { url: "http://10.0.0.1:8000" } ] }
models:
  chat: { ladder: [ { pool: chat } ] }
`;
  const perSecond = (load * workers * slots * 1_000) / serviceMs;
  const scripts = callsAt(arrivals([{ perSecond, seconds }], shape, stream(seed, 'arrivals')), () => ({}));
  const { records, status } = await played(scripts, { worker, workers, policy, seed });
  const answered = records.filter(({ code }) => code === null);
  const attempts = records.map((record) => record.attempts);
  return {
    calls: records.length,
    refusedShare: 1 - answered.length / records.length,
    attempts: attempts.reduce((sum, one) => sum + one, 0) / records.length,
    mostAttempts: Math.max(...attempts),
    queueP99Ms: percentile(
      answered.map(({ queueMs }) => queueMs),
      0.99,
    ),
    answeredPerSecond: answered.length / seconds,
    breakers: status.pools.flatMap((pool) => pool.workers.map(({ breaker }) => breaker)),
  };
}
