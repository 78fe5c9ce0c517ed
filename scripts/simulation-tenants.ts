// Tables of who gets how much of a pool: recorded clients, neighbours of a flood, work of lower bands. For scripts/simulations.ts.
import { tenantTable } from '../src/simulation/table.ts';
import type { Recorded } from '../src/simulation/traffic.ts';
import { fairShare } from '../test/simulation/claims/fair-share.ts';
import { type NeighbourFigures, neighbour } from '../test/simulation/claims/neighbours.ts';
import { ms, percent, range, seeded, table } from './simulation-cells.ts';

const HOUR_MS = 3_600_000;

export async function fairShares(
  recorded: Recorded,
  hours: readonly (number | null)[],
  lastsMs: number,
): Promise<string> {
  const rows: string[][] = [];
  let tenants = '';
  for (const hour of hours) {
    const fromMs = hour === null ? null : hour * HOUR_MS;
    const run = (weighted: boolean, asOneTenant: boolean) =>
      fairShare({ recorded, fromMs, lastsMs, load: 2, weighted, asOneTenant, seed: 1 });
    const [even, weighted, one] = [await run(false, false), await run(true, false), await run(false, true)];
    const of = ({ report }: typeof even) => {
      const shares = report.fairness.tenants
        .filter(({ entitled }) => entitled > 0)
        .map((each) => each.served / each.entitled);
      return `${report.fairness.jain?.toFixed(4)} (${Math.min(...shares).toFixed(2)} to ${Math.max(...shares).toFixed(2)})`;
    };
    const { report } = even;
    rows.push([
      hour === null ? 'busiest' : `from hour ${hour}`,
      `${report.fairness.tenants.length}`,
      `${report.all.calls}`,
      of(even),
      of(weighted),
      of(one),
    ]);
    if (hour === hours.at(-1)) tenants = tenantTable(report, 12);
  }
  const head = ['ten minutes', 'tenants', 'calls', 'equal weights', 'weights 1 to 4', 'first come, first served'];
  return `${table(head, rows)}\nThe last row's tenants at equal weights:\n\n${tenants}`;
}

export async function neighbours(seconds: number): Promise<string> {
  const rows: string[][] = [];
  const wait = (all: readonly NeighbourFigures[]) =>
    range(
      all.map(({ waitMs }) => waitMs.p99 ?? 0),
      ms,
    );
  for (const worker of ['slots', 'h100'] as const)
    for (const own of [0.2, 0.4]) {
      const run = (flood: number, asOneTenant: boolean) =>
        seeded((seed) =>
          neighbour({ worker, own, flood, priority: null, waitSeconds: 10, seconds, asOneTenant, seed }),
        );
      const [twice, tenfold, one] = [await run(2, false), await run(10, false), await run(10, true)];
      const lost = one.map(({ calls, answered }) => 1 - answered / calls);
      const rose = twice.map((figures, at) => tenfold[at]!.waitMs.p99! - figures.waitMs.p99!);
      rows.push([
        `${worker}, B at ${own} of capacity`,
        wait(twice),
        wait(tenfold),
        range(rose, ms),
        ms(twice[0]!.serviceMs),
        range(lost, percent),
      ]);
    }
  const head = [
    '',
    'B’s p99 wait, A at 2×',
    'A at 10×',
    'rise',
    'one service',
    'B’s calls refused by order of arrival, A at 10×',
  ];
  return table(head, rows);
}

export async function lowBands(seconds: number): Promise<string> {
  const rows: string[][] = [];
  for (const worker of ['slots', 'h100'] as const)
    for (const own of [0.3, 0.5, 0.7]) {
      const base = { worker, own, seconds, asOneTenant: false };
      const run = (flood: number, priority: 'batch' | 'background', waitSeconds: number) =>
        seeded((seed) => neighbour({ ...base, flood, priority, waitSeconds, seed }));
      const of = (all: readonly NeighbourFigures[]) =>
        `${range(
          all.map(({ waitMs }) => waitMs.p99 ?? 0),
          ms,
        )}, ${range(
          all.map(({ calls, answered }) => answered / calls),
          percent,
        )}`;
      const alone = await run(0, 'batch', 10);
      rows.push([
        `${worker}, interactive at ${own}`,
        of(alone),
        of(await run(2, 'background', 10)),
        of(await run(2, 'batch', 10)),
        of(await run(2, 'batch', 600)),
        ms(alone[0]!.serviceMs),
      ]);
    }
  const head = [
    'p99 wait, share answered',
    'alone',
    'background at 2×',
    'batch at 2×',
    'batch at 2×, `wait: 10m`',
    'one service',
  ];
  return table(head, rows);
}
