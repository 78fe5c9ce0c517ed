// How usage is told as JSON: whole nano-USD, for sums that stay exact. For the admin routes and the command line.
import type { PoolTimeRow, UsageQuery, UsageRow } from '../core/ledger.ts';
import { momentText } from './usage-query.ts';

export function usageJson({ by, fromMs, toMs, tenant, limit }: UsageQuery, rows: readonly UsageRow[]) {
  return {
    from: momentText(fromMs),
    to: momentText(toMs),
    by,
    tenant,
    /** There may be more groups, none of them dearer. */
    complete: rows.length < limit,
    rows: rows.map(({ keys, cost, charge, failedCost, complete, ...counts }) => ({
      ...Object.fromEntries(by.map((key, at) => [key, keys[at] ?? null])),
      ...counts,
      completeCalls: complete,
      costNanoUsd: cost,
      chargeNanoUsd: charge,
      failedCostNanoUsd: failedCost,
    })),
  };
}

export function poolsJson(fromMs: number, toMs: number, rows: readonly PoolTimeRow[]) {
  return {
    from: momentText(fromMs),
    to: momentText(toMs),
    rows: rows.map(({ cost, ...times }) => ({ ...times, costNanoUsd: cost })),
  };
}
