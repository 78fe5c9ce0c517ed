// The ledger of microseconds: CPU of the router's parts in one process, beside their budgets. For maintainers.
import { parseArgs } from 'node:util';
import { lastResult, measureParts, type Run } from './ledger/part.ts';
import { PARTS } from './ledger/parts.ts';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, gate: { type: 'boolean', default: false } },
});
const effort = options.quick ? { rounds: 5, roundMs: 20, warmMs: 100 } : { rounds: 15, roundMs: 100, warmMs: 500 };

const runs = new Map<string, Run>();
for (const { name, prepare } of PARTS) {
  const run = await prepare();
  if (run !== null) runs.set(name, run);
}
const times = await measureParts(runs, effort);
if (lastResult() === null) throw new Error('the parts did nothing');

let missed = false;
console.log(`| Part | CPU, median of ${effort.rounds} | Min–max | Budget |\n|---|---:|---:|---|`);
for (const { name, budgetUs } of PARTS) {
  const seen = times.get(name);
  const over = seen !== undefined && budgetUs !== null && seen.median > budgetUs;
  missed ||= over;
  const figures =
    seen === undefined
      ? 'not there yet | '
      : `${seen.median.toFixed(2)} µs | ${seen.min.toFixed(2)}–${seen.max.toFixed(2)}`;
  console.log(`| ${name} | ${figures} | ${budgetUs === null ? '' : `≤ ${budgetUs} µs: ${over ? 'MISSED' : 'met'}`} |`);
}
// Routers that count have a timer each, which would keep the process.
process.exit(missed && options.gate ? 1 : 0);
