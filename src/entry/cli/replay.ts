// `spillway replay TRACE…`: what recorded traffic would meet under a policy, before anyone meets it. For operators.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { parseDuration } from '../../core/units.ts';
import { checkReport } from '../../policy/check.ts';
import { compilePolicy } from '../../policy/compile.ts';
import { loadPolicy } from '../../policy/load.ts';
import type { SecretSource } from '../../policy/secrets.ts';
import type { RouterRegistries } from '../../router/create.ts';
import { nodePolicyFiles } from '../../runtime/node/policy-files.ts';
import type { TenantShare } from '../../simulation/compose.ts';
import { WORKER_PROFILES } from '../../simulation/constants.ts';
import { type ReplayOptions, type Run, replay } from '../../simulation/replay.ts';
import { comparison, tenantTable } from '../../simulation/table.ts';
import { TraceError } from '../../simulation/traces/forms.ts';
import { readTrace } from '../../simulation/traces/index.ts';
import { gathered } from '../../simulation/traffic.ts';
import { nodeRegistries } from '../node.ts';
import type { Command } from './command.ts';
import { type Flags, type FlagTable, readFlags, UsageError } from './flags.ts';

const usage = `Usage: spillway replay TRACE… [flags]

Plays recorded traffic against a policy on a simulated clock and simulated workers, with the router's own code, and prints
what came of it. Traces: Claude Code sessions, Mooncake, Azure, ServeGen (rates and tokens) and LMCache files, plain or .gz.
ServeGen rates beside sessions give them their tenants. No worker and no API of the policy is reached, no secret is needed.

  --policy FILE     what to simulate                                     [policies/default.yaml of the package]
  --model NAME      what the calls ask for                               [the default of class chat]
  --load LIST       shares of the capacity of the model's first pool     [0.7,1.0,1.5]
  --profile LIST    ways to choose a worker, by name                     [as in the policy]
  --workers N       workers of each pool                                 [as in the policy]
  --worker NAME     what they are: ${Object.keys(WORKER_PROFILES).join(', ')}
                                                                         [demo for demo workers, else h100 or encoder]
  --for DURATION    how long sessions begin and clients call             [30m]
  --from DURATION   where in a recorded week clients' calls begin        [its busiest ten minutes]
  --max-think DURATION   longer pauses within a session are cut to this  [5m]
  --tenants LIST    name:share,…; without clients in the traces          [default:1]
  --retries N       what callers try again when told to come back later  [4]
  --window DURATION stretches by which shares and balance are looked at  [1m]
  --limit N         calls of each run, at most
  --seed N          the same seed makes the same run                     [1]
  --json            reports as JSON
`;

const text = { type: 'string' } as const;
const FLAGS: FlagTable = {
  policy: text,
  model: text,
  load: text,
  profile: text,
  workers: text,
  worker: text,
  for: text,
  from: text,
  'max-think': text,
  tenants: text,
  retries: text,
  window: text,
  limit: text,
  seed: text,
  json: { type: 'boolean' },
};

const DEFAULT_POLICY = new URL('../../../policies/default.yaml', import.meta.url);
/** Nothing is reached, so whatever stands for a secret will do; optional providers count as there. */
const ANY_SECRET: SecretSource = { env: () => 'simulated', file: async () => 'simulated' };
/** Of the traffic's time, for caches and limits to find their level. */
const WARM_UP = 0.2;
const TENANTS_SHOWN = 10;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const unzip = promisify(gunzip);

async function run(args: string[]): Promise<number> {
  try {
    return await replayed(readFlags(args, FLAGS, process.env));
  } catch (thrown) {
    if (!(thrown instanceof UsageError || thrown instanceof RangeError || thrown instanceof TraceError)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    return 2;
  }
}

async function replayed(flags: Flags): Promise<number> {
  const json = flags.on('json');
  const registries = nodeRegistries({ executable: process.execPath, args: [] });
  const path = flags.text('policy') ?? fileURLToPath(DEFAULT_POLICY);
  const loaded = await loadPolicy({ path, files: nodePolicyFiles, registries, secrets: ANY_SECRET });
  if (!loaded.ok) {
    process.stderr.write(checkReport(loaded));
    return 2;
  }
  const options = await optionsOf(flags, registries);
  const runs: Run[] = [];
  for await (const one of replay({ ...options, catalog: compilePolicy(loaded.policy), registries, turn })) {
    runs.push(one);
    if (!json) process.stderr.write(`${nameOf(one)}: ${one.result.records.length} calls\n`);
  }
  process.stdout.write(json ? jsonOf(runs) : textOf(runs));
  return 0;
}

async function optionsOf(
  flags: Flags,
  registries: RouterRegistries,
): Promise<Omit<ReplayOptions, 'catalog' | 'registries' | 'turn'>> {
  if (flags.rest.length === 0) throw new UsageError('Give at least one trace: spillway replay TRACE --policy FILE.');
  const lastsMs = durationOf(flags, 'for', '30m');
  const from = flags.text('from');
  const workers = flags.text('workers');
  const worker = flags.text('worker');
  const profiles = flags.text('profile');
  return {
    recorded: gathered(await Promise.all(flags.rest.map(traceAt))),
    model: flags.text('model') ?? null,
    loads: listOf(flags.text('load') ?? '0.7,1.0,1.5').map((text) => numberOf('load', text, 0.001)),
    schedules:
      profiles === undefined ? [null] : listOf(profiles).map((name) => named('profile', name, registries.profiles)),
    ...(workers === undefined ? {} : { workers: numberOf('workers', workers, 1) }),
    ...(worker === undefined ? {} : { worker: named('worker', worker, WORKER_PROFILES) }),
    tenants: tenantsOf(flags.text('tenants') ?? 'default:1'),
    priority: null,
    lastsMs,
    fromMs: from === undefined ? null : durationOf(flags, 'from', from),
    maxThinkMs: durationOf(flags, 'max-think', '5m'),
    isUnderWay: true,
    retries: numberOf('retries', flags.text('retries') ?? '4', 0),
    maxCalls: flags.text('limit') === undefined ? Number.POSITIVE_INFINITY : numberOf('limit', flags.text('limit')!, 1),
    seed: numberOf('seed', flags.text('seed') ?? '1', 0),
    warmUp: WARM_UP,
    reportWindowMs: durationOf(flags, 'window', '1m'),
  };
}

async function traceAt(path: string) {
  const bytes = await readFile(path).catch((thrown: NodeJS.ErrnoException) => {
    throw new UsageError(`The trace ${path} cannot be read (${thrown.code}).`);
  });
  const isZipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return readTrace((isZipped ? await unzip(bytes) : bytes).toString('utf8'));
}

const listOf = (text: string) => text.split(',').map((one) => one.trim());

function numberOf(name: string, text: string, least: number): number {
  const number = Number(text);
  if (text === '' || !Number.isFinite(number) || number < least)
    throw new UsageError(`--${name} takes a number of at least ${least}, not "${text}".`);
  return number;
}

function durationOf(flags: Flags, name: string, otherwise: string): number {
  const text = flags.text(name) ?? otherwise;
  const ms = parseDuration(text);
  if (ms === null) throw new UsageError(`--${name} takes a duration like 30m, not "${text}".`);
  return ms;
}

function named<Value>(flag: string, name: string, table: Readonly<Record<string, Value>>): Value {
  const value = table[name];
  if (value === undefined)
    throw new UsageError(`--${flag} takes one of ${Object.keys(table).join(', ')}, not "${name}".`);
  return value;
}

function tenantsOf(text: string): TenantShare[] {
  return listOf(text).map((one) => {
    const [name = '', share = '1'] = one.split(':');
    return { name, share: numberOf('tenants', share, 0.001) };
  });
}

const nameOf = ({ load, schedule }: Run) => `${schedule}, load ${load}`;

function textOf(runs: readonly Run[]): string {
  const first = runs[0]!;
  const tenants = first.report.fairness.tenants.length > 1;
  return [
    `Load 1 is ${first.capacityPerSecond.toFixed(2)} calls a second, computed from the workers' constants.\n`,
    comparison(runs.map((one) => ({ name: nameOf(one), report: one.report }))),
    ...(tenants ? runs.map((one) => `${nameOf(one)}:\n\n${tenantTable(one.report, TENANTS_SHOWN)}`) : []),
  ].join('\n');
}

function jsonOf(runs: readonly Run[]): string {
  const told = runs.map(({ load, schedule, capacityPerSecond, report }) => ({
    load,
    schedule,
    capacityPerSecond,
    report,
  }));
  return `${JSON.stringify(told, null, 2)}\n`;
}

export const replayCommand: Command = {
  summary: 'plays recorded traffic against a policy, on simulated workers and a simulated clock',
  usage,
  run,
};
