// One turn: a fresh proxy process, one mode, its figures, and the checks that make them count. For run.ts.
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ask, end, freePort, heard, startNode } from './children.ts';
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
  /** Share of its core that the proxy used; below 0.95 a closed loop was held back by something else. */
  readonly busy: number;
  /** Share of the window in which the proxy was ready and another process had its core. */
  readonly waited: number;
  /** The proxy forwarded other bytes than it was sent. */
  readonly altered: boolean;
}

export const PROXY_CORE = 0;
export const LOAD_CORE = 1;
const TICK_MS = 2;
const START_DEADLINE_MS = 15_000;
const REPORTER = fileURLToPath(new URL('memory-reporter.ts', import.meta.url));

export async function openStage(): Promise<Stage> {
  const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const upstream = startNode([path('upstream.ts')], { core: LOAD_CORE, ipc: true });
  const { port } = await heard<{ port: number }>(upstream);
  const load = startNode([path('load/main.ts')], { core: LOAD_CORE, ipc: true });
  await heard(load);
  return { upstream, upstreamPort: port, load };
}

type Answer<K extends Outcome['kind']> = Extract<Outcome, { kind: K }>;

export async function runJob<K extends Outcome['kind']>(stage: Stage, job: Job, kind: K): Promise<Answer<K>> {
  const outcome = await ask<Outcome>(stage.load, job);
  if (outcome.kind === 'failed') throw new Error(outcome.reason);
  if (outcome.kind !== kind) throw new Error(`the load answered ${outcome.kind} to ${job.kind}`);
  return outcome as Answer<K>;
}

export async function setUpstream(stage: Stage, workload: Setup['workload']): Promise<void> {
  await ask(stage.upstream, { kind: 'setup', workload, tickMs: TICK_MS } satisfies Setup);
}

async function holdTurn(stage: Stage, proxy: ChildProcess, address: Address, streams: number): Promise<Figures> {
  const before = await ask<Memory>(proxy, { kind: 'memory' });
  await runJob(stage, { kind: 'hold', address, streams }, 'held');
  const after = await ask<Memory>(proxy, { kind: 'memory' });
  await runJob(stage, { kind: 'release' }, 'released');
  return {
    'RSS/stream': (after.residentKiB - before.residentKiB) / streams,
    'heap/stream': (after.heapKiB - before.heapKiB) / streams,
  };
}

export async function takeTurn(stage: Stage, mode: Mode, contender: Contender, pace: Pace): Promise<Sample> {
  const hold = mode.kind === 'hold';
  await setUpstream(stage, 'small');
  let proxy: ChildProcess | null = null;
  let port = stage.upstreamPort;
  const spawnedAtMs = performance.timeOrigin + performance.now();
  if (contender.command !== null) {
    port = await freePort();
    const { args, env } = contender.command(port, stage.upstreamPort);
    const flags = hold ? ['--expose-gc', '--import', REPORTER] : [];
    proxy = startNode([...flags, ...args], { core: PROXY_CORE, ipc: hold, ...(env === undefined ? {} : { env }) });
  }
  const address = { port, path: '/v1/chat/completions', headers: contender.headers(stage.upstreamPort) };
  try {
    const first = await runJob(
      stage,
      { kind: 'first_answer', address, deadlineMs: START_DEADLINE_MS },
      'first_answered',
    );
    const quiet = { level: true, busy: 1, waited: 0, altered: false };
    if (mode.kind === 'start') return { ...quiet, figures: { 'first answer': first.atMs - spawnedAtMs } };
    await setUpstream(stage, mode.workload);
    await ask<Counts>(stage.upstream, { kind: 'report' });
    if (hold) return { ...quiet, figures: await holdTurn(stage, proxy!, address, pace.idleStreams) };
    const { workload, connections } = mode;
    const { windowMs, minWarmMs, maxWarmMs, measureMs } = pace;
    const pid = proxy?.pid ?? null;
    const times = { windowMs, minWarmMs, maxWarmMs, measureMs };
    const seen = await runJob(stage, { kind: 'measure', address, pid, workload, connections, ...times }, 'measured');
    const counts = await ask<Counts>(stage.upstream, { kind: 'report' });
    return {
      figures: mode.read(seen),
      level: seen.level,
      busy: seen.cpuMs / seen.elapsedMs,
      waited: seen.waitedMs / seen.elapsedMs,
      altered: counts.altered > 0,
    };
  } finally {
    if (proxy !== null) await end(proxy);
  }
}
