// Shows what ten times the load that a worker takes does to those who are served, to those who are refused, and to all once it
// is over: router, worker and callers are processes of their own.
import { expect, it } from 'vitest';
import { goodput, type Load, onStage, quantile, recoveryMs, runLoad, type Stage } from './overload-stage.ts';

const SLOTS = 8;
const SERVICE_MS = 100;
/** What the worker can do at best, calls a second. */
const CAPACITY = (SLOTS * 1_000) / SERVICE_MS;
/**
 * The longest line is the class's wait times the capacity, and at half load afterwards it takes as long as that to be gone:
 * so much of the 5 s the policy spends here.
 */
const WAIT_S = 1;
/** An answer that comes later is no good to its caller. */
const GOOD_MS = 2_000;
/** At half load one of a hundred calls takes so long by chance: more than eight came at once. */
const CHANCE_MS = 1.4 * SERVICE_MS;
const OVERLOAD_S = Number(process.env['SPILLWAY_OVERLOAD_SECONDS'] ?? 10);

// In the first seconds processes get going: nothing is measured.
const PHASES = [
  { perSecond: 0.5 * CAPACITY, seconds: 2 },
  { perSecond: 0.5 * CAPACITY, seconds: 5 },
  { perSecond: CAPACITY, seconds: 4 },
  { perSecond: 10 * CAPACITY, seconds: OVERLOAD_S },
  { perSecond: 0.5 * CAPACITY, seconds: 10 },
];
const [CALM, PEAK, OVER, AFTER] = [1, 2, 3, 4];
const beginOf = (phase: number) => PHASES.slice(0, phase).reduce((sum, { seconds }) => sum + seconds * 1_000, 0);

function figures({ records, startedWallMs, worstLagMs }: Load, stage: Stage) {
  const times = (phase: number) => records.filter(({ phase: of, whole }) => whole && of === phase).map(({ ms }) => ms);
  const peak = Math.max(CAPACITY, goodput(records, beginOf(PEAK), beginOf(OVER), GOOD_MS));
  const calmMs = quantile(times(CALM), 0.99);
  const [fromMs, toMs] = [startedWallMs + beginOf(OVER), startedWallMs + beginOf(AFTER)];
  const refusedMs = stage
    .calls()
    .filter(({ time, code }) => code === 'capacity_contended' && time >= fromMs && time < toMs)
    .map(({ totalMs }) => totalMs);
  const hints = records.filter(({ status }) => status === 429).map(({ retryAfter }) => retryAfter ?? 0);
  const backs = records.filter(({ tries }) => tries > 1);
  return {
    requests: records.length,
    generatorLateMs: Math.round(worstLagMs),
    /** Of the peak. */
    goodput: goodput(records, beginOf(OVER) + 1_000, beginOf(AFTER), GOOD_MS) / peak,
    servedMs: [quantile(times(OVER), 0.5), quantile(times(OVER), 0.99)].map(Math.round),
    refused: refusedMs.length,
    refusedMs: [0.5, 0.99, 0.999, 1].map((share) => quantile(refusedMs, share)),
    refusedAtOnce: refusedMs.filter((ms) => ms <= 20).length / refusedMs.length,
    hints: [quantile(hints, 0), quantile(hints, 1)],
    /** Turned away before there was any overload. */
    refusedInCalm: records.filter(({ phase, status }) => phase === CALM && status === 429).length,
    calmMs: Math.round(calmMs),
    recoveryMs: Math.round(recoveryMs(records, beginOf(AFTER), 1.2 * Math.max(calmMs, CHANCE_MS))),
    /** Neither whole nor refused: what was let in and came to nothing. */
    broken: records.filter(({ status, whole }) => !whole && status !== 429),
    cameBack: backs.length,
    cameBackServed: backs.filter(({ whole }) => whole).length / backs.length,
  };
}

const KINDS = [
  { kind: '8 calls per worker', concurrency: SLOTS, waiting: 0 },
  { kind: 'learned, at a worker that queues', concurrency: 'auto', waiting: 256 },
];

/** One load at a time: beside it only callers of the one before wait to come back, a minute long, a few of them a second. */
let before: Promise<void> = Promise.resolve();
async function inTurn<T>(work: (over: () => void) => Promise<T>): Promise<T> {
  const { promise, resolve: over } = Promise.withResolvers<void>();
  const mine = before;
  before = promise;
  await mine;
  return work(over).finally(over);
}

it.concurrent.each(KINDS)(
  'F080 ten times as many calls as a worker serves: nine tenths of the peak are served, 99 of 100 refusals take 20 ms at most, whoever comes back as told is served, all is calm within 5 s; $kind',
  async ({ kind, concurrency, waiting }) => {
    const worker = { slots: SLOTS, serviceMs: SERVICE_MS, waiting };
    const found = await inTurn((over) =>
      onStage({ workers: [worker], concurrency, waitSeconds: WAIT_S }, async (stage) => {
        const spec = { url: stage.router.url, seed: 1, streamed: 0.5, obey: 0.02, returns: 1, phases: PHASES };
        const load = await runLoad(spec, ...PHASES.map(() => () => {}), over);
        await stage.nothingOpen();
        return figures(load, stage);
      }),
    );
    process.stdout.write(`F080 ${kind}: ${JSON.stringify(found)}\n`);
    expect(found.broken).toEqual([]);
    expect(found.goodput).toBeGreaterThanOrEqual(0.9);
    expect(found.refused).toBeGreaterThan(8 * CAPACITY * OVERLOAD_S);
    expect(found.hints[0]).toBeGreaterThanOrEqual(1);
    // One after the other: nine calls a slot are told a time, whoever of them comes.
    expect(found.hints[1]).toBeLessThanOrEqual(55);
    expect(found.recoveryMs).toBeLessThanOrEqual(5_000);
    expect(found.cameBack).toBeGreaterThan(50);
    expect(found.cameBackServed).toBeGreaterThanOrEqual(0.95);
    expect(found.refusedAtOnce).toBeGreaterThanOrEqual(0.99);
  },
  2 * (OVERLOAD_S + 120) * 1_000,
);
