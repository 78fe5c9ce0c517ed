// The table of agents whose prompts lie in their workers' caches, by load and by the way in which workers are chosen. For
// scripts/simulations.ts.
import type { AgentSession } from '../src/simulation/traces/forms.ts';
import { type AgentFigures, agentFloors, agentPolicy, agents, WINDOWS_MS } from '../test/simulation/claims/agents.ts';
import { percent, SEEDS, seeded, table } from './simulation-cells.ts';

const SCHEDULES = ['sticky', 'sticky-even', 'least-requests', 'round-robin'] as const;
const LOADS = [0.7, 1, 1.5] as const;

const seconds = (value: number | null) => (value === null ? '–' : `${(value / 1_000).toFixed(1)} s`);
const two = (value: number | null) => (value === null ? '–' : value.toFixed(2));

type Row = readonly [name: string, of: (figures: AgentFigures) => number | null, say: (value: number | null) => string];

const ROWS: readonly Row[] = [
  ['calls asked', ({ report }) => report.all.calls, (value) => `${value}`],
  ['answered a second', ({ report }) => report.answeredPerSecond, two],
  ['answered', ({ report }) => report.all.answered / report.all.calls, percent],
  ['first content p50', ({ report }) => report.all.ttftMs.p50, seconds],
  ['first content p95', ({ report }) => report.all.ttftMs.p95, seconds],
  ['of perfect reuse', ({ report }) => report.reusedOfPerfect, percent],
  ['wait of tool loops p50', ({ toolLoop }) => toolLoop.queueMs.p50, seconds],
  ['wait of tool loops p95', ({ toolLoop }) => toolLoop.queueMs.p95, seconds],
  ['wait of other turns p50', ({ newTurns }) => newTurns.queueMs.p50, seconds],
  ['wait of other turns p95', ({ newTurns }) => newTurns.queueMs.p95, seconds],
  ['longest wait', ({ longestWaitMs }) => longestWaitMs, seconds],
  ...WINDOWS_MS.flatMap((windowMs, at): Row[] => [
    [`imbalance p95 of work, ${windowMs / 60_000} min`, ({ imbalance }) => imbalance[at]!.work, two],
    [`imbalance p95 of calls held, ${windowMs / 60_000} min`, ({ imbalance }) => imbalance[at]!.calls, two],
  ]),
];

/** Of three seeds the middle one, with least and most. */
function cell(all: readonly AgentFigures[], [, of, say]: Row): string {
  const values = all.map(of).sort((a, b) => (a ?? 0) - (b ?? 0));
  return `${say(values[values.length >> 1]!)} (${say(values[0]!)} to ${say(values.at(-1)!)})`;
}

export async function agentPlaces(sessions: readonly AgentSession[], minutes: number): Promise<string> {
  const tables: string[] = [];
  let capacity = 0;
  for (const load of LOADS) {
    const columns: (readonly AgentFigures[])[] = [];
    for (const schedule of SCHEDULES) {
      const all = await seeded((seed) => agents({ sessions, schedule, load, lastsMs: minutes * 60_000, seed }));
      capacity = all[0]!.capacityPerSecond;
      columns.push(all);
    }
    const rows = ROWS.map((row) => [row[0], ...columns.map((all) => cell(all, row))]);
    tables.push(`Load ${load}:\n\n${table(['', ...SCHEDULES], rows)}`);
  }
  return [
    `Load 1 is ${capacity.toFixed(2)} calls a second. ${minutes} minutes, the first fifth not counted, seeds ${SEEDS.join(', ')}.\n`,
    ...tables,
    `The policy:\n\n\`\`\`yaml${agentPolicy('sticky')}\`\`\`\n`,
  ].join('\n');
}

/** The same calls placed again by one who knows them beforehand. */
export async function agentsPlacedAgain(sessions: readonly AgentSession[], minutes: number): Promise<string> {
  const floors = await agentFloors({ sessions, schedule: 'sticky', load: 0.7, lastsMs: minutes * 60_000, seed: 1 });
  const rows = [...floors].map(([name, { reusedOfPerfect, imbalance }]) => [
    name,
    percent(reusedOfPerfect),
    ...imbalance.map(two),
  ]);
  return table(
    ['', 'of perfect reuse', ...WINDOWS_MS.map((windowMs) => `imbalance p95, ${windowMs / 60_000} min`)],
    rows,
  );
}
