// Opens what a router on Node keeps: keys, tenants, quotas, ledger, replies. For entry/node.
import type { IdempotencyStore } from '../core/idempotency.ts';
import type { KeyStore } from '../core/keys.ts';
import type { LedgerStore } from '../core/ledger.ts';
import type { QuotaStore } from '../core/quota.ts';
import type { Clock, Log, Timer } from '../core/runtime.ts';
import { StoreFault, type StoreFaultCode } from '../core/store.ts';
import type { TenantStore } from '../core/tenants.ts';
import { createMemoryLedger } from '../stores/memory/ledger.ts';
import { createMemoryQuota } from '../stores/memory/quota.ts';
import { MemoryReplies } from '../stores/memory/replies.ts';
import { SqliteKeys } from '../stores/sqlite/keys.ts';
import { openSqliteLedger, startLedgerThread } from '../stores/sqlite/ledger.ts';
import { SqliteTenants } from '../stores/sqlite/tenants.ts';
import type { StoreThread } from '../stores/sqlite/thread.ts';

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

/** Keys and tenants may be read at once, while another thread opens the ledger. */
export interface OpeningStores extends Pick<OpenStores, 'keys' | 'tenants'> {
  /**
   * Rejects with a StoreFault where a ledger is there and cannot be used: money would be spent twice. A folder that cannot
   * be written at all stops only whom `budgets` concern; others are served, and nothing is kept.
   */
  readonly opened: Promise<OpenStores>;
  /** All that was opened, and what is being opened. */
  close(): Promise<void>;
}

/** Null where a ledger was brought along. Its thread comes up while the policy is read, which says where the ledger is. */
export function startStores(given: GivenStores): StoreThread | null {
  return given.ledger === undefined ? startLedgerThread() : null;
}

/** Nothing can be written there, and nothing that is there would be overlooked. */
const NOT_WRITABLE: ReadonlySet<StoreFaultCode> = new Set(['unavailable', 'read_only', 'full']);

export interface StoresOptions {
  readonly given: GivenStores;
  readonly thread: StoreThread | null;
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly budgets: boolean;
}

export function openStores(options: StoresOptions): OpeningStores {
  const { given, folder } = options;
  const keys = given.keys ?? new SqliteKeys({ folder, busyMs: BUSY_MS });
  const tenants = given.tenants ?? new SqliteTenants({ folder, busyMs: BUSY_MS });
  const opened = openRest(options, keys, tenants);
  // What else goes wrong meanwhile is told first.
  opened.catch(() => {});
  return {
    keys,
    tenants,
    opened,
    async close() {
      const stores = await opened.catch(() => null);
      if (stores !== null) return stores.close();
      if (given.keys === undefined) await keys.close();
      if (given.tenants === undefined) await tenants.close();
    },
  };
}

async function openRest(options: StoresOptions, keys: KeyStore, tenants: TenantStore): Promise<OpenStores> {
  const { given, clock, log } = options;
  const ledger = given.ledger ?? (await openLedger(options));
  const quota = createMemoryQuota({ clock });
  const replies = new MemoryReplies(clock);
  let timer: Timer | null = null;
  let closed = false;

  async function expire(days: number): Promise<void> {
    try {
      const records = await ledger.expire(clock.wallMs() - days * DAY_MS);
      if (records > 0) log.info('ledger_expired', { records, days });
    } catch (thrown) {
      // A router that stops does not wait for what the next one does as well.
      if (!closed) log.warn('ledger_not_expired', { why: thrown instanceof StoreFault ? thrown.code : 'unknown' });
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
      closed = true;
      timer?.cancel();
      if (given.keys === undefined) await keys.close();
      if (given.tenants === undefined) await tenants.close();
      await quota.close();
      await replies.close();
      if (given.ledger === undefined) await ledger.close();
    },
  };
}

async function openLedger({ thread, folder, clock, log, budgets }: StoresOptions): Promise<LedgerStore> {
  try {
    return await openSqliteLedger({ folder, log, nowMs: () => clock.nowMs() }, thread ?? undefined);
  } catch (thrown) {
    if (budgets || !(thrown instanceof StoreFault && NOT_WRITABLE.has(thrown.code))) throw thrown;
    log.error('ledger_not_kept', { why: thrown.code, folder });
    const memory = createMemoryLedger({ wallMs: () => clock.wallMs() });
    // Whoever is given a budget while it runs is refused: it would begin anew with every start.
    return { ...memory, health: { ok: false, failingSinceMs: clock.nowMs(), waiting: 0, lost: 0 } };
  }
}
