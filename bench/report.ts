// From samples to one table: medians, ratios to bare round by round, spread, budgets, doubts. For run.ts.
import { BUDGETED, BUDGETS, type Budget, met, QUICK_SLACK } from './budgets.ts';
import type { Host } from './host.ts';
import type { Figure, Mode } from './modes.ts';
import type { Outcomes } from './rounds.ts';
import { ratios, type Summary, summary } from './statistics.ts';

export interface Result {
  readonly mode: string;
  readonly title: string;
  readonly contender: string;
  readonly figure: Figure;
  readonly absolute: Summary;
  /** The absolute figure of each round. */
  readonly series: readonly number[];
  /** To the reference, paired by round; null when it did not take part. */
  readonly ratio: Summary | null;
  /** Medians over rounds. */
  readonly busy: number;
  readonly others: number;
  readonly notLevel: number;
  readonly disturbed: number;
  /** Rounds in which neither side was disturbed; the ratio is over these where there are any. */
  readonly clean: number;
  readonly altered: boolean;
}

/** One figure of every round; what a proxy adds is against the direct way in the same round. */
function series(outcomes: Outcomes, contender: string, figure: Figure): number[] {
  const samples = outcomes.get(contender) ?? [];
  if (figure.name !== 'added p50') return samples.map((sample) => sample.figures[figure.name]!);
  const direct = outcomes.get('direct') ?? [];
  return samples.map((sample, round) => sample.figures['p50']! - direct[round]!.figures['p50']!);
}

export function results(mode: Mode, outcomes: Outcomes, referenceName: string): Result[] {
  const list: Result[] = [];
  for (const figure of mode.figures) {
    const reference = series(outcomes, referenceName, figure);
    const referenceSamples = outcomes.get(referenceName) ?? [];
    for (const [contender, samples] of outcomes) {
      if (contender === 'direct') continue;
      const values = series(outcomes, contender, figure);
      const pairs = ratios(values, reference);
      const clean = pairs.filter((_, round) => !samples[round]!.disturbed && !referenceSamples[round]!.disturbed);
      list.push({
        mode: mode.name,
        title: mode.title,
        contender,
        figure,
        absolute: summary(values),
        series: values,
        ratio: pairs.length === 0 ? null : summary(clean.length > 0 ? clean : pairs),
        clean: clean.length,
        busy: summary(samples.map((sample) => sample.busy)).median,
        others: summary(samples.map((sample) => sample.others)).median,
        notLevel: samples.filter((sample) => !sample.level).length,
        disturbed: samples.filter((sample) => sample.disturbed).length,
        altered: samples.some((sample) => sample.altered),
      });
    }
  }
  return list;
}

function number(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function doubts(result: Result): string {
  const list: string[] = [];
  if (result.figure.name === 'req/s' && result.busy < 0.95) list.push(`core ${number(result.busy * 100, 0)} % busy`);
  if (result.others > 0.1) list.push(`neighbours had ${number(result.others * 100, 0)} % of its core`);
  if (result.notLevel > 0) list.push(`${result.notLevel} of ${result.absolute.rounds} not level`);
  if (result.disturbed > 0) list.push(`${result.disturbed} of ${result.absolute.rounds} disturbed`);
  if (result.altered) list.push('request edited on the way');
  return list.join('; ');
}

function row(result: Result, verdict: string): string {
  const { figure, absolute, ratio } = result;
  const spread = `${number(absolute.min, figure.digits)}–${number(absolute.max, figure.digits)}`;
  const against = ratio === null ? '' : number(ratio.median, 2);
  const between = ratio === null ? '' : `${number(ratio.min, 2)}–${number(ratio.max, 2)}`;
  const value = `${number(absolute.median, figure.digits)} ${figure.unit}`;
  return `| ${result.contender} | ${figure.name} | ${value} | ${spread} | ${against} | ${between} | ${verdict} | ${doubts(result)} |`;
}

/** Ratios are promised against bare and nothing else. */
function budgetOf(result: Result, reference: string): Budget | undefined {
  if (!BUDGETED.includes(result.contender)) return undefined;
  const found = BUDGETS.find(({ mode, figure }) => mode === result.mode && figure === result.figure.name);
  return found?.of === 'ratio' && reference !== 'bare' ? undefined : found;
}

/** The bound that is judged by, so that a slackened one is never read as the promise. */
function bound({ atLeast, atMost }: Budget, slack: number): string {
  return atLeast === undefined ? `≤ ${number((atMost ?? 0) * slack, 2)}` : `≥ ${number(atLeast / slack, 2)}`;
}

export function report(
  all: readonly Result[],
  failures: readonly string[],
  where: Host,
  quick: boolean,
  reference: string,
): { text: string; missed: string[] } {
  const lines: string[] = [];
  const missed: string[] = [];
  let mode = '';
  for (const result of all) {
    if (result.mode !== mode) {
      mode = result.mode;
      lines.push('', `**${mode}**: ${result.title}, ${result.absolute.rounds} rounds`, '');
      lines.push(
        `| Proxy | Figure | Median | Min–max | ÷ ${reference} | Min–max | Budget | Doubts |`,
        '|---|---|---:|---:|---:|---:|---|---|',
      );
    }
    const budget = budgetOf(result, reference);
    const value = budget?.of === 'ratio' ? result.ratio?.median : result.absolute.median;
    let verdict = '';
    if (budget !== undefined && value !== undefined) {
      const slack = quick ? QUICK_SLACK : 1;
      const good = met(budget, value, slack);
      const unsure = budget.of === 'ratio' && result.clean === 0;
      verdict = `${bound(budget, slack)}: ${unsure ? 'unsure, no clean round' : good ? 'met' : 'MISSED'}`;
      if (!good && !unsure) missed.push(`${result.mode} ${result.figure.name}`);
    }
    lines.push(row(result, verdict));
  }
  const { cpu, cores, system, node, undici, hono, honoNodeServer, commit, pinned, loadAverage } = where;
  lines.push(
    '',
    `${cpu}, ${cores} cores, ${system}, Node ${node}, undici ${undici}, hono ${hono}, @hono/node-server ${honoNodeServer},`,
  );
  lines.push(
    `commit ${commit}, proxy ${pinned ? 'pinned to one core' : 'not pinned'}, load average before ${loadAverage}.`,
  );
  for (const failure of failures) lines.push('', `FAILED: ${failure}`);
  if (quick)
    lines.push(
      `Quick run: budgets with a slack of ${QUICK_SLACK} times; the figures are a smoke test, not a measurement.`,
    );
  return { text: lines.join('\n').trim(), missed };
}
