// How things stand at this moment, as metrics: lines, workers, the process. For exporters.
import type { LineStatus } from '../core/gate.ts';
import type { LedgerHealth } from '../core/ledger.ts';
import type { ProcessLoad } from '../core/pressure.ts';
import { type Family, family, labelText, type Sample } from './names.ts';

/** What a router's status tells of one target. */
export interface TargetFigures {
  readonly name: string;
  readonly inFlight: number;
  readonly waiting: number;
  readonly lines: readonly LineStatus[];
  readonly workers: readonly { readonly id: string; readonly limit: number; readonly breaker: string }[];
}

const BREAKER_STATES: Readonly<Record<string, number>> = { closed: 0, 'half-open': 1, open: 2 };

export function targetGauges(
  targets: readonly TargetFigures[],
  tenantLabel: (tenant: string) => string,
): readonly Family[] {
  const each = (of: (target: TargetFigures) => number): Sample[] =>
    merged(
      targets.map((target) => ({ labels: { target: labelText(target.name) }, value: of(target) })),
      sum,
    );
  const eachWorker = (of: (worker: TargetFigures['workers'][number]) => number, how: Merge): Sample[] =>
    merged(
      targets.flatMap(({ name, workers }) =>
        workers.map((worker) => ({
          labels: { target: labelText(name), worker: labelText(worker.id) },
          value: of(worker),
        })),
      ),
      how,
    );
  const lines = targets.flatMap((target) =>
    target.lines.map(({ class: routeClass, priority, tenant, waiting }) => ({
      labels: { class: routeClass, priority, target: labelText(target.name), tenant: tenantLabel(tenant) },
      value: waiting,
    })),
  );
  return [
    family('spillway_queue_depth', merged(lines, sum)),
    family(
      'spillway_in_flight',
      each(({ inFlight }) => inFlight),
    ),
    family('spillway_saturation', each(saturationOf)),
    family(
      'spillway_limit',
      eachWorker(({ limit }) => limit, sum),
    ),
    family(
      'spillway_breaker_state',
      eachWorker(({ breaker }) => BREAKER_STATES[breaker] ?? 0, Math.max),
    ),
  ];
}

/** What a router's status tells of money and records. */
export interface MoneyFigures {
  readonly reservedUsd: number;
  readonly ledger: Pick<LedgerHealth, 'ok' | 'waiting' | 'lost'>;
}

export function moneyGauges(money: MoneyFigures | null): readonly Family[] {
  if (money === null) return [];
  const { reservedUsd, ledger } = money;
  const one = (value: number): Sample[] => [{ labels: {}, value }];
  return [
    family('spillway_reserved_usd', one(reservedUsd)),
    family('spillway_ledger_waiting_records', one(ledger.waiting)),
    family('spillway_ledger_lost_records_total', one(ledger.lost)),
    family('spillway_ledger_up', one(ledger.ok ? 1 : 0)),
  ];
}

export function processGauges({ heapShare, loopLagMs }: ProcessLoad, step: number): readonly Family[] {
  const one = (value: number): Sample[] => [{ labels: {}, value }];
  return [
    family('spillway_loop_lag_seconds', one(loopLagMs / 1000)),
    family('spillway_heap_share', one(heapShare)),
    family('spillway_pressure_step', one(step)),
  ];
}

/** A target without room for one call is as if it had room for one: what waits for it still shows. */
function saturationOf({ inFlight, waiting, workers }: TargetFigures): number {
  const capacity = workers.reduce((total, { limit }) => total + limit, 0);
  return (inFlight + waiting) / Math.max(1, capacity);
}

type Merge = (a: number, b: number) => number;
const sum: Merge = (a, b) => a + b;

/** Several tenants may share a label, and a line may be said only once. */
function merged(samples: readonly Sample[], how: Merge): Sample[] {
  const byLabels = new Map<string, Sample>();
  for (const { labels, value } of samples) {
    const key = JSON.stringify(Object.values(labels));
    const before = byLabels.get(key);
    byLabels.set(key, { labels, value: before === undefined ? value : how(before.value, value) });
  }
  return [...byLabels.values()];
}
