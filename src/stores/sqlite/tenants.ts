// Tenants in the file tenants.db of the data folder, which several processes may use at once. For the router on Node and its command line.
import type { SQLOutputValue } from 'node:sqlite';
import { StoreFault } from '../../core/store.ts';
import { assertTenant, type TenantRecord, type TenantStore } from '../../core/tenants.ts';
import { type FileForm, SqliteFile, type SqliteFileOptions } from './file.ts';

/** 1936750452 is "spwt". */
const MAKE = `
PRAGMA journal_mode = WAL;
BEGIN;
CREATE TABLE tenants (
  name TEXT NOT NULL PRIMARY KEY CHECK (length(name) > 0),
  entry TEXT NOT NULL CHECK (json_type(entry) = 'object'),
  changed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA application_id = 1936750452;
PRAGMA user_version = 1;
COMMIT;
`;
const ALL = 'SELECT name, entry, changed_ms FROM tenants ORDER BY name';
const SET = `
  INSERT INTO tenants (name, entry, changed_ms) VALUES (?1, ?2, ?3)
  ON CONFLICT (name) DO UPDATE SET entry = ?2, changed_ms = ?3`;
const REMOVE = 'DELETE FROM tenants WHERE name = ?';

const TENANTS: FileForm = {
  name: 'tenants.db',
  applicationId: 1_936_750_452,
  schemaVersion: 1,
  what: 'store of tenants',
  lost: 'what "spillway tenants" has set is lost, and must be set anew',
  make: (db) => db.exec(MAKE),
  fault: (code, message) => new StoreFault(code === 'replaced' ? 'unavailable' : code, message),
};

export class SqliteTenants implements TenantStore {
  readonly #file: SqliteFile;

  constructor(options: SqliteFileOptions) {
    this.#file = new SqliteFile(TENANTS, options);
  }

  version(): number {
    return this.#file.version();
  }

  all(): readonly TenantRecord[] {
    const db = this.#file.reach();
    if (db === null) return [];
    const rows = this.#file.guarded(() => db.prepare(ALL).all());
    return rows.map((row) => recordOf(row, this.#file)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  set(record: TenantRecord): void {
    assertTenant(record);
    const db = this.#file.reachOrMake();
    const { name, entry, changedMs } = record;
    this.#file.guarded(() => db.prepare(SET).run(name, JSON.stringify(entry), changedMs));
    this.#file.wrote();
  }

  remove(name: string): boolean {
    const db = this.#file.reach();
    const changed = db === null ? 0 : this.#file.guarded(() => db.prepare(REMOVE).run(name).changes);
    if (changed === 0) return false;
    this.#file.wrote();
    return true;
  }

  close(): void {
    this.#file.close();
  }
}

function recordOf(row: Record<string, SQLOutputValue>, file: SqliteFile): TenantRecord {
  const { name, entry, changed_ms: changedMs } = row;
  if (typeof name !== 'string' || typeof entry !== 'string' || typeof changedMs !== 'number') throw file.damaged();
  try {
    return { name, entry: JSON.parse(entry) as TenantRecord['entry'], changedMs };
  } catch {
    throw file.damaged();
  }
}
