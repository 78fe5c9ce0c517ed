// The file ledger.db of the data folder: made, brought up to date, opened for the one who writes or for readers. For the ledger and leases.
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { StoreFault } from '../../core/store.ts';
import {
  assertSafeEngine,
  type DatabaseFile,
  guarded,
  identityOf,
  makeDatabase,
  numberOf,
  openDatabase,
} from './database.ts';
import { LEDGER_APPLICATION_ID, LEDGER_MIGRATIONS } from './ledger-schema.ts';
import { type Migration, migrate } from './migrations.ts';

const FILE = 'ledger.db';
const WAL = 'PRAGMA journal_mode = WAL';
/** What is erased is overwritten; a WAL that a long reader let grow is cut again. */
const WRITING = 'PRAGMA secure_delete = ON; PRAGMA journal_size_limit = 67108864; PRAGMA mmap_size = 0;';
const EMPTY_LOG = 'PRAGMA wal_checkpoint(TRUNCATE)';
/** A larger file is not read through at each start: what is wrong with it shows where it is used. */
const CHECK_BYTES = 64 * 1024 * 1024;
/** How long another process may hold it. */
const BUSY_MS = 5_000;

export interface LedgerOpening {
  readonly busyMs?: number;
  readonly migrations?: readonly Migration[];
}

export function ledgerFile(folder: string, migrations: readonly Migration[] = LEDGER_MIGRATIONS): DatabaseFile {
  return {
    path: join(folder, FILE),
    what: 'ledger of Spillway',
    applicationId: LEDGER_APPLICATION_ID,
    schemaVersion: migrations.at(-1)?.version ?? 0,
    remedy: 'Put it aside and restore a copy; docs/ledger.md says how. Nothing was deleted.',
  };
}

/** For who writes: makes the file where there is none, and brings an older one up to date. */
export function openLedgerFile(folder: string, opening: LedgerOpening = {}): DatabaseSync {
  const { busyMs = BUSY_MS, migrations = LEDGER_MIGRATIONS } = opening;
  const file = ledgerFile(folder, migrations);
  assertSafeEngine();
  if (identityOf(file) === null) {
    makeDatabase(file, (db) => {
      db.exec(WAL);
      migrate(db, migrations);
    });
  }
  const db = openDatabase(file, { busyMs, checkBytes: CHECK_BYTES });
  try {
    return guarded(file, () => {
      migrate(db, migrations);
      db.exec(WRITING);
      return db;
    });
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

/** By a connection of its own, which waits for nobody: commits must not wait for who reads. */
export function emptyLedgerLog(folder: string): void {
  try {
    const db = openDatabase(ledgerFile(folder), { busyMs: 0, checkBytes: 0 });
    try {
      db.exec(EMPTY_LOG);
    } finally {
      db.close();
    }
  } catch {
    // It is overwritten bit by bit as it is used again.
  }
}

/** For who reads. Null: there is no ledger yet. */
export function openLedgerForReading(folder: string, busyMs: number = BUSY_MS): DatabaseSync | null {
  const file = ledgerFile(folder);
  if (identityOf(file) === null) return null;
  const db = openDatabase(file, { busyMs, readOnly: true, checkBytes: 0 });
  if (guarded(file, () => numberOf(db, 'user_version')) === file.schemaVersion) return db;
  db.close();
  const text = `${file.path} was made by an earlier version of Spillway. Start a router on it once, which brings it up to date.`;
  throw new StoreFault('unavailable', text);
}
