// Takes records away, a thousand at a time, so that commits go on between. For the ledger's thread.
import { windowStartMs } from '../../core/windows.ts';
import type { Statements } from './statements.ts';

const LAST = 'SELECT coalesce(max(seq), 0) AS seq FROM calls';
const ATTEMPTS_OF_TENANT = `
DELETE FROM attempts WHERE call IN
  (SELECT seq FROM calls WHERE tenant = ?1 AND seq <= ?2 ORDER BY arrived_ms, seq LIMIT 1000)`;
const CALLS_OF_TENANT = `
DELETE FROM calls WHERE seq IN
  (SELECT seq FROM calls WHERE tenant = ?1 AND seq <= ?2 ORDER BY arrived_ms, seq LIMIT 1000)`;
const OLD_ATTEMPTS = `
DELETE FROM attempts WHERE call IN
  (SELECT seq FROM calls WHERE arrived_ms < ?1 AND seq <= ?2 ORDER BY arrived_ms, seq LIMIT 1000)`;
const OLD_CALLS = `
DELETE FROM calls WHERE seq IN
  (SELECT seq FROM calls WHERE arrived_ms < ?1 AND seq <= ?2 ORDER BY arrived_ms, seq LIMIT 1000)`;
const OLD_WORKER_TIME = `
DELETE FROM worker_time WHERE (holder, seq) IN
  (SELECT holder, seq FROM worker_time WHERE from_ms < ?1 ORDER BY from_ms LIMIT 1000)`;
const OLD_LOST = 'DELETE FROM lost WHERE at_ms < ?';
const OLD_SPEND = 'DELETE FROM spend WHERE start_ms < ?';

export interface PurgeJob {
  /** Within a transaction; false: that was all. */
  step(): boolean;
  /** Calls taken away so far. */
  readonly count: number;
}

export interface LedgerPurge {
  erase(tenant: string): PurgeJob;
  expire(beforeMs: number): PurgeJob;
}

export function ledgerPurge(sql: Statements, wallMs: () => number): LedgerPurge {
  function job(calls: (last: bigint) => bigint, more: () => bigint): PurgeJob {
    // What comes later belongs to a later job.
    const last = (sql.one(LAST)?.['seq'] ?? 0n) as bigint;
    let count = 0;
    return {
      step() {
        const gone = calls(last);
        count += Number(gone);
        return more() + gone > 0n;
      },
      get count() {
        return count;
      },
    };
  }
  return {
    erase: (tenant) =>
      job(
        (last) => {
          sql.run(ATTEMPTS_OF_TENANT, tenant, last);
          return changed(sql.run(CALLS_OF_TENANT, tenant, last));
        },
        () => 0n,
      ),
    expire: (beforeMs) =>
      job(
        (last) => {
          sql.run(OLD_ATTEMPTS, beforeMs, last);
          return changed(sql.run(OLD_CALLS, beforeMs, last));
        },
        () => {
          sql.run(OLD_LOST, beforeMs);
          // What this month has cost counts against its limits, however short records are kept.
          sql.run(OLD_SPEND, Math.min(beforeMs, windowStartMs('month', wallMs())));
          return changed(sql.run(OLD_WORKER_TIME, beforeMs));
        },
      ),
  };
}

const changed = ({ changes }: ReturnType<Statements['run']>): bigint => BigInt(changes);
