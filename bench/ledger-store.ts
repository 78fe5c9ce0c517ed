// What one call's record costs the thread that serves, by the way it goes to the ledger, and what the ledger can take. For maintainers and CI.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { openSqliteLedger } from '../src/stores/sqlite/ledger.ts';
import { host } from './host.ts';
import { sampleRecords } from './ledger-store/records.ts';
import { WAYS } from './ledger-store/ways.ts';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, gate: { type: 'boolean', default: false } },
});
const BUDGET_US = 1;
/** A quick run shares its machine: it shows that the way is clear. */
const SLACK = 3;
const effort = options.quick ? { calls: 20_480, rounds: 3 } : { calls: 102_400, rounds: 7 };
/** A group under load, and what comes within 20 ms of a thousand calls a second. */
const GROUPS = [256, 20];

let missed = false;
function verdict(us: number): string {
  const bound = options.quick ? BUDGET_US * SLACK : BUDGET_US;
  missed ||= !(us <= bound);
  return `≤ ${bound} µs: ${us <= bound ? 'met' : 'MISSED'}`;
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
/** CPU of this thread alone, garbage collection on it included, µs. */
function cpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
const median = (values: readonly number[]) => sorted(values)[Math.floor(values.length / 2)]!;
const us = (value: number) => value.toFixed(2);
const spread = (values: readonly number[]) => `${us(Math.min(...values))}–${us(Math.max(...values))}`;

/** Few enough to stay in the CPU's cache, as a record is that was made a moment ago. */
const records = sampleRecords(256);
const where = host();

async function turnOfWay(way: (typeof WAYS)[number], group: number): Promise<number> {
  const sink = new Worker(new URL('./ledger-store/sink.ts', import.meta.url));
  await once(sink, 'online');
  const take = way.begin((message, transfer = []) => sink.postMessage(message, transfer), group);
  const pass = async (calls: number) => {
    const before = cpuUs();
    for (let at = 0; at < calls; at++) {
      take(records[at % records.length]!);
      if (at % 256 === 255) await turn();
    }
    const spent = cpuUs() - before;
    sink.postMessage('told');
    await once(sink, 'message');
    return spent / calls;
  };
  await pass(20_480);
  const spent = await pass(effort.calls);
  await sink.terminate();
  return spent;
}

console.log('| CPU of the serving thread per record with one attempt, µs | Group | Median | Min–max | Budget |');
console.log('|---|---:|---:|---:|---|');
for (const group of GROUPS) {
  const seen = WAYS.map(() => [] as number[]);
  for (let round = 0; round < effort.rounds; round++) {
    for (const [at, way] of WAYS.entries()) seen[at]!.push(await turnOfWay(way, group));
  }
  for (const [at, { name }] of WAYS.entries()) {
    const budget = at === WAYS.length - 1 ? verdict(median(seen[at]!)) : '';
    console.log(`| ${name} | ${group} | ${us(median(seen[at]!))} | ${spread(seen[at]!)} | ${budget} |`);
  }
}

/** The whole of it, with the thread that writes on the same machine. */
const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-ledger-'));
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const ledger = await openSqliteLedger({ folder, log: silent, nowMs: () => performance.now() });
const own: number[] = [];
const rates: number[] = [];
for (let round = 0; round < effort.rounds; round++) {
  const calls = effort.calls / 5;
  const began = performance.now();
  let spent = 0;
  for (let at = 0; at < calls; at += 256) {
    const made = sampleRecords(256, `round${round}`);
    const before = cpuUs();
    for (const record of made) ledger.add(record);
    spent += cpuUs() - before;
    while (ledger.health.waiting > 8_192) await turn();
  }
  await ledger.flush();
  own.push(spent / calls);
  rates.push(calls / ((performance.now() - began) / 1_000));
}
await ledger.close();
rmSync(folder, { recursive: true });
console.log(
  `| \`SqliteLedger.add\` while its thread writes | 256 | ${us(median(own))} | ${spread(own)} | ${verdict(median(own))} |`,
);
console.log(
  `\nWritten and durable: ${Math.round(median(rates)).toLocaleString('en-US')} records a second, median of rounds.`,
);
const { cpu, cores, system, node, commit, loadAverage } = where;
console.log(`\n${cpu}, ${cores} cores, ${system}, Node ${node}, commit ${commit}, load average before ${loadAverage}.`);
if (options.quick)
  console.log(`Quick run: budgets with a slack of ${SLACK} times; the figures are a smoke test, not a measurement.`);
process.exit(missed && options.gate ? 1 : 0);
