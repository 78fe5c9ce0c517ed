// Opens what a router on Node keeps: keys, tenants, quotas, ledger, replies. For entry/node.
import type { IdempotencyStore } from '../core/idempotency.ts';
import type { KeyStore } from '../core/keys.ts';
import type { LedgerStore } from '../core/ledger.ts';
import type { QuotaStore } from '../core/quota.ts';
import type { Clock, Log, Timer } from '../core/runtime.ts';
import { StoreFault } from '../core/store.ts';
import type { TenantStore } from '../core/tenants.ts';
import { createMemoryQuota } from '../stores/memory/quota.ts';
import { MemoryReplies } from '../stores/memory/replies.ts';
import { SqliteKeys } from '../stores/sqlite/keys.ts';
import { openSqliteLedger } from '../stores/sqlite/ledger.ts';
import { SqliteTenants } from '../stores/sqlite/tenants.ts';

/** How long another process may hold a file that is read and written on this thread, ms. */
const BUSY_MS = 200;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Stores that are brought along stay their owner's to close. */
export interface GivenStores {
  readonly keys?: KeyStore;
  readonly tenants?: TenantStore;
  readonly ledger?: LedgerStore;
}

export interface OpenStores {
  readonly keys: KeyStore;
  readonly tenants: TenantStore;
  readonly quota: QuotaStore;
  readonly ledger: LedgerStore;
  readonly replies: IdempotencyStore;
  /** Records that are older go; from now on, and every hour. */
  keepDays(days: number): void;
  /** All but those that were brought along. */
  close(): Promise<void>;
}

/** Rejects with a StoreFault where a ledger is there and cannot be used: money would be spent twice. */
export async function openStores(given: GivenStores, folder: string, clock: Clock, log: Log): Promise<OpenStores> {
  const ledger = given.ledger ?? (await openSqliteLedger({ folder, log, nowMs: () => clock.nowMs() }));
  const keys = given.keys ?? new SqliteKeys({ folder, busyMs: BUSY_MS });
  const tenants = given.tenants ?? new SqliteTenants({ folder, busyMs: BUSY_MS });
  const quota = createMemoryQuota({ clock });
  const replies = new MemoryReplies(clock);
  let timer: Timer | null = null;

  async function expire(days: number): Promise<void> {
    try {
      const records = await ledger.expire(clock.wallMs() - days * DAY_MS);
      if (records > 0) log.info('ledger_expired', { records, days });
    } catch (thrown) {
      log.warn('ledger_not_expired', { why: thrown instanceof StoreFault ? thrown.code : 'unknown' });
    }
  }

  return {
    keys,
    tenants,
    quota,
    ledger,
    replies,
    keepDays(days) {
      timer?.cancel();
      const round = () => {
        void expire(days);
        timer = clock.after(HOUR_MS, round);
      };
      round();
    },
    async close() {
      timer?.cancel();
      if (given.keys === undefined) await keys.close();
      if (given.tenants === undefined) await tenants.close();
      await quota.close();
      await replies.close();
      if (given.ledger === undefined) await ledger.close();
    },
  };
}
