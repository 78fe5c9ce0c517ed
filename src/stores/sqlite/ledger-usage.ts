// Sums over the ledger: usage by what was asked for, and what became of workers' time. For the ledger and its reader.
import type { PoolTimeRow, UsageKey, UsageQuery, UsageRow } from '../../core/ledger.ts';
import type { Statements } from './statements.ts';

/** One text for all 256 choices of keys: those that are not asked for are null in every row, so they part nothing. */
const USAGE = `
SELECT
  CASE WHEN ?1 & 1 THEN tenant END AS key_tenant,
  CASE WHEN ?1 & 2 THEN asked END AS key_model,
  CASE WHEN ?1 & 4 THEN run END AS key_run,
  CASE WHEN ?1 & 8 THEN key END AS key_key,
  CASE WHEN ?1 & 16 THEN class END AS key_class,
  CASE WHEN ?1 & 32 THEN target END AS key_target,
  CASE WHEN ?1 & 64 THEN strftime('%Y-%m-%d', arrived_ms / 1000, 'unixepoch') END AS key_day,
  CASE WHEN ?1 & 128 THEN strftime('%Y-%m-%dT%H:00Z', arrived_ms / 1000, 'unixepoch') END AS key_hour,
  count(*) AS calls,
  sum(how = 'complete') AS complete,
  sum(degraded IS NOT NULL) AS degraded,
  sum(attempts) AS attempts,
  coalesce(sum(uncached_tokens), 0) AS uncached,
  coalesce(sum(cached_tokens), 0) AS cached,
  coalesce(sum(cache_write_tokens), 0) AS cache_write,
  coalesce(sum(output_tokens), 0) AS output,
  coalesce(sum(reasoning_tokens), 0) AS reasoning,
  sum(gpu_ms) AS gpu_ms,
  sum(cost) AS cost,
  sum(charge) AS charge,
  sum(failed_cost) AS failed_cost
FROM calls
WHERE arrived_ms >= ?2 AND arrived_ms < ?3 AND (?4 IS NULL OR tenant = ?4)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
ORDER BY cost DESC, charge DESC, calls DESC, 1, 2, 3, 4, 5, 6, 7, 8
LIMIT ?5`;
/** The same for one tenant, whose calls have an index of their own. */
const USAGE_OF_ONE = USAGE.replace('(?4 IS NULL OR tenant = ?4)', 'tenant = ?4');

const POOL_TIME = `
SELECT pool, sum(useful_ms) AS useful, sum(failed_ms) AS failed, sum(idle_ms) AS idle, sum(cold_ms) AS cold,
  sum(cost) AS cost
FROM worker_time WHERE from_ms >= ?1 AND from_ms < ?2 GROUP BY pool ORDER BY cost DESC, pool`;

const BITS: Readonly<Record<UsageKey, number>> = {
  tenant: 1,
  model: 2,
  run: 4,
  key: 8,
  class: 16,
  target: 32,
  day: 64,
  hour: 128,
};

export function usageRows(sql: Statements, query: UsageQuery): readonly UsageRow[] {
  const { by, fromMs, toMs, tenant, limit } = query;
  const mask = by.reduce((bits, key) => bits | BITS[key], 0);
  const values = [mask, fromMs, toMs, tenant, limit] as const;
  const rows = tenant === null ? sql.all(USAGE, ...values) : sql.all(USAGE_OF_ONE, ...values);
  return rows.map((row) => ({
    keys: by.map((key) => row[`key_${key}`] as string | null),
    calls: Number(row['calls']),
    complete: Number(row['complete']),
    degraded: Number(row['degraded']),
    attempts: Number(row['attempts']),
    uncachedTokens: Number(row['uncached']),
    cachedTokens: Number(row['cached']),
    cacheWriteTokens: Number(row['cache_write']),
    outputTokens: Number(row['output']),
    reasoningTokens: Number(row['reasoning']),
    gpuMs: Number(row['gpu_ms']),
    cost: Number(row['cost']),
    charge: Number(row['charge']),
    failedCost: Number(row['failed_cost']),
  }));
}

export function poolTimeRows(sql: Statements, fromMs: number, toMs: number): readonly PoolTimeRow[] {
  return sql.all(POOL_TIME, fromMs, toMs).map((row) => {
    const [usefulMs, failedMs, idleMs, coldMs] = [row['useful'], row['failed'], row['idle'], row['cold']].map(Number);
    return {
      pool: String(row['pool']),
      billedMs: usefulMs! + failedMs! + idleMs! + coldMs!,
      usefulMs: usefulMs!,
      failedMs: failedMs!,
      idleMs: idleMs!,
      coldMs: coldMs!,
      cost: Number(row['cost']),
    };
  });
}
