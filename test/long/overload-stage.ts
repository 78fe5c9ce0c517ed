// Decides what tests of overload stand on: a router and workers of known size as processes, load from another process, and the
// figures that are taken of both sides. For the overload tests.
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newFolder, type Serving, serve } from '../entry/spillway-process.ts';
import { eventually } from '../fakes/eventually.ts';
import { type SlotShape, type SlotWorker, said, startSlotWorker } from '../fakes/slot-worker.ts';

export interface LoadSpec {
  readonly url: string;
  readonly seed: number;
  /** Share of calls whose reply streams. */
  readonly streamed: number;
  /** Share of callers who come back when they are told to, and how often. */
  readonly obey: number;
  readonly returns: number;
  readonly phases: readonly { readonly perSecond: number; readonly seconds: number }[];
}

/** One request: what came of it, seen by its caller. Times in ms since the load began. */
export interface CallRecord {
  readonly phase: number;
  readonly atMs: number;
  readonly ms: number;
  /** 0: no answer. */
  readonly status: number;
  readonly whole: boolean;
  /** Seconds; null: the answer has none. */
  readonly retryAfter: number | null;
  readonly stream: boolean;
  /** The how manieth of its caller. */
  readonly tries: number;
}

export interface Load {
  readonly startedWallMs: number;
  readonly records: readonly CallRecord[];
  /** By how much the generator was late at worst, ms: beyond a few ms the machine itself was busy. */
  readonly worstLagMs: number;
}

const GENERATOR = fileURLToPath(new URL('open-calls.ts', import.meta.url));

/** Runs a load to its last answer. `onPhase`: what to do when each phase begins, and when the last one is over. */
export async function runLoad(spec: LoadSpec, ...onPhase: (() => void)[]): Promise<Load> {
  const child = fork(GENERATOR, [JSON.stringify(spec)], { execArgv: [] });
  let startedWallMs = 0;
  for (let at = 0; at <= spec.phases.length; at++) {
    const { phaseWallMs } = (await said(child)) as { phaseWallMs: number };
    if (at === 0) startedWallMs = phaseWallMs;
    onPhase[at]?.();
  }
  const { records, worstLagMs } = (await said(child)) as Omit<Load, 'startedWallMs'>;
  return { startedWallMs, records, worstLagMs };
}

export interface StageOptions {
  readonly workers: readonly SlotShape[];
  readonly concurrency: number | string | object;
  readonly schedule?: string;
  readonly waitSeconds: number;
}

export interface Stage {
  readonly router: Serving;
  readonly workers: readonly SlotWorker[];
  /** Calls that have ended, as the router's log tells it. */
  calls(): { readonly time: number; readonly code?: string; readonly totalMs: number; readonly how: string }[];
  nothingOpen(): Promise<void>;
}

/** Whatever comes of `use`, no process of the stage outlives it. */
export async function onStage<T>(options: StageOptions, use: (stage: Stage) => Promise<T>): Promise<T> {
  const stage = await startStage(options);
  try {
    return await use(stage);
  } finally {
    await stage.close();
  }
}

async function startStage({
  workers: shapes,
  concurrency,
  schedule,
  waitSeconds,
}: StageOptions): Promise<Stage & { close(): Promise<void> }> {
  const workers = await Promise.all(shapes.map(startSlotWorker));
  const policy = {
    version: 1,
    pools: {
      slots: {
        engine: 'openai',
        serves: 'served',
        concurrencyPerWorker: concurrency,
        workers: workers.map(({ url }) => ({ url })),
        ...(schedule === undefined ? {} : { schedule }),
      },
    },
    models: { asked: { class: 'chat', ladder: [{ pool: 'slots' }] } },
    classes: { chat: { queue: { max: 2_000, wait: `${waitSeconds}s` } } },
  };
  const folder = newFolder();
  const path = join(folder, 'policy.yaml');
  writeFileSync(path, JSON.stringify(policy));
  const router = await serve(['--policy', path], { folder });
  return {
    router,
    workers,
    calls: () => router.logged('call') as unknown as ReturnType<Stage['calls']>,
    nothingOpen: () =>
      eventually(async () => (await router.status()).openCalls === 0, { what: 'no call is open' }) as Promise<never>,
    async close() {
      await router.dispose();
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}

/** Nearest rank: the smallest value that this share of all does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Calls answered whole and in good time per second, by when they ended. */
export function goodput(records: readonly CallRecord[], fromMs: number, toMs: number, withinMs: number): number {
  const good = records.filter(
    ({ whole, atMs, ms }) => whole && ms <= withinMs && atMs + ms >= fromMs && atMs + ms < toMs,
  );
  return good.length / ((toMs - fromMs) / 1_000);
}

/** Ms after `fromMs` from which on the p99 of all later calls is at most `boundMs`; infinite where that never comes. */
export function recoveryMs(records: readonly CallRecord[], fromMs: number, boundMs: number): number {
  const after = records.filter(({ atMs }) => atMs >= fromMs).sort((a, b) => a.atMs - b.atMs);
  const times = after.map(({ whole, ms }) => (whole ? ms : Number.POSITIVE_INFINITY));
  const at = times.findIndex((_, at) => quantile(times.slice(at), 0.99) <= boundMs);
  if (at < 0) return Number.POSITIVE_INFINITY;
  return at === 0 ? 0 : after[at]!.atMs - fromMs;
}
