// Plays the simulations that claims rest on, with recorded traffic from a folder, and prints what came of them as Markdown. For
// maintainers, by `npm run proof -- --traces FOLDER --only simulation`.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import type { Trace } from '../src/simulation/traces/forms.ts';
import { readTrace } from '../src/simulation/traces/index.ts';
import { gathered } from '../src/simulation/traffic.ts';
import { LIVE, liveAndSimulated, type Side } from '../test/simulation/claims/live.ts';
import { agentPlaces, agentsPlacedAgain } from './simulation-agents.ts';
import { ms, percent, SEEDS, table } from './simulation-cells.ts';
import { bursts, comebacks, overloads, sickWorkers } from './simulation-overload.ts';
import { fairShares, lowBands, neighbours } from './simulation-tenants.ts';

async function besideLive(): Promise<string> {
  const rows: string[][] = [];
  const cells = ({ ttftMs, waitMs, meanWaitMs, reusedShare, totalMs, failed }: Side) => [
    `${ms(ttftMs.p50)} / ${ms(ttftMs.p95)}`,
    `${ms(waitMs.p50)} / ${ms(waitMs.p95)}, mean ${ms(meanWaitMs)}`,
    percent(reusedShare),
    `${ms(totalMs.p50)} / ${ms(totalMs.p95)}`,
    `${failed}`,
  ];
  for (const seed of SEEDS) {
    const { live, simulated, miscounted, worstLagMs } = await liveAndSimulated({ ...LIVE, seed });
    const off = (figure: 'p50' | 'p95') => percent((simulated.ttftMs[figure] ?? 0) / (live.ttftMs[figure] ?? 1) - 1);
    rows.push([
      `seed ${seed}, live (${live.calls} calls, ${miscounted} miscounted, sent ≤ ${ms(worstLagMs)} late)`,
      ...cells(live),
    ]);
    rows.push([`simulated, 8 runs (TTFT p50 ${off('p50')}, p95 ${off('p95')})`, ...cells(simulated)]);
  }
  return table(
    ['', 'first content p50 / p95', 'wait in line p50 / p95', 'prompt tokens reused', 'total p50 / p95', 'failed'],
    rows,
  );
}

async function traceOf(folder: string, name: string): Promise<Trace> {
  return readTrace(gunzipSync(await readFile(join(folder, name))).toString('utf8'));
}

const { values } = parseArgs({ options: { traces: { type: 'string' }, only: { type: 'string' } } });
const folder = values.traces;
if (folder === undefined) throw new Error('Give the folder of the traces: --traces FOLDER.');
const recorded = gathered([
  await traceOf(folder, 'servegen_m-mid_rates_days0-6.csv.gz'),
  await traceOf(folder, 'servegen_m-mid_tokens_days0-6.csv.gz'),
]);
const { sessions } = gathered([await traceOf(folder, 'claude_code_sessions_a.jsonl.gz')]);
const { calls } = gathered([await traceOf(folder, 'azure2023_code_first30min.csv.gz')]);
const sections: Readonly<Record<string, () => Promise<string>>> = {
  'Shares between tenants': () => fairShares(recorded, [null, 0, 36, 84, 108, 60], 600_000),
  'A neighbour’s flood': () => neighbours(120),
  'Work of lower bands': () => lowBands(120),
  'Ten times the load': () => overloads(60),
  'Callers who come back': () => comebacks(60),
  'Recorded bursts': () => bursts(calls),
  'One sick worker of four': sickWorkers,
  'Agents and their prompts': () => agentPlaces(sessions, 120),
  'Floor of imbalance': () => agentsPlacedAgain(sessions, 120),
  'Beside real processes': besideLive,
};
for (const [title, made] of Object.entries(sections)) {
  if (values.only !== undefined && !title.includes(values.only)) continue;
  console.log(`## ${title}\n\n${await made()}`);
}
