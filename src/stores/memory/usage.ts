// Usage added up from records as they are. For the ledger in memory.
import {
  type CallRecord,
  failedCostOf,
  type PoolTimeRow,
  targetOf,
  type UsageKey,
  type UsageQuery,
  type UsageRow,
  type WorkerTimeRecord,
} from '../../core/ledger.ts';

type Sums = { -readonly [key in keyof UsageRow]: UsageRow[key] };

const KEYS: Readonly<Record<UsageKey, (record: CallRecord) => string | null>> = {
  tenant: ({ tenant }) => tenant,
  model: ({ asked }) => asked,
  run: ({ run }) => run,
  key: ({ keyId }) => keyId,
  class: (record) => record.class,
  target: targetOf,
  day: ({ arrivedMs }) => new Date(arrivedMs).toISOString().slice(0, 10),
  hour: ({ arrivedMs }) => `${new Date(arrivedMs).toISOString().slice(0, 13)}:00Z`,
};

export function usageOf(records: Iterable<CallRecord>, query: UsageQuery): readonly UsageRow[] {
  const { by, fromMs, toMs, tenant, limit } = query;
  const groups = new Map<string, Sums>();
  for (const record of records) {
    const { arrivedMs } = record;
    if (arrivedMs < fromMs || arrivedMs >= toMs || (tenant !== null && record.tenant !== tenant)) continue;
    const keys = by.map((key) => KEYS[key](record));
    const name = JSON.stringify(keys);
    const sums = groups.get(name) ?? nothing(keys);
    groups.set(name, sums);
    count(sums, record);
  }
  const dearest = (a: UsageRow, b: UsageRow) => b.cost - a.cost || b.charge - a.charge || b.calls - a.calls;
  return [...groups.values()].sort(dearest).slice(0, limit);
}

function nothing(keys: readonly (string | null)[]): Sums {
  const tokens = { uncachedTokens: 0, cachedTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
  const money = { cost: 0, charge: 0, failedCost: 0 };
  return { keys, calls: 0, complete: 0, degraded: 0, attempts: 0, ...tokens, gpuMs: 0, ...money };
}

function count(sums: Sums, record: CallRecord): void {
  const { usage, attempts } = record;
  sums.calls++;
  if (record.how === 'complete') sums.complete++;
  if (record.degraded !== null) sums.degraded++;
  sums.attempts += attempts.length;
  if (usage !== null) {
    sums.uncachedTokens += usage.uncachedTokens;
    sums.cachedTokens += usage.cachedTokens;
    sums.cacheWriteTokens += usage.cacheWriteTokens ?? 0;
    sums.outputTokens += usage.outputTokens;
    sums.reasoningTokens += usage.reasoningTokens;
  }
  for (const { gpuMs } of attempts) sums.gpuMs += gpuMs ?? 0;
  sums.cost += record.cost;
  sums.charge += record.charge;
  sums.failedCost += failedCostOf(record);
}

type PoolSums = { -readonly [key in keyof PoolTimeRow]: PoolTimeRow[key] };

export function poolTimeOf(records: Iterable<WorkerTimeRecord>, fromMs: number, toMs: number): readonly PoolTimeRow[] {
  const pools = new Map<string, PoolSums>();
  for (const record of records) {
    if (record.fromMs < fromMs || record.fromMs >= toMs) continue;
    const { pool, usefulMs, failedMs, idleMs, coldMs, cost } = record;
    const zero = { pool, billedMs: 0, usefulMs: 0, failedMs: 0, idleMs: 0, coldMs: 0, cost: 0 };
    const sums = pools.get(pool) ?? zero;
    pools.set(pool, sums);
    sums.usefulMs += usefulMs;
    sums.failedMs += failedMs;
    sums.idleMs += idleMs;
    sums.coldMs += coldMs;
    sums.billedMs += usefulMs + failedMs + idleMs + coldMs;
    sums.cost += cost;
  }
  return [...pools.values()].sort((a, b) => b.cost - a.cost || (a.pool < b.pool ? -1 : 1));
}
