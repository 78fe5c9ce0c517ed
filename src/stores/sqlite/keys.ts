// Keys in the file keys.db of the data folder, which several processes may use at once. For the router on Node and its command line.
import type { SQLOutputValue } from 'node:sqlite';
import { assertTimes, type KeyEnd, type KeyRecord, type KeyStore, KeyStoreError } from '../../core/keys.ts';
import { type FileForm, SqliteFile, type SqliteFileOptions } from './file.ts';

/** 1936750443 is "spwk". */
const MAKE = `
PRAGMA journal_mode = WAL;
BEGIN;
CREATE TABLE keys (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE CHECK (length(id) > 0),
  tenant TEXT NOT NULL CHECK (length(tenant) > 0),
  name TEXT NOT NULL,
  prefix TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64 AND hash NOT GLOB '*[^0-9a-f]*'),
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  revoked_ms INTEGER,
  models TEXT CHECK (models IS NULL OR json_type(models) = 'array'),
  routes TEXT CHECK (routes IS NULL OR json_type(routes) = 'array')
) STRICT;
PRAGMA application_id = 1936750443;
PRAGMA user_version = 1;
COMMIT;
`;
const ALL = `
  SELECT id, tenant, name, prefix, hash, created_ms, expires_ms, revoked_ms, models, routes FROM keys ORDER BY seq`;
const ADD = `
  INSERT INTO keys (id, tenant, name, prefix, hash, created_ms, expires_ms, revoked_ms, models, routes)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const END = `
  UPDATE keys SET revoked_ms = min(coalesce(revoked_ms, ?2), coalesce(?2, revoked_ms)),
    expires_ms = min(coalesce(expires_ms, ?3), coalesce(?3, expires_ms))
  WHERE id = ?1`;
const CONSTRAINT_UNIQUE = 2067;

const KEYS: FileForm = {
  name: 'keys.db',
  applicationId: 1_936_750_443,
  schemaVersion: 1,
  what: 'store of keys',
  lost: 'all keys are lost, and new ones must be made',
  make: (db) => db.exec(MAKE),
  fault: (code, message) => new KeyStoreError(code === 'full' || code === 'read_only' ? 'unavailable' : code, message),
};

export type SqliteKeysOptions = SqliteFileOptions;

export class SqliteKeys implements KeyStore {
  readonly #file: SqliteFile;

  constructor(options: SqliteKeysOptions) {
    this.#file = new SqliteFile(KEYS, options);
  }

  version(): number {
    return this.#file.version();
  }

  all(): readonly KeyRecord[] {
    const db = this.#file.reach();
    if (db === null) return [];
    return this.#file.guarded(() => db.prepare(ALL).all()).map((row) => recordOf(row, this.#file));
  }

  add(record: KeyRecord): void {
    const { id, tenant, name, prefix, hash, createdMs, expiresMs, revokedMs, models, routes } = record;
    const db = this.#file.reachOrMake();
    assertTimes(record);
    const lists = [models, routes].map((list) => (list === null ? null : JSON.stringify(list)));
    this.#file.guarded(() => {
      try {
        const texts = [id, tenant, name, prefix, hash] as const;
        db.prepare(ADD).run(...texts, createdMs, expiresMs, revokedMs, ...lists);
      } catch (thrown) {
        if ((thrown as { errcode?: number }).errcode !== CONSTRAINT_UNIQUE) throw thrown;
        throw new KeyStoreError('duplicate_key', 'A key with this id or hash is there already.');
      }
    });
    this.#file.wrote();
  }

  end(id: string, change: KeyEnd): void {
    const db = this.#file.reach();
    assertTimes(change);
    const times = [change.revokedMs ?? null, change.expiresMs ?? null] as const;
    const changed = db === null ? 0 : this.#file.guarded(() => db.prepare(END).run(id, ...times).changes);
    if (changed === 0) throw new KeyStoreError('unknown_key', 'No key has this id.');
    this.#file.wrote();
  }

  close(): void {
    this.#file.close();
  }
}

function recordOf(row: Record<string, SQLOutputValue>, file: SqliteFile): KeyRecord {
  const text = (column: string): string => {
    const value = row[column];
    if (typeof value !== 'string') throw file.damaged();
    return value;
  };
  const timeMs = (column: string): number | null => {
    const value = row[column];
    if (value === null || typeof value === 'number') return value;
    throw file.damaged();
  };
  return {
    id: text('id'),
    tenant: text('tenant'),
    name: text('name'),
    prefix: text('prefix'),
    hash: text('hash'),
    createdMs: timeMs('created_ms') ?? 0,
    expiresMs: timeMs('expires_ms'),
    revokedMs: timeMs('revoked_ms'),
    models: row['models'] === null ? null : listOf(text('models'), file),
    routes: row['routes'] === null ? null : listOf(text('routes'), file),
  };
}

function listOf(json: string, file: SqliteFile): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw file.damaged();
  }
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string')) throw file.damaged();
  return value;
}
