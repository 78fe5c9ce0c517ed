// What watches one router on Node: counts of calls, the load of the process, the ladder that it climbs. For entry/node.
import type { RouteClass } from '../core/names.ts';
import type { ServiceLevel } from '../core/plan.ts';
import type { Clock, Log } from '../core/runtime.ts';
import { PressureLadder } from '../flow/pressure.ts';
import type { RouterStatus } from '../router/status.ts';
import { watchLoad } from '../runtime/node/load.ts';
import { createMetricsPage, type MetricsPage } from '../runtime/node/metrics.ts';
import { CallCounts } from '../telemetry/call-counts.ts';
import { moneyGauges, processGauges, targetGauges } from '../telemetry/gauges.ts';

export interface Watch {
  readonly pressure: PressureLadder;
  readonly metrics: CallCounts;
  /** Makes the page of a router's metrics. */
  page(status: () => Pick<RouterStatus, 'pools' | 'money'>): () => Promise<MetricsPage>;
  close(): void;
}

export function startWatch(clock: Clock, log: Log, level: (routeClass: RouteClass) => ServiceLevel): Watch {
  const pressure = new PressureLadder(clock);
  const metrics = new CallCounts(clock, level);
  const watching = watchLoad(pressure, log);
  return {
    pressure,
    metrics,
    page: (status) =>
      createMetricsPage(() => {
        const { pools, money } = status();
        return [
          ...metrics.families(),
          ...targetGauges(pools, (tenant) => metrics.tenantLabel(tenant)),
          ...moneyGauges(money),
          ...processGauges(watching.load, pressure.step),
        ];
      }),
    close: () => watching.close(),
  };
}
