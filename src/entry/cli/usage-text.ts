// How usage and workers' time are shown: in columns, and as CSV that a spreadsheet takes for text and numbers. For `spillway usage`.
import type { PoolTimeRow, UsageKey, UsageRow } from '../../core/ledger.ts';
import { type NanoUsd, usdText } from '../../core/money.ts';
import { visible } from '../../tenants/key-terms.ts';

type Cell = string | number | null;

interface Column<Row> {
  readonly title: string;
  readonly csv: string;
  readonly of: (row: Row) => Cell;
  /** As people read it; else as it is. */
  readonly text?: (row: Row) => string;
}

const seconds = (ms: number) => (ms / 1000).toFixed(3);
const shortSeconds = (ms: number) => `${Math.round(ms / 1000)}`;
const share = (part: number, whole: number) => (whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`);

/** All digits of an amount. */
export function usdDigits(amount: NanoUsd): string {
  const digits = String(Math.abs(amount)).padStart(10, '0');
  return `${amount < 0 ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

const COUNTS: readonly Column<UsageRow>[] = [
  { title: 'CALLS', csv: 'calls', of: ({ calls }) => calls },
  { title: 'WHOLE', csv: 'complete_calls', of: ({ complete }) => complete },
  { title: 'DEGRADED', csv: 'degraded_calls', of: ({ degraded }) => degraded },
  { title: 'ATTEMPTS', csv: 'attempts', of: ({ attempts }) => attempts },
  { title: 'UNCACHED', csv: 'uncached_tokens', of: (row) => row.uncachedTokens },
  { title: 'CACHED', csv: 'cached_tokens', of: (row) => row.cachedTokens },
  { title: 'WRITTEN', csv: 'cache_write_tokens', of: (row) => row.cacheWriteTokens },
  { title: 'OUTPUT', csv: 'output_tokens', of: (row) => row.outputTokens },
  { title: 'REASONING', csv: 'reasoning_tokens', of: (row) => row.reasoningTokens },
  { title: 'GPU S', csv: 'gpu_seconds', of: (row) => seconds(row.gpuMs), text: (row) => shortSeconds(row.gpuMs) },
  money('COST', 'cost_usd', ({ cost }) => cost),
  money('OF IT FAILED', 'failed_cost_usd', ({ failedCost }) => failedCost),
  money('CHARGED', 'charge_usd', ({ charge }) => charge),
];

const TIMES: readonly Column<PoolTimeRow>[] = [
  { title: 'POOL', csv: 'pool', of: ({ pool }) => pool },
  time('BILLED S', 'billed_seconds', ({ billedMs }) => billedMs),
  time('USEFUL S', 'useful_seconds', ({ usefulMs }) => usefulMs),
  time('FAILED S', 'failed_seconds', ({ failedMs }) => failedMs),
  time('IDLE S', 'idle_seconds', ({ idleMs }) => idleMs),
  time('COLD S', 'cold_seconds', ({ coldMs }) => coldMs),
  {
    title: 'USEFUL',
    csv: 'useful_share',
    of: (row) => (row.billedMs === 0 ? null : (row.usefulMs / row.billedMs).toFixed(6)),
    text: (row) => share(row.usefulMs, row.billedMs),
  },
  money('COST', 'cost_usd', ({ cost }) => cost),
];

function money<Row>(title: string, csv: string, of: (row: Row) => NanoUsd): Column<Row> {
  return { title, csv, of: (row) => usdDigits(of(row)), text: (row) => usdText(of(row)) };
}

function time<Row>(title: string, csv: string, of: (row: Row) => number): Column<Row> {
  return { title, csv, of: (row) => seconds(of(row)), text: (row) => shortSeconds(of(row)) };
}

function usageColumns(by: readonly UsageKey[]): readonly Column<UsageRow>[] {
  const keys = by.map((key, at) => ({
    title: key.toUpperCase(),
    csv: key,
    of: (row: UsageRow) => row.keys[at] ?? null,
  }));
  return [...keys, ...COUNTS];
}

export const usageTable = (by: readonly UsageKey[], rows: readonly UsageRow[]): string =>
  table(usageColumns(by), rows, by.length);
export const usageCsv = (by: readonly UsageKey[], rows: readonly UsageRow[]): string =>
  csv(usageColumns(by), rows, by.length);
export const poolTable = (rows: readonly PoolTimeRow[]): string => table(TIMES, rows, 1);
export const poolCsv = (rows: readonly PoolTimeRow[]): string => csv(TIMES, rows, 1);

/** The first columns are names, to the left; numbers stand to the right. */
function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], names: number): string {
  const cells = rows.map((row) => columns.map(({ of, text }) => text?.(row) ?? visible(`${of(row) ?? '–'}`)));
  const all = [columns.map(({ title }) => title), ...cells];
  const widths = columns.map((_, at) => Math.max(...all.map((row) => row[at]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, at) => (at < names ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join('  ');
  return `${all.map((row) => line(row).trimEnd()).join('\n')}\n`;
}

/** RFC 4180, UTF-8. */
function csv<Row>(columns: readonly Column<Row>[], rows: readonly Row[], names: number): string {
  const lines = rows.map((row) => columns.map(({ of }, at) => field(of(row), at < names)));
  return [columns.map((column) => column.csv), ...lines].map((cells) => `${cells.join(',')}\r\n`).join('');
}

/** What a spreadsheet takes for the beginning of a formula. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

function field(cell: Cell, isName: boolean): string {
  const text = `${cell ?? ''}`;
  const safe = isName && FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** What the shown groups come to. */
export function usageSum(rows: readonly UsageRow[]): string {
  const sum = (of: (row: UsageRow) => number) => rows.reduce((all, row) => all + of(row), 0);
  const [cost, failed, charge] = [sum((row) => row.cost), sum((row) => row.failedCost), sum((row) => row.charge)];
  const margin = charge - cost;
  return `${sum((row) => row.calls)} calls: cost ${usdText(cost)}, of it for attempts that came to nothing ${usdText(failed)}; charged ${usdText(charge)}, ${usdText(Math.abs(margin))} ${margin < 0 ? 'less' : 'more'} than they cost.`;
}
