// What a simulation came to: waits, reuse, balance, goodput, refusals, fairness. For the command line and scripts.
import type { RouteClass } from '../core/names.ts';
import { type Fairness, fairness } from './fairness.ts';
import { imbalanceP95 } from './imbalance.ts';
import type { LoadWindow } from './load-windows.ts';
import type { CallRecord } from './record.ts';
import type { Result } from './simulate.ts';
import { type Percentiles, percentiles } from './statistics.ts';

export interface ReportRules {
  /** Calls that arrived and windows that began before this do not count. */
  readonly fromMs: number;
  /** Of a class; null = any time is good. */
  sloMs(routeClass: RouteClass): number | null;
  weightOf(tenant: string): number;
  /** Stretches by which shares between tenants and balance between workers are looked at. */
  readonly windowMs: number;
}

export interface Group {
  readonly calls: number;
  readonly answered: number;
  readonly ttftMs: Percentiles;
  readonly queueMs: Percentiles;
  /** By error code. */
  readonly failures: Readonly<Record<string, number>>;
}

export interface Report {
  readonly seconds: number;
  readonly all: Group;
  /** Calls that bring a tool's answer, and all others. */
  readonly toolLoop: Group;
  readonly newTurns: Group;
  readonly classes: Readonly<Record<string, Group>>;
  readonly tenants: Readonly<Record<string, Group>>;
  readonly offeredPerSecond: number;
  readonly answeredPerSecond: number;
  /** Answered within their class's time to first content. */
  readonly goodputPerSecond: number;
  readonly goodputShare: number | null;
  /** Of prompt tokens that workers were given. */
  readonly reusedShare: number | null;
  /** Of what one infinite cache would have had. */
  readonly reusedOfPerfect: number | null;
  /**
   * Most loaded worker over the mean of its pool, of windows that begin each minute: by work done, and by calls held. Of
   * several pools, the worst one.
   */
  readonly imbalanceP95: { readonly work: number | null; readonly calls: number | null };
  readonly degradedShare: number | null;
  /** Of gates and the process itself, over the whole run. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly fairness: Fairness;
}

export function report(result: Result, rules: ReportRules): Report {
  const records = result.records.filter(({ arrivedMs }) => arrivedMs >= rules.fromMs);
  const answered = records.filter(({ code }) => code === null);
  const lastMs = records.reduce((last, { arrivedMs }) => Math.max(last, arrivedMs), rules.fromMs);
  const seconds = Math.max(1, lastMs - rules.fromMs) / 1_000;
  const good = answered.filter(
    (record) => (record.ttftMs ?? 0) <= (rules.sloMs(record.class) ?? Number.POSITIVE_INFINITY),
  );
  const worked = answered.filter(({ workerId }) => workerId !== null);
  const sum = (of: (record: CallRecord) => number) => worked.reduce((total, record) => total + of(record), 0);
  const reused = sum(({ reusedTokens }) => reusedTokens);
  const windows = result.windows.filter(({ fromMs }) => fromMs >= rules.fromMs && fromMs < lastMs);
  return {
    seconds,
    all: group(records),
    toolLoop: group(records.filter(({ answersTool }) => answersTool)),
    newTurns: group(records.filter(({ answersTool }) => !answersTool)),
    classes: groupsBy(records, ({ class: name }) => name),
    tenants: groupsBy(records, ({ tenant }) => tenant),
    offeredPerSecond: records.filter(({ tries }) => tries === 1).length / seconds,
    answeredPerSecond: answered.length / seconds,
    goodputPerSecond: good.length / seconds,
    goodputShare: share(good.length, records.filter(({ tries }) => tries === 1).length),
    reusedShare: share(
      reused,
      sum(({ inputTokens }) => inputTokens),
    ),
    reusedOfPerfect: share(
      reused,
      sum(({ reusableTokens }) => reusableTokens),
    ),
    imbalanceP95: {
      work: imbalance(result.workers, windows, rules, ({ work }) => work),
      calls: imbalance(result.workers, windows, rules, ({ calls }) => calls),
    },
    degradedShare: share(answered.filter(({ degraded }) => degraded !== null).length, answered.length),
    refusals: Object.fromEntries([...result.refusals].sort(([a], [b]) => (a < b ? -1 : 1))),
    fairness: fairness(records, rules.weightOf, rules.windowMs),
  };
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function group(records: readonly CallRecord[]): Group {
  const answered = records.filter(({ code }) => code === null);
  const failures: Record<string, number> = {};
  for (const { code } of records) if (code !== null) failures[code] = (failures[code] ?? 0) + 1;
  return {
    calls: records.length,
    answered: answered.length,
    ttftMs: percentiles(answered.map(({ ttftMs }) => ttftMs ?? 0)),
    queueMs: percentiles(answered.map(({ queueMs }) => queueMs)),
    failures,
  };
}

function groupsBy(records: readonly CallRecord[], key: (record: CallRecord) => string): Record<string, Group> {
  const groups = [...Map.groupBy(records, key)].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(groups.map(([name, members]) => [name, group(members)]));
}

function imbalance(
  workers: readonly string[],
  windows: readonly LoadWindow[],
  { windowMs }: ReportRules,
  of: (window: LoadWindow) => readonly number[],
): number | null {
  const pools = Map.groupBy(workers.keys(), (at) => workers[at]!.replace(/\/\d+$/, ''));
  const ratios = [...pools.values()]
    .filter((columns) => columns.length > 1)
    .map((columns) => {
      const slices = windows.map((window) => ({
        fromMs: window.fromMs,
        loads: columns.map((at) => of(window)[at]!),
      }));
      return imbalanceP95(slices, windowMs);
    })
    .filter((ratio) => ratio !== null);
  return ratios.length === 0 ? null : Math.max(...ratios);
}
