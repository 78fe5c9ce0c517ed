// One turn: a fresh proxy process, one mode, its figures, and the checks that make them count. For run.ts.

import type { ChildProcess } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ask, end, freePort, heard, pinned, startNode } from './children.ts';
import type { Contender } from './contenders.ts';
import type { Address, Job, Outcome } from './load/jobs.ts';
import type { Memory } from './memory-reporter.ts';
import type { Figures, Mode } from './modes.ts';
import type { Counts, Setup } from './upstream.ts';

export interface Pace {
  readonly windowMs: number;
  readonly minWarmMs: number;
  readonly maxWarmMs: number;
  readonly measureMs: number;
  readonly idleStreams: number;
  /** How long a turn waits at most for a quiet machine; 0: not at all. */
  readonly quietMs: number;
}

export interface Stage {
  readonly upstream: ChildProcess;
  readonly upstreamPort: number;
  readonly load: ChildProcess;
}

export interface Sample {
  readonly figures: Figures;
  /** The last two warming windows agreed. */
  readonly level: boolean;
  /** Neighbours had the proxy's core for most of the turn, and the figures show it. */
  readonly disturbed: boolean;
  /** Share of its core that the proxy used; below 0.95 a closed loop was held back by something else. */
  readonly busy: number;
  /** Share of the time in which others had the proxy's core. */
  readonly others: number;
  /** The proxy forwarded other bytes than it was sent. */
  readonly altered: boolean;
}

const PROXY_CORE = 0;
const LOAD_CORE = 1;
const TICK_MS = 2;
/** Before the first reading, so that the heap has the size of a working proxy and not of a young one. */
const HOLD_WARM = { windowMs: 250, minWarmMs: 500, maxWarmMs: 500, measureMs: 250 };
const START_DEADLINE_MS = 15_000;
const REPORTER = fileURLToPath(new URL('memory-reporter.ts', import.meta.url));

export async function openStage(): Promise<Stage> {
  const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const upstream = startNode([path('upstream.ts')], { core: LOAD_CORE, ipc: true, loud: true });
  const { port } = await heard<{ port: number }>(upstream);
  const load = startNode([path('load/main.ts')], { core: LOAD_CORE, ipc: true, loud: true });
  await heard(load);
  return { upstream, upstreamPort: port, load };
}

type Answer<K extends Outcome['kind']> = Extract<Outcome, { kind: K }>;

async function runJob<K extends Outcome['kind']>(stage: Stage, job: Job, kind: K): Promise<Answer<K>> {
  const outcome = await ask<Outcome>(stage.load, job);
  if (outcome.kind === 'failed') throw new Error(outcome.reason);
  if (outcome.kind !== kind) throw new Error(`the load answered ${outcome.kind} to ${job.kind}`);
  return outcome as Answer<K>;
}

async function setUpstream(stage: Stage, workload: Setup['workload'], corrupt = false): Promise<void> {
  await ask(stage.upstream, { kind: 'setup', workload, tickMs: TICK_MS, corrupt } satisfies Setup);
}

/** The load must refuse a reply and a stream of which one late byte is wrong; else no figure counts. */
export async function proveChecks(stage: Stage): Promise<void> {
  // Longer than a stream lasts: its wrong byte is in the last event.
  const times = { windowMs: 250, minWarmMs: 8_000, maxWarmMs: 8_000, measureMs: 250 };
  const address = { port: stage.upstreamPort, path: '/v1/chat/completions', headers: {} };
  for (const workload of ['small', 'stream'] as const) {
    await setUpstream(stage, workload, true);
    const job = { kind: 'measure', address, pid: null, core: null, workload, connections: 1, ...times } as const;
    const outcome = await ask<Outcome>(stage.load, job);
    if (outcome.kind !== 'failed' || !outcome.reason.startsWith('other bytes')) {
      throw new Error(`the load took a wrong ${workload} reply for a right one`);
    }
  }
}

/** Calls that the load left behind must end first: answered with another workload, they would be faults of the target. */
async function noneInFlight(stage: Stage): Promise<void> {
  const deadlineMs = performance.now() + 5_000;
  do {
    await ask<Counts>(stage.upstream, { kind: 'report' });
    await setTimeout(200);
    const { same, altered } = await ask<Counts>(stage.upstream, { kind: 'report' });
    if (same + altered === 0) return;
  } while (performance.now() < deadlineMs);
  throw new Error('calls of the warm-up never ended');
}

async function holdTurn(stage: Stage, proxy: ChildProcess, address: Address, streams: number): Promise<Figures> {
  await setUpstream(stage, 'small');
  await runJob(
    stage,
    { kind: 'measure', address, pid: null, core: null, workload: 'small', connections: 64, ...HOLD_WARM },
    'measured',
  );
  await noneInFlight(stage);
  await setUpstream(stage, 'idle');
  const before = await ask<Memory>(proxy, { kind: 'memory' });
  await runJob(stage, { kind: 'hold', address, streams }, 'held');
  const after = await ask<Memory>(proxy, { kind: 'memory' });
  await runJob(stage, { kind: 'release' }, 'released');
  return {
    'RSS/stream': (after.residentKiB - before.residentKiB) / streams,
    'heap/stream': (after.heapKiB - before.heapKiB) / streams,
  };
}

/** Never resolves: a proxy that ends before it answers ends the run, and the load's pending job with it. */
function endedEarly(proxy: ChildProcess): Promise<never> {
  return new Promise((_resolve, reject) => {
    proxy.once('exit', (code) =>
      reject(new Error(`the proxy ended (${code}) before it answered: ${proxy.spawnargs.join(' ')}`)),
    );
  });
}

const startedBefore = new Set<Contender>();

export async function takeTurn(stage: Stage, mode: Mode, contender: Contender, pace: Pace): Promise<Sample> {
  if (mode.kind === 'start' && !startedBefore.has(contender)) {
    startedBefore.add(contender);
    // Fills the cache of compiled code, as the first start after an installation does; its figure is dropped.
    await takeTurn(stage, mode, contender, pace);
  }
  const hold = mode.kind === 'hold';
  await setUpstream(stage, 'small');
  let proxy: ChildProcess | null = null;
  let port = stage.upstreamPort;
  const spawnedAtMs = performance.timeOrigin + performance.now();
  if (contender.command !== null) {
    port = await freePort();
    const { args, env } = contender.command(port, stage.upstreamPort);
    const flags = hold ? ['--expose-gc', '--import', REPORTER] : [];
    proxy = startNode([...flags, ...args], {
      core: PROXY_CORE,
      ipc: hold,
      loud: false,
      ...(env === undefined ? {} : { env }),
    });
  }
  const address = { port, path: '/v1/chat/completions', headers: contender.headers(stage.upstreamPort) };
  try {
    const answered = runJob(stage, { kind: 'first_answer', address, deadlineMs: START_DEADLINE_MS }, 'first_answered');
    const first = await (proxy === null ? answered : Promise.race([answered, endedEarly(proxy)]));
    const quiet = { level: true, disturbed: false, busy: 1, others: 0, altered: false };
    if (mode.kind === 'start') return { ...quiet, figures: { 'first answer': first.atMs - spawnedAtMs } };
    await setUpstream(stage, mode.workload);
    await ask<Counts>(stage.upstream, { kind: 'report' });
    if (hold) return { ...quiet, figures: await holdTurn(stage, proxy!, address, pace.idleStreams) };
    const { workload, connections } = mode;
    const { windowMs, minWarmMs, maxWarmMs, measureMs } = pace;
    const pid = proxy?.pid ?? null;
    const times = { windowMs, minWarmMs, maxWarmMs, measureMs };
    const core = pid !== null && pinned ? PROXY_CORE : null;
    const seen = await runJob(
      stage,
      { kind: 'measure', address, pid, core, workload, connections, ...times },
      'measured',
    );
    const counts = await ask<Counts>(stage.upstream, { kind: 'report' });
    return {
      figures: mode.read(seen),
      level: seen.level,
      disturbed: seen.disturbed,
      busy: seen.cpuMs / seen.elapsedMs,
      others: seen.othersMs / seen.elapsedMs,
      altered: counts.altered > 0,
    };
  } finally {
    if (proxy !== null) await end(proxy);
  }
}
