// Writes reports side by side as a Markdown table. For the command line and the evidence in docs.
import type { Report } from './report.ts';
import type { Percentiles } from './statistics.ts';

export interface Column {
  /** What sets this run apart: load, way of choosing. */
  readonly name: string;
  readonly report: Report;
}

const DASH = '–';

const ms = (value: number | null) =>
  value === null ? DASH : value >= 10_000 ? `${(value / 1_000).toFixed(1)} s` : `${Math.round(value)} ms`;
const percent = (value: number | null) => (value === null ? DASH : `${(value * 100).toFixed(1)} %`);
const number = (digits: number) => (value: number | null) => (value === null ? DASH : value.toFixed(digits));
const three = ({ p50, p95, p99 }: Percentiles) => `${ms(p50)} / ${ms(p95)} / ${ms(p99)}`;
const counts = (of: Readonly<Record<string, number>>) =>
  Object.entries(of)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ') || DASH;

const ROWS: readonly (readonly [string, (report: Report) => string])[] = [
  ['calls', ({ all }) => String(all.calls)],
  ['offered, answered a second', (of) => `${number(2)(of.offeredPerSecond)}, ${number(2)(of.answeredPerSecond)}`],
  ['first content p50 / p95 / p99', ({ all }) => three(all.ttftMs)],
  ['wait in line p50 / p95 / p99', ({ all }) => three(all.queueMs)],
  ['wait of tool loops', ({ toolLoop }) => three(toolLoop.queueMs)],
  ['wait of other turns', ({ newTurns }) => three(newTurns.queueMs)],
  ['prompt tokens reused', (of) => percent(of.reusedShare)],
  ['of perfect reuse', (of) => percent(of.reusedOfPerfect)],
  ['imbalance p95, work', (of) => number(2)(of.imbalanceP95.work)],
  ['imbalance p95, calls held', (of) => number(2)(of.imbalanceP95.calls)],
  ['good answers a second', (of) => `${number(2)(of.goodputPerSecond)} (${percent(of.goodputShare)})`],
  ['substitutes', (of) => percent(of.degradedShare)],
  ['not answered', ({ all }) => counts(all.failures)],
  ['refused by the gate', ({ refusals }) => counts(refusals)],
  ['fairness (Jain)', (of) => number(3)(of.fairness.jain)],
];

export function comparison(columns: readonly Column[]): string {
  const lines = [
    ['', ...columns.map(({ name }) => name)],
    ['---', ...columns.map(() => '---:')],
    ...ROWS.map(([name, cell]) => [name, ...columns.map(({ report }) => cell(report))]),
  ];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

/** The busiest tenants of one run. */
export function tenantTable({ fairness, tenants }: Report, most: number): string {
  const busiest = [...fairness.tenants].sort((a, b) => b.demanded - a.demanded).slice(0, most);
  const rows = busiest.map(({ tenant, weight, demanded, served, entitled }) => {
    const group = tenants[tenant]!;
    const cells = [
      tenant,
      weight,
      group.calls,
      group.answered,
      Math.round(demanded),
      Math.round(served),
      entitled === 0 ? DASH : (served / entitled).toFixed(2),
      three(group.queueMs),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const head =
    '| tenant | weight | calls | answered | asked, virtual tokens | served | served ÷ entitled | wait p50 / p95 / p99 |';
  return `${[head, '|---|---:|---:|---:|---:|---:|---:|---:|', ...rows].join('\n')}\n`;
}
