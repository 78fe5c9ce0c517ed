// How long one decision takes before a full pool with thousands in line, and what one in line holds. For maintainers and CI.
import { parseArgs } from 'node:util';
import { seeded } from '../src/simulation/chance.ts';
import type { CrowdSize } from './decision/crowd.ts';
import { heldByGate, heldByRouter } from './decision/held.ts';
import { timed } from './decision/timed.ts';
import { host } from './host.ts';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, gate: { type: 'boolean', default: false } },
});
const SIZE: CrowdSize = { workers: 1_000, slots: 4, tenants: 1_000, waiting: 10_000 };
const BUDGET_US = 20;
const BUDGET_BYTES = 2_048;
/** A quick run shares its machine: it shows that the way is clear. */
const SLACK = 2;
const effort = options.quick ? { turns: 4_000, warm: 15_000, rounds: 2 } : { turns: 50_000, warm: 20_000, rounds: 7 };

let missed = false;
function verdict(value: number, budget: number, unit: string): string {
  const bound = options.quick ? budget * SLACK : budget;
  missed ||= !(value <= bound);
  return `≤ ${bound.toLocaleString('en-US')} ${unit}: ${value <= bound ? 'met' : 'MISSED'}`;
}

const us = (value: number) => `${value.toFixed(1)} µs`;
const where = host();
console.log(
  `${SIZE.workers} workers with ${SIZE.slots} slots each, all taken; ${SIZE.tenants} tenants; ${SIZE.waiting} calls in line.\n`,
);
console.log('| Decision | Samples | p50 | p99 | p99.9 | Max | Budget of p99 |\n|---|---:|---:|---:|---:|---:|---|');
const { decisions, pauses } = await timed(SIZE, seeded(1), effort);
for (const { name, budgeted, all, outsidePauses } of decisions) {
  for (const [which, seen] of [['outside GC', outsidePauses] as const, ['with GC', all] as const]) {
    const budget = budgeted && seen === outsidePauses ? verdict(seen.p99, BUDGET_US, 'µs') : '';
    const figures = [seen.p50, seen.p99, seen.p999, seen.max].map(us).join(' | ');
    console.log(`| ${name}, ${which} | ${seen.count} | ${figures} | ${budget} |`);
  }
}
const { count, longestMs, share } = pauses;
console.log(
  `\nGC meanwhile: ${count} pauses, the longest ${longestMs.toFixed(1)} ms, ${(share * 100).toFixed(1)} % of the time.`,
);
console.log('\n| A call in line, beyond its body | Median of rounds | Min–max | Budget |\n|---|---:|---:|---|');
const held = [
  [
    'at the gate: its place in line, and the call as gate and scheduler see it',
    true,
    await heldByGate(SIZE, seeded(2), effort.rounds),
  ],
  ['in the whole router: the parsed request, and all that runs for it', false, await heldByRouter(SIZE, effort.rounds)],
] as const;
for (const [name, budgeted, { median, min, max }] of held) {
  const whole = (bytes: number) => Math.round(bytes).toLocaleString('en-US');
  const budget = budgeted ? verdict(median, BUDGET_BYTES, 'B') : '';
  console.log(`| ${name} | ${whole(median)} B | ${whole(min)}–${whole(max)} | ${budget} |`);
}
const { cpu, cores, system, node, commit, loadAverage } = where;
console.log(`\n${cpu}, ${cores} cores, ${system}, Node ${node}, commit ${commit}, load average before ${loadAverage}.`);
if (options.quick)
  console.log(`Quick run: budgets with a slack of ${SLACK} times; the figures are a smoke test, not a measurement.`);
process.exit(missed && options.gate ? 1 : 0);
