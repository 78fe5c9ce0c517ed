// The benchmark's command line: which contenders and modes, alternating rounds, one table. For maintainers and CI.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { endAll } from './children.ts';
import { CONTENDERS, type Contender } from './contenders.ts';
import { host } from './host.ts';
import { MODES, type Mode } from './modes.ts';
import { installPeers } from './portkey/peer.ts';
import { type Result, report, results } from './report.ts';
import { takeRounds } from './rounds.ts';
import type { Pace } from './turn.ts';

const FULL: Pace = {
  windowMs: 500,
  minWarmMs: 2_000,
  maxWarmMs: 12_000,
  measureMs: 4_000,
  idleStreams: 1_000,
  quietMs: 10_000,
};
const QUICK: Pace = { windowMs: 250, minWarmMs: 500, maxWarmMs: 750, measureMs: 600, idleStreams: 200, quietMs: 0 };
const FULL_ROUNDS = 5;
const MAX_ROUNDS = 25;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    peers: { type: 'boolean', default: false },
    gate: { type: 'boolean', default: false },
    json: { type: 'string' },
    reference: { type: 'string', default: 'bare' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    streams: { type: 'string' },
    modes: { type: 'string' },
    contenders: { type: 'string' },
  },
});

/** The named entries in the list's order; an unknown name is an error that lists the valid ones. */
function named<T extends { readonly name: string }>(list: readonly T[], names: string | undefined): readonly T[] {
  if (names === undefined) return list;
  const wanted = names.split(',');
  for (const name of wanted) {
    if (!list.some((entry) => entry.name === name)) {
      throw new Error(`unknown: ${name}; there are ${list.map((entry) => entry.name).join(', ')}`);
    }
  }
  return list.filter((entry) => wanted.includes(entry.name));
}

function takesPart(contender: Contender, mode: Mode): boolean {
  if (contender.command === null) return mode.direct;
  if (contender.only === null) return true;
  return (contender.only === 'streams') === (mode.workload === 'stream' || mode.workload === 'idle');
}

function chosenContenders(): readonly Contender[] {
  const list = named(CONTENDERS, options.contenders);
  if (options.contenders !== undefined) {
    for (const { name, available } of list) if (!available()) throw new Error(`${name} is not here; see docs/bench.md`);
    const direct = CONTENDERS.find(({ name }) => name === 'direct');
    return direct === undefined || list.includes(direct) ? list : [direct, ...list];
  }
  const quick = ['direct', 'bare', 'hono-raw', 'spillway', 'spillway-package'];
  return list.filter(({ name, byDefault, available }) => {
    if (!available()) return false;
    if (options.quick) return quick.includes(name);
    return byDefault || (name === 'portkey' && options.peers);
  });
}

async function main(): Promise<number> {
  if (process.platform !== 'linux') throw new Error('The benchmark reads CPU time from /proc and runs on Linux only.');
  if (options.peers) installPeers();
  const quick = options.quick;
  const seconds = options.seconds === undefined ? null : Number(options.seconds);
  const pace: Pace = {
    ...(quick ? QUICK : FULL),
    ...(seconds === null ? {} : { measureMs: seconds * 1_000 }),
    ...(options.streams === undefined ? {} : { idleStreams: Number(options.streams) }),
  };
  const count = Math.min(MAX_ROUNDS, Number(options.rounds ?? (quick ? 1 : FULL_ROUNDS)));
  if (!(count >= 1) || !(pace.measureMs > 0) || !(pace.idleStreams >= 1))
    throw new Error('--rounds, --seconds and --streams are numbers above 0');
  const contenders = chosenContenders();
  const where = host();
  const all: Result[] = [];
  const failures: string[] = [];
  for (const mode of named(MODES, options.modes)) {
    const list = contenders.filter((contender) => takesPart(contender, mode));
    const taken = await takeRounds(mode, list, pace, count, ['direct', options.reference]);
    failures.push(...taken.failures);
    all.push(...results(mode, taken.outcomes, options.reference));
    process.stderr.write(` ${mode.name}\n`);
  }
  const { text, missed } = report(all, failures, where, quick, options.reference);
  console.log(text);
  if (options.json !== undefined) {
    writeFileSync(
      options.json,
      `${JSON.stringify({ host: where, pace, rounds: count, results: all, failures }, null, 2)}\n`,
    );
  }
  if (failures.length > 0) return 2;
  return missed.length > 0 && options.gate ? 1 : 0;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => void endAll().then(() => process.exit(130)));
try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
} finally {
  await endAll();
}
