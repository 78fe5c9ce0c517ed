// Leases in the file ledger.db, which all processes of a data folder respect. For the router on Node.
import type { DatabaseSync } from 'node:sqlite';
import type { Lease, LeaseRequest, LeaseStore } from '../../core/leases.ts';
import { guarded } from './database.ts';
import { ledgerFile, openLedgerFile } from './ledger-file.ts';
import { inTransaction } from './migrations.ts';
import { type Row, Statements } from './statements.ts';

const END_OLD = 'DELETE FROM leases WHERE expires_ms <= ?';
/** None ends later than its time from now: what a clock that was wrong has written ends too. */
const SHORTEN = 'UPDATE leases SET expires_ms = ?1 + ttl_ms WHERE name = ?2 AND expires_ms > ?1 + ttl_ms';
const HELD = 'SELECT fence, name, holder, expires_ms FROM leases WHERE name = ?1 AND expires_ms > ?2 ORDER BY fence';
const GRANT = `
INSERT INTO leases (name, holder, expires_ms, ttl_ms) VALUES (?, ?, ?, ?)
RETURNING fence, name, holder, expires_ms`;
const EXTEND = `
UPDATE leases SET expires_ms = ?4, ttl_ms = ?5 WHERE name = ?1 AND holder = ?2 AND fence = ?3
RETURNING fence, name, holder, expires_ms`;
const RELEASE = 'DELETE FROM leases WHERE name = ? AND holder = ? AND fence = ?';

export interface SqliteLeasesOptions {
  readonly folder: string;
  /** How long to wait for another process that is writing, ms. The wait blocks this thread. */
  readonly busyMs: number;
  /** The store's clock: Unix epoch, ms. */
  readonly wallMs: () => number;
}

/** On a connection of its own. Opens the file, and makes it where there is none. Throws a StoreFault. */
export class SqliteLeases implements LeaseStore {
  readonly #options: SqliteLeasesOptions;
  readonly #db: DatabaseSync;
  readonly #sql: Statements;

  constructor(options: SqliteLeasesOptions) {
    this.#options = options;
    this.#db = openLedgerFile(options.folder, { busyMs: options.busyMs });
    this.#sql = new Statements(this.#db);
  }

  take({ name, holder, most, ttlMs }: LeaseRequest): Lease | null {
    return this.#atomic((nowMs) => {
      this.#sql.run(END_OLD, nowMs);
      this.#sql.run(SHORTEN, nowMs, name);
      const held = this.#sql.all(HELD, name, nowMs);
      const own = held.find((row) => row['holder'] === holder);
      if (own !== undefined) return this.#extend(leaseOf(own), nowMs, ttlMs);
      return held.length >= most
        ? null
        : leaseOf(this.#sql.one(GRANT, name, holder, nowMs + Math.round(ttlMs), Math.round(ttlMs))!);
    });
  }

  renew(lease: Lease, ttlMs: number): Lease | null {
    return this.#atomic((nowMs) => {
      this.#sql.run(END_OLD, nowMs);
      return this.#extend(lease, nowMs, ttlMs);
    });
  }

  release({ name, holder, fence }: Lease): void {
    this.#atomic(() => this.#sql.run(RELEASE, name, holder, fence));
  }

  held(name: string): readonly Lease[] {
    const nowMs = this.#nowMs();
    return guarded(ledgerFile(this.#options.folder), () => this.#sql.all(HELD, name, nowMs)).map(leaseOf);
  }

  close(): void {
    this.#db.close();
  }

  #extend({ name, holder, fence }: Lease, nowMs: number, ttlMs: number): Lease | null {
    const row = this.#sql.one(EXTEND, name, holder, fence, nowMs + Math.round(ttlMs), Math.round(ttlMs));
    return row === undefined ? null : leaseOf(row);
  }

  #nowMs(): number {
    return Math.round(this.#options.wallMs());
  }

  #atomic<T>(work: (nowMs: number) => T): T {
    const file = ledgerFile(this.#options.folder);
    return guarded(file, () => inTransaction(this.#db, () => work(this.#nowMs())));
  }
}

function leaseOf(row: Row): Lease {
  return {
    name: String(row['name']),
    holder: String(row['holder']),
    fence: Number(row['fence']),
    expiresMs: Number(row['expires_ms']),
  };
}
