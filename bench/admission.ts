// How much CPU a call's admission takes: rules, all claims held at once, and settled. For maintainers and CI.
import { parseArgs } from 'node:util';
import { Admission, type AdmissionCall, type Admitted } from '../src/admission/admission.ts';
import { NO_METRICS } from '../src/core/metrics.ts';
import { NO_LIMITS, type TenantLimits } from '../src/core/plan.ts';
import { CallSignal } from '../src/core/signal.ts';
import { nodeClock } from '../src/runtime/node/machine.ts';
import { seeded } from '../src/simulation/chance.ts';
import { createMemoryQuota } from '../src/stores/memory/quota.ts';
import { host } from './host.ts';
import { lastResult, measureParts, type Run } from './ledger/part.ts';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, gate: { type: 'boolean', default: false } },
});
const effort = options.quick ? { rounds: 5, roundMs: 20, warmMs: 100 } : { rounds: 15, roundMs: 100, warmMs: 500 };
const TENANTS = 1_000;
/** Calls under way at any time: each is settled when so many have come after it. */
const OPEN = 1_000;
const BUDGET_US = 2;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

const rate = { perMinute: 1e9, burst: 1e9, dryRun: false };
const all: TenantLimits = {
  ...NO_LIMITS,
  requests: rate,
  uncachedTokens: rate,
  inFlight: { limit: 64, dryRun: false },
};

function calls(limits: TenantLimits): Run {
  const clock = nodeClock;
  const store = createMemoryQuota({ clock });
  const admission = new Admission({ store, clock, random: seeded(1), metrics: NO_METRICS, log: silent });
  const asked = Array.from({ length: TENANTS }, (_none, at): AdmissionCall => {
    // As policy makes them: each tenant's own.
    const own = { ...limits };
    const patience = { maxWaitMs: 1_000, leaseMs: 60_000, signal: new CallSignal() };
    return { tenant: `tenant-${at}`, limits: own, uncachedTokens: 900, outputTokens: 300, ...patience };
  });
  const open: (Admitted | null)[] = Array.from({ length: OPEN }, () => null);
  let count = 0;
  return () => {
    const at = count % OPEN;
    open[at]?.settle(1_000);
    // The order in which tenants come is not that of their places in memory.
    const admitted = admission.enter(asked[(count * 619) % TENANTS]!);
    count++;
    if (admitted instanceof Promise) throw new Error('A call waits.');
    open[at] = admitted;
    return admitted;
  };
}

const parts: readonly { readonly name: string; readonly budgetUs: number | null; readonly run: Run }[] = [
  { name: 'requests, tokens and calls in flight', budgetUs: BUDGET_US, run: calls(all) },
  { name: 'requests alone', budgetUs: null, run: calls({ ...NO_LIMITS, requests: rate }) },
  { name: 'calls in flight alone', budgetUs: null, run: calls({ ...NO_LIMITS, inFlight: all.inFlight }) },
  { name: 'no limits', budgetUs: null, run: calls(NO_LIMITS) },
];
const where = host();
// The first alone, before the others have taught the engine other shapes of limits; then these by turns.
const [first, ...others] = parts.map(({ name, run }) => [name, run] as const);
const times = new Map([
  ...(await measureParts(new Map([first!]), effort)),
  ...(await measureParts(new Map(others), effort)),
]);
if (lastResult() === null) throw new Error('the parts did nothing');

let missed = false;
console.log(`${TENANTS} tenants, ${OPEN} calls in flight; rules, reserve and settle, store in memory.\n`);
console.log(`| Limits of a tenant | CPU, median of ${effort.rounds} | Min–max | Budget |\n|---|---:|---:|---|`);
for (const { name, budgetUs } of parts) {
  const { median, min, max } = times.get(name)!;
  const over = budgetUs !== null && median > budgetUs;
  missed ||= over;
  const budget = budgetUs === null ? '' : `≤ ${budgetUs} µs: ${over ? 'MISSED' : 'met'}`;
  console.log(`| ${name} | ${median.toFixed(2)} µs | ${min.toFixed(2)}–${max.toFixed(2)} | ${budget} |`);
}
const { cpu, cores, system, node, commit, loadAverage } = where;
console.log(`\n${cpu}, ${cores} cores, ${system}, Node ${node}, commit ${commit}, load average before ${loadAverage}.`);
process.exitCode = missed && options.gate ? 1 : 0;
