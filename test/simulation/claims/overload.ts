// What ten times the load that eight slots take does: to those served, to those refused, and afterwards. For tests and proof.
import { stream } from '../../../src/simulation/chance.ts';
import { WORKER_PROFILES } from '../../../src/simulation/constants.ts';
import type { CallRecord } from '../../../src/simulation/record.ts';
import { percentile } from '../../../src/simulation/statistics.ts';
import { played } from '../staged.ts';
import { arrivals, callsAt, type Phase, type Shape } from './arrivals.ts';

const { slots: WORKER } = WORKER_PROFILES;
/** Eight slots of 100 ms. */
const CAPACITY_PER_SECOND = (WORKER.slots * 1_000) / WORKER.serviceMs;

export interface OverloadOptions {
  readonly shape: Shape;
  /** Longest wait in line, s. */
  readonly waitSeconds: number;
  readonly overloadSeconds: number;
  readonly times: number;
  /** How often callers come back when they are told to. */
  readonly retries: number;
  readonly seed: number;
}

export interface OverloadFigures {
  readonly calls: number;
  /** Answers a second at a load of 1, and in the overload. */
  readonly peakPerSecond: number;
  readonly goodputPerSecond: number;
  /** How long it took to say no; and how many were told so only after they had stood in line. */
  readonly refused: number;
  readonly refusalP99Ms: number;
  readonly waitedInVain: number;
  /** From the end of the overload until no later call takes more than 1.2 times as long as the slowest before it. */
  readonly recoveryMs: number;
  /** Of those who came back as told: the share that was served then. */
  readonly served: number | null;
  /** The share that the best possible order would have served of them when they came: no slot is left for more. */
  readonly servable: number | null;
  readonly retryAfterSeconds: { readonly p50: number | null; readonly p95: number | null };
}

const CALM_SECONDS = 20;

export async function overload(options: OverloadOptions): Promise<OverloadFigures> {
  const { shape, waitSeconds, overloadSeconds, times, retries, seed } = options;
  const phases: Phase[] = [
    { perSecond: 0.5 * CAPACITY_PER_SECOND, seconds: CALM_SECONDS },
    { perSecond: CAPACITY_PER_SECOND, seconds: CALM_SECONDS },
    { perSecond: times * CAPACITY_PER_SECOND, seconds: overloadSeconds },
    { perSecond: 0.5 * CAPACITY_PER_SECOND, seconds: 2 * CALM_SECONDS },
  ];
  const policy = `
version: 1
pools:
  chat: { concurrencyPerWorker: 8, workers: [ { url: "http://10.0.0.1:8000" } ] }
models:
  chat: { ladder: [ { pool: chat } ] }
classes:
  chat: { queue: { max: 2000, wait: ${waitSeconds}s } }
`;
  const scripts = callsAt(arrivals(phases, shape, stream(seed, 'arrivals')), () => ({}));
  const { records, refusals } = await played(scripts, { worker: WORKER, policy, retries, seed });
  const overFromMs = 2 * CALM_SECONDS * 1_000;
  const overUntilMs = overFromMs + overloadSeconds * 1_000;
  const answered = records.filter(({ code }) => code === null);
  const rate = (fromMs: number, untilMs: number) =>
    answered.filter(({ arrivedMs, totalMs }) => arrivedMs + totalMs >= fromMs && arrivedMs + totalMs < untilMs).length /
    ((untilMs - fromMs) / 1_000);
  const refused = records.filter(({ code }) => code === 'capacity_contended');
  const back = records.filter(({ tries }) => tries > 1);
  const hints = refused.map(({ retryAfterSeconds }) => retryAfterSeconds ?? Number.POSITIVE_INFINITY);
  return {
    calls: records.length,
    peakPerSecond: rate(CALM_SECONDS * 1_000, overFromMs),
    goodputPerSecond: rate(overFromMs, overUntilMs),
    refused: refused.length,
    refusalP99Ms:
      percentile(
        refused.map(({ totalMs }) => totalMs),
        0.99,
      ) ?? 0,
    waitedInVain: refusals.get('waited') ?? 0,
    recoveryMs: recovery(records, CALM_SECONDS * 1_000, overUntilMs),
    servable: back.length === 0 ? null : mostServed(records, waitSeconds * 1_000) / back.length,
    served: back.length === 0 ? null : back.filter(({ code }) => code === null).length / back.length,
    retryAfterSeconds: { p50: percentile(hints, 0.5), p95: percentile(hints, 0.95) },
  };
}

/**
 * Of further tries, as many as slots are left for by the first ones that were served: each slot goes to the oldest that may still
 * wait, with nothing left idle while one does. Slots are counted by the time of one call.
 */
function mostServed(records: readonly CallRecord[], waitMs: number): number {
  const further = records.filter(({ tries }) => tries > 1).map(({ arrivedMs }) => arrivedMs);
  further.sort((a, b) => a - b);
  const taken = new Map<number, number>();
  let lastMs = 0;
  for (const { tries, code, arrivedMs, totalMs } of records) {
    lastMs = Math.max(lastMs, arrivedMs);
    if (tries > 1 || code !== null) continue;
    const at = Math.floor((arrivedMs + totalMs) / WORKER.serviceMs);
    taken.set(at, (taken.get(at) ?? 0) + 1);
  }
  let served = 0;
  let next = 0;
  for (let at = 0; at * WORKER.serviceMs <= lastMs + waitMs; at++) {
    const nowMs = at * WORKER.serviceMs;
    while (next < further.length && further[next]! + waitMs < nowMs) next++;
    for (let left = WORKER.slots - (taken.get(at) ?? 0); left > 0 && further[next]! < nowMs; left--) {
      next++;
      served++;
    }
  }
  return served;
}

function recovery(records: readonly CallRecord[], calmUntilMs: number, overUntilMs: number): number {
  const took = ({ code, totalMs }: CallRecord) => (code === null ? totalMs : Number.POSITIVE_INFINITY);
  const before = records.filter(({ arrivedMs }) => arrivedMs < calmUntilMs).map(took);
  const boundMs = 1.2 * Math.max(...before);
  const last = records
    .filter((record) => record.arrivedMs >= overUntilMs && took(record) > boundMs)
    .reduce((latest, { arrivedMs }) => Math.max(latest, arrivedMs), overUntilMs);
  return last - overUntilMs;
}
