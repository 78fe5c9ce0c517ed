// Decides what a ledger answers in tests of those who ask it. For tests of usage over HTTP and on the command line.
import type { PoolTimeRow, UsageQuery, UsageRow } from '../../src/core/ledger.ts';

export const usageRow = (more: Partial<UsageRow> = {}): UsageRow => ({
  keys: ['acme'],
  calls: 3,
  complete: 2,
  degraded: 1,
  attempts: 4,
  uncachedTokens: 1000,
  cachedTokens: 5000,
  cacheWriteTokens: 400,
  outputTokens: 70,
  reasoningTokens: 9,
  gpuMs: 1234.5678,
  cost: 4_110_000_001,
  charge: 5_000_000_000,
  failedCost: 42_000,
  ...more,
});

export const poolRow = (more: Partial<PoolTimeRow> = {}): PoolTimeRow => ({
  pool: 'chat',
  billedMs: 60_000,
  usefulMs: 30_000,
  failedMs: 6_000,
  idleMs: 20_000,
  coldMs: 4_000,
  cost: 66_000_000,
  ...more,
});

/** A ledger that answers with these rows, and what it was asked. */
export function askedLedger(rows: readonly UsageRow[] = [usageRow()], pools: readonly PoolTimeRow[] = [poolRow()]) {
  const asked: unknown[] = [];
  return {
    asked,
    flush: () => void asked.push('flush'),
    usage(query: UsageQuery) {
      asked.push(query);
      return rows;
    },
    poolTime(fromMs: number, toMs: number) {
      asked.push([fromMs, toMs]);
      return pools;
    },
    erase(tenant: string) {
      asked.push(`erase ${tenant}`);
      return Promise.resolve(7);
    },
    close: () => void asked.push('close'),
  };
}
