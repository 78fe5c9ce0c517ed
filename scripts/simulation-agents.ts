// The table of agents whose prompts lie in their workers' caches, by load and by the way in which workers are chosen. For
// scripts/simulations.ts.
import type { AgentSession } from '../src/simulation/traces/forms.ts';
import {
  type AgentFigures,
  type AgentOptions,
  agentFloors,
  agentPolicy,
  agents,
  WINDOWS_MS,
} from '../test/simulation/claims/agents.ts';
import { percent, SEEDS, table } from './simulation-cells.ts';

type Schedule = AgentOptions['schedule'];

const SCHEDULES = ['sticky-even', 'sticky', 'least-requests', 'round-robin'] as const;
const LOADS = [0.7, 1, 1.5] as const;
/** Looked at when all was chosen. */
const FRESH_SEEDS = [4, 5] as const;

const seconds = (value: number | null) => (value === null ? '–' : `${(value / 1_000).toFixed(1)}`);
const two = (value: number | null) => (value === null ? '–' : value.toFixed(2));

type Column = readonly [
  name: string,
  of: (figures: AgentFigures) => number | null,
  say: (value: number | null) => string,
];

const COLUMNS: readonly Column[] = [
  ['answered a second', ({ report }) => report.answeredPerSecond, two],
  ['answered', ({ report }) => report.all.answered / report.all.calls, percent],
  ['first content p50, s', ({ report }) => report.all.ttftMs.p50, seconds],
  ['p95, s', ({ report }) => report.all.ttftMs.p95, seconds],
  ['of perfect reuse', ({ report }) => report.reusedOfPerfect, percent],
  ['wait of tool loops p50, s', ({ toolLoop }) => toolLoop.queueMs.p50, seconds],
  ['p95, s', ({ toolLoop }) => toolLoop.queueMs.p95, seconds],
  ['wait of other turns p50, s', ({ newTurns }) => newTurns.queueMs.p50, seconds],
  ['p95, s', ({ newTurns }) => newTurns.queueMs.p95, seconds],
  ['longest, s', ({ longestWaitMs }) => longestWaitMs, seconds],
  ...WINDOWS_MS.map((windowMs, at): Column => {
    const name = at === 0 ? 'imbalance p95, 1 min' : `${windowMs / 60_000} min`;
    return [name, ({ imbalance }) => imbalance[at]!.work, two];
  }),
];

/** The middle one of the seeds, with least and most where they differ; of two seeds those two. */
function cell(all: readonly AgentFigures[], [, of, say]: Column): string {
  const values = all.map(of).sort((a, b) => (a ?? 0) - (b ?? 0));
  const [middle, least, most] = [values[(values.length - 1) >> 1]!, values[0]!, values.at(-1)!].map(say);
  if (least === most) return middle!;
  return values.length < 3 ? `${least} to ${most}` : `${middle} (${least} to ${most})`;
}

/** One row of the table; for each of these a run of its own. */
export function agentRow(schedule: Schedule, load: number, all: readonly AgentFigures[]): string[] {
  return [`${schedule}, load ${load}`, ...COLUMNS.map((column) => cell(all, column))];
}

export const agentTable = (rows: readonly string[][]) => table(['', ...COLUMNS.map(([name]) => name)], rows);

async function agentRows(
  sessions: readonly AgentSession[],
  minutes: number,
  schedules: readonly Schedule[],
  seeds: readonly number[],
): Promise<string> {
  const rows: string[][] = [];
  for (const load of LOADS)
    for (const schedule of schedules) {
      const all: AgentFigures[] = [];
      for (const seed of seeds) all.push(await agents({ sessions, schedule, load, lastsMs: minutes * 60_000, seed }));
      rows.push(agentRow(schedule, load, all));
    }
  return agentTable(rows);
}

export async function agentPlaces(sessions: readonly AgentSession[], minutes: number): Promise<string> {
  return [
    `${minutes} minutes, the first fifth not counted, seeds ${SEEDS.join(', ')}.\n`,
    await agentRows(sessions, minutes, SCHEDULES, SEEDS),
    `Seeds ${FRESH_SEEDS.join(', ')}.\n`,
    await agentRows(sessions, minutes, ['sticky-even'], FRESH_SEEDS),
    `The policy:\n\n\`\`\`yaml${agentPolicy('sticky-even')}\`\`\`\n`,
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
