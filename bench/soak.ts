// Whether a router under changing load holds more and more: minutes of calls of all kinds, and what is left when they end. For `npm run proof`.
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { seeded } from '../src/simulation/chance.ts';
import { endAll } from './children.ts';
import { host } from './host.ts';
import { createCaller } from './soak/calls.ts';
import { type Growth, grows, growth, type Point } from './soak/growth.ts';
import { Load } from './soak/load.ts';
import type { Holding } from './soak/reporter.ts';
import { openStage, SLOTS, type Stage } from './soak/stage.ts';

const { values: options } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const MINUTES = Number(options.minutes);
if (!(MINUTES >= 1 && MINUTES <= 120)) throw new Error('--minutes is a number from 1 to 120');
/** Less than this tells nothing of growth: what is left and how calls end is judged all the same. */
const LEAST_MINUTES = 5;
/** Shares of what the workers can do, in turn. */
const PHASES = [0.6, 1.5];
const PHASE_MS = MINUTES >= LEAST_MINUTES ? 30_000 : 10_000;
const SAMPLE_MS = MINUTES >= LEAST_MINUTES ? 10_000 : 2_000;
/** The first of the time, in which code is compiled and tables are filled, says nothing of growth. */
const WARM_SHARE = 0.2;
const CALIBRATION_MS = 8_000;
/** Growth of the heap over the whole time that is too little to be told from V8's own moods, MiB. */
const LEAST_MIB = 0.5;
/** Idle connections to workers are closed after 30 s. */
const SETTLE_MS = 60_000;

interface Sample extends Holding {
  readonly minute: number;
  readonly phase: string;
  readonly openCalls: number;
  readonly waiting: number;
  readonly upstream: number;
}

async function sampled(stage: Stage, minute: number, phase: string): Promise<Sample> {
  const { openCalls, upstreamConnections, pools } = await stage.status();
  const holding = await stage.holding();
  const waiting = pools.reduce((sum, pool) => sum + pool.waiting, 0);
  return { ...holding, minute, phase, openCalls, waiting, upstream: upstreamConnections };
}

/** Whether nothing is left of the calls: as before the first of them. */
function isBack({ resources, openCalls, waiting, upstream }: Sample, before: Sample): boolean {
  const names = new Set([...Object.keys(resources), ...Object.keys(before.resources)]);
  const same = [...names].every((name) => (resources[name] ?? 0) <= (before.resources[name] ?? 0));
  return same && openCalls === 0 && waiting === 0 && upstream <= before.upstream;
}

const resourcesText = (resources: Holding['resources']) =>
  Object.entries(resources)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');

function row({ minute, phase, heapMiB, residentMiB, openCalls, waiting, upstream, resources }: Sample): string {
  const { Timeout = 0, TCPSocketWrap = 0 } = resources;
  const figures = [heapMiB.toFixed(2), residentMiB.toFixed(0), openCalls, waiting, upstream, TCPSocketWrap, Timeout];
  return `| ${minute.toFixed(1)} | ${phase} | ${figures.join(' | ')} |`;
}

async function main(): Promise<boolean> {
  const where = host();
  const stage = await openStage();
  const caller = createCaller(stage.origin, stage.keys);
  const load = new Load(caller, seeded(1));
  const before = await quiet(stage, null);
  const capacity = await load.capacity(SLOTS, CALIBRATION_MS);
  const running = load.run();
  const sinceMs = performance.now();
  const samples: Sample[] = [];
  for (let next = 1; next * SAMPLE_MS <= MINUTES * 60_000; next++) {
    const share = PHASES[Math.floor(((next - 1) * SAMPLE_MS) / PHASE_MS) % PHASES.length]!;
    load.rate = share * capacity;
    await setTimeout(Math.max(0, sinceMs + next * SAMPLE_MS - performance.now()));
    samples.push(await sampled(stage, (performance.now() - sinceMs) / 60_000, `${Math.round(share * 100)} %`));
  }
  load.rate = 0;
  load.stop();
  await running;
  const lastMs = performance.now();
  while (load.open > 0 && performance.now() < lastMs + SETTLE_MS) await setTimeout(100);
  caller.close();
  const after = await quiet(stage, before);
  await stage.end();
  return told(where, capacity, samples, before, after, load);
}

/** The router at rest; with what it was like before, as soon as it is so again, or after a while as it is. */
async function quiet(stage: Stage, before: Sample | null): Promise<Sample> {
  const untilMs = performance.now() + SETTLE_MS;
  for (;;) {
    await setTimeout(1_000);
    const now = await sampled(stage, 0, 'idle');
    if (before === null ? now.openCalls === 0 : isBack(now, before)) return now;
    if (performance.now() > untilMs) return now;
  }
}

function told(
  where: ReturnType<typeof host>,
  capacity: number,
  samples: readonly Sample[],
  before: Sample,
  after: Sample,
  load: Load,
): boolean {
  const counts = [...load.counts].sort(([a], [b]) => a.localeCompare(b));
  const wrong = counts.filter(([what]) => what.includes('wrong'));
  const judged = samples.filter(({ minute }) => minute > MINUTES * WARM_SHARE);
  const points: Point[] = judged.map(({ minute, heapMiB, phase }) => ({ minute, value: heapMiB, group: phase }));
  const seen = growth(points);
  const minutes = MINUTES * (1 - WARM_SHARE);
  const isLong = MINUTES >= LEAST_MINUTES;
  const level = !isLong || !grows(seen, minutes, LEAST_MIB);
  const back = isBack(after, before);
  const { cpu, cores, system, node, commit, loadAverage } = where;
  console.log(
    `${MINUTES} minutes; ${SLOTS} slots of two demo workers for chat, and one for embeddings; ${capacity.toFixed(0)} chat calls/s at most;`,
  );
  console.log(
    `calls come at ${PHASES.map((share) => `${share * 100} %`).join(' and ')} of that, ${PHASE_MS / 1_000} s each, whether or not others have ended.`,
  );
  console.log(
    `${cpu}, ${cores} cores, ${system}, Node ${node}, commit ${commit}, load average before ${loadAverage}.\n`,
  );
  console.log('| Minute | Load | Heap, MiB | RSS, MiB | Open calls | In line | To workers | Sockets | Timers |');
  console.log('|---:|---:|---:|---:|---:|---:|---:|---:|---:|');
  for (const sample of [before, ...samples, after]) console.log(row(sample));
  console.log(`\n${counts.map(([what, count]) => `${count} ${what}`).join(', ')}.\n`);
  console.log(
    `- heap: ${growthText(seen, minutes)}: ${isLong ? (level ? 'level' : 'GROWS') : 'too short a time to tell'}`,
  );
  console.log(
    `- before: ${resourcesText(before.resources)}; at the end: ${resourcesText(after.resources)}, ${after.openCalls} open calls, ${after.waiting} in line, ${after.upstream} connections to workers: ${back ? 'all is given back' : 'NOT all is given back'}`,
  );
  console.log(
    `- calls that ended as none may: ${wrong.length === 0 ? 'none' : wrong.map(([what]) => what).join('; ')}`,
  );
  const held = level && back && wrong.length === 0;
  console.log(`\n${held ? 'Held.' : 'DID NOT HOLD.'}`);
  return held;
}

function growthText({ slope, error, mean }: Growth, minutes: number): string {
  const kib = (mib: number) => `${(mib * 1_024).toFixed(0)} KiB`;
  return `${kib(slope)} a minute ± ${kib(error)} (one standard error, each load with its own level), ${kib(slope * minutes)} in ${minutes.toFixed(0)} minutes beside a mean of ${mean.toFixed(1)} MiB`;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => void endAll().then(() => process.exit(130)));
try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
} finally {
  await endAll();
}
