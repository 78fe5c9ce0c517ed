// Shows what one bad worker of four costs all callers, beside the three good ones alone under the same load: one that is ten times
// as slow, one that becomes so, one that comes and goes. Router, workers and callers are processes of their own.
import { describe, expect, it } from 'vitest';
import { type CallRecord, onStage, quantile, runLoad } from './overload-stage.ts';

const SHAPE = { slots: 8, serviceMs: 100, waiting: 64 };
const SLOW = { serviceMs: 10 * SHAPE.serviceMs };
const FLAPPING = { flapMs: 1_000 };
/** What three of them can do. */
const CAPACITY = 240;
const SECONDS = Number(process.env['SPILLWAY_SLOW_WORKER_SECONDS'] ?? 12);
/** Calls of the first second only get the processes going. */
const WARM_MS = 1_000;
/** Where the machine itself was busy, the good ones' p99 is no measure of what they take. */
const MOST_HEALTHY_MS = 2 * SHAPE.serviceMs;

interface Setting {
  readonly schedule: 'sticky' | 'least-requests';
  readonly concurrency: 'auto' | 8;
  readonly streams: boolean;
  /** Of what the three good ones can do. */
  readonly load: number;
}

type Fourth = 'none' | 'ten times as slow' | 'ten times as slow from half-time on' | 'up and down';

async function run({ schedule, concurrency, streams, load: share }: Setting, fourth: Fourth) {
  const workers = Array.from({ length: fourth === 'none' ? 3 : 4 }, () => SHAPE);
  const { records, worstLagMs, there } = await onStage(
    { workers, concurrency, schedule, waitSeconds: 5 },
    async (stage) => {
      const bad = stage.workers[3];
      if (fourth === 'ten times as slow') await bad!.tell(SLOW);
      if (fourth === 'up and down') await bad!.tell(FLAPPING);
      const { url } = stage.router;
      const half = { perSecond: share * CAPACITY, seconds: SECONDS / 2 };
      const spec = { url, seed: 7, streamed: streams ? 1 : 0, obey: 0, returns: 0, phases: [half, half] };
      const load = await runLoad(
        spec,
        () => {},
        () => {
          if (fourth === 'ten times as slow from half-time on') void bad!.tell(SLOW);
        },
      );
      await stage.nothingOpen();
      return { ...load, there: (await bad?.tell())?.served ?? 0 };
    },
  );
  const counted = records.filter(({ atMs, whole }) => whole && atMs >= WARM_MS).map(({ ms }) => ms);
  const p99Ms = quantile(counted, 0.99);
  const cut = records.filter(({ whole }) => !whole);
  process.stdout.write(
    `F088 F089 ${schedule}, ${concurrency}, load ${share}, ${streams ? 'streams' : 'buffered'}, fourth ${fourth}: ${records.length} calls, p50 ${quantile(counted, 0.5).toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms, served by the fourth ${there}, not whole ${cut.length}, generator late ${worstLagMs.toFixed(0)} ms\n`,
  );
  return { p99Ms, boundMs: 2 * Math.min(p99Ms, MOST_HEALTHY_MS), cut };
}

/** What had begun when its worker died: its caller is told in-band, and no router can mend it. */
const hadBegun = ({ status, stream }: CallRecord) => status === 200 && stream;

describe('streams, calls per worker learned, the default profile', () => {
  const setting: Setting = { schedule: 'sticky', concurrency: 'auto', streams: true, load: 0.5 };
  let boundMs: number;

  it('three good workers answer all', async () => {
    const healthy = await run(setting, 'none');
    ({ boundMs } = healthy);
    expect(healthy.cut).toEqual([]);
  });

  it.each(['ten times as slow', 'ten times as slow from half-time on'] as const)(
    'F088 with a fourth worker, %s, p99 is at most twice theirs',
    async (fourth) => {
      const { p99Ms, cut } = await run(setting, fourth);
      expect(cut).toEqual([]);
      expect(p99Ms).toBeLessThanOrEqual(boundMs);
    },
  );

  it('F089 a fourth worker that is up for a second and down for a second cuts what it had begun, and slows nobody else', async () => {
    const { p99Ms, cut } = await run(setting, 'up and down');
    expect(p99Ms).toBeLessThanOrEqual(boundMs);
    expect(cut.filter((call) => !hadBegun(call))).toEqual([]);
    expect(cut.length).toBeLessThanOrEqual((SECONDS / 2) * SHAPE.slots);
  });
});

describe('whole replies, eight calls per worker, by fewest calls in flight', () => {
  const setting: Setting = { schedule: 'least-requests', concurrency: 8, streams: false, load: 0.5 };

  it('F089 a fourth worker that is up for a second and down for a second costs no caller an answer', async () => {
    const healthy = await run(setting, 'none');
    const { p99Ms, cut } = await run(setting, 'up and down');
    expect(cut).toEqual([]);
    expect(p99Ms).toBeLessThanOrEqual(healthy.boundMs);
  });
});

/** Both ways to choose and both forms of reply, each once; what else they make together is for the proof. */
const EACH_ONCE = [
  ['sticky', true],
  ['least-requests', false],
] as const;
const CROSSED = [
  ['sticky', false],
  ['least-requests', true],
] as const;

describe.each(process.env['SPILLWAY_PROOF'] === undefined ? EACH_ONCE : [...EACH_ONCE, ...CROSSED])(
  'at 0.7 of what the good ones take, eight calls per worker (%s, streams: %s)',
  (schedule, streams) => {
    const setting: Setting = { schedule, concurrency: 8, streams, load: 0.7 };
    /** Taken anew for a second try: what the machine does may have changed. */
    let healthy: ReturnType<typeof run> | null = null;

    it.each(['ten times as slow', 'ten times as slow from half-time on'] as const)(
      'F088 a fourth worker, %s, costs no caller more than twice the p99 of the others',
      async (fourth) => {
        healthy ??= run(setting, 'none');
        const { boundMs } = await healthy;
        const { p99Ms, cut } = await run(setting, fourth);
        if (!(p99Ms <= boundMs)) healthy = null;
        expect(cut).toEqual([]);
        expect(p99Ms).toBeLessThanOrEqual(boundMs);
      },
    );
  },
);
