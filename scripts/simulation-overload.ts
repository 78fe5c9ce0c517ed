// Tables of what too much load and sick workers do. For scripts/simulations.ts.
import { profiles } from '../src/scheduling/profiles.ts';
import type { TraceCall } from '../src/simulation/traces/forms.ts';
import { burst } from '../test/simulation/claims/burst.ts';
import { overload } from '../test/simulation/claims/overload.ts';
import { type SICKNESSES, sickWorker } from '../test/simulation/claims/sick-worker.ts';
import { ms, percent, range, seeded, table } from './simulation-cells.ts';

export async function overloads(seconds: number): Promise<string> {
  const rows: string[][] = [];
  for (const waitSeconds of [2, 10])
    for (const shape of ['poisson', 'bursts'] as const)
      for (const retries of [0, 4]) {
        const base = { shape, waitSeconds, times: 10, retries };
        const all = await seeded((seed) => overload({ ...base, overloadSeconds: seconds, seed }));
        rows.push([
          `${shape}, \`wait: ${waitSeconds}s\`${retries > 0 ? ', all come back' : ''}`,
          range(
            all.map(({ goodputPerSecond, peakPerSecond }) => goodputPerSecond / peakPerSecond),
            percent,
          ),
          range(
            all.map(({ refused }) => refused),
            String,
          ),
          range(
            all.map(({ refusalP99Ms }) => refusalP99Ms),
            ms,
          ),
          range(
            all.map(({ waitedInVain }) => waitedInVain),
            String,
          ),
          range(
            all.map(({ recoveryMs }) => recoveryMs),
            ms,
          ),
          `${all[0]!.retryAfterSeconds.p50} s / ${all[0]!.retryAfterSeconds.p95} s`,
          retries === 0
            ? '–'
            : range(
                all.map(({ served }) => served ?? 0),
                percent,
              ),
          retries === 0
            ? '–'
            : range(
                all.map(({ served, servable }) => (served ?? 0) / (servable ?? 1)),
                percent,
              ),
        ]);
      }
  const head = [
    `10× for ${seconds} s`,
    'goodput ÷ peak',
    'refused',
    'refusal p99',
    'waited in vain',
    'recovery',
    'Retry-After p50 / p95',
    'of those who came back, served',
    'of those that slots were left for',
  ];
  return table(head, rows);
}

/** What becomes of callers who all come back when they are told to, four times at most. */
export async function comebacks(seconds: number): Promise<string> {
  const rows: string[][] = [];
  for (const times of [1.2, 1.5, 2, 3, 10]) {
    const figures = await overload({
      shape: 'poisson',
      waitSeconds: 10,
      overloadSeconds: seconds,
      times,
      retries: 4,
      seed: 1,
    });
    const { calls, refused, served, servable, retryAfterSeconds, recoveryMs } = figures;
    rows.push([
      `${times}×`,
      `${calls}`,
      `${refused}`,
      `${retryAfterSeconds.p50} s / ${retryAfterSeconds.p95} s`,
      percent(served),
      percent(servable),
      percent((served ?? 0) / (servable ?? 1)),
      ms(recoveryMs),
    ]);
  }
  return table(
    [
      `for ${seconds} s, \`wait: 10s\``,
      'tries',
      'refused',
      'Retry-After p50 / p95',
      'of further tries, served',
      'could be served',
      'served of these',
      'recovery',
    ],
    rows,
  );
}

export async function bursts(calls: readonly TraceCall[]): Promise<string> {
  const rows: string[][] = [];
  const worst = worstMinutes(calls, 5);
  for (const [name, part, load] of [
    ['30 minutes', calls, 0.7],
    ['its worst 5 minutes', worst, 1],
  ] as const)
    for (const workers of [1, 4, 16])
      for (const concurrency of ['8', '64', 'auto']) {
        const figures = await burst({ calls: part, load, workers, concurrency, waitSeconds: 10, retries: 0, seed: 1 });
        const { run, inLine, waitedInVain, gaveWay, refusedAtOnce, longestWaitMs, otherFailures } = figures;
        rows.push([
          `${name} at ${load}, ${workers} × ${concurrency}`,
          `${run.report.all.calls}`,
          `${run.report.all.answered}`,
          `${refusedAtOnce}`,
          `${inLine}`,
          `${waitedInVain}`,
          `${gaveWay + otherFailures}`,
          ms(longestWaitMs),
        ]);
      }
  const head = [
    '',
    'calls',
    'answered',
    'refused at once',
    'stood in line',
    'of them in vain',
    'other failures',
    'longest wait',
  ];
  return table(head, rows);
}

/** The busiest stretch of so many minutes, its times from 0 on. */
function worstMinutes(calls: readonly TraceCall[], minutes: number): TraceCall[] {
  const spanMs = minutes * 60_000;
  let best: readonly TraceCall[] = [];
  for (let from = 0, to = 0; to < calls.length; to++) {
    while (calls[to]!.atMs - calls[from]!.atMs > spanMs) from++;
    if (to - from + 1 > best.length) best = calls.slice(from, to + 1);
  }
  return best.map((call) => ({ ...call, atMs: call.atMs - best[0]!.atMs }));
}

/** What makes the fourth worker of no use. */
const BAD = ['slow', 'turning slow', 'flapping 1 s', 'flapping 5 s'] as const satisfies (keyof typeof SICKNESSES)[];
const WAYS = [
  ['', {}],
  [', whole replies', { isWhole: true }],
  [', 1 at once', { limit: 1 }],
  [', 64 at once', { limit: 64 }],
] as const;

export async function sickWorkers(): Promise<string> {
  const rows: string[][] = [];
  for (const worker of ['slots', 'h100'] as const)
    for (const [way, more] of WAYS)
      for (const load of [0.5, 0.7])
        for (const profile of ['sticky', 'least-requests', 'p2c'] as const) {
          // Eight places take no more than eight calls, and refuse the rest.
          if (worker === 'slots' && 'limit' in more && more.limit > 8) continue;
          const run = (sickness: keyof typeof SICKNESSES | null) => {
            const base = { worker, sickness, schedule: profiles[profile], load, ...more };
            return seeded((seed) => sickWorker({ ...base, seconds: worker === 'slots' ? 120 : 600, seed }));
          };
          const healthy = await run(null);
          const cells: string[] = [];
          for (const sickness of BAD) {
            const sick = await run(sickness);
            const ratios = sick.map(({ p99Ms }, at) => p99Ms / healthy[at]!.p99Ms);
            const cut = sick.reduce((sum, figures) => sum + figures.cut, 0);
            cells.push(`${range(ratios, (ratio) => `${ratio.toFixed(2)}×`)}${cut > 0 ? `, ${cut} cut` : ''}`);
          }
          rows.push([
            `${worker} at ${load}, ${profile}${way}`,
            range(
              healthy.map(({ p99Ms }) => p99Ms),
              ms,
            ),
            ...cells,
          ]);
        }
  return table(['', 'p99 of three healthy ones', ...BAD], rows);
}
