// Keys in the file keys.db of the data folder, which several processes may use at once. For the router on Node and its command line.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { assertTimes, type KeyEnd, type KeyRecord, type KeyStore, KeyStoreError } from '../../core/keys.ts';
import { type FileIdentity, numberOf } from './database.ts';
import { damaged, guarded, identityOf, keyFilePath, makeKeyFile, openKeyFile } from './key-file.ts';

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

export interface SqliteKeysOptions {
  /** The data folder. It and the file are made with the first key, for their owner alone. */
  readonly folder: string;
  /**
   * How long to wait for another process that is writing, ms. The wait blocks this process, so a router that serves asks
   * for little and comes back later.
   */
  readonly busyMs: number;
}

/** The file is opened when it is first there; one that then vanishes or changes hands is an error, never "no keys". */
export class SqliteKeys implements KeyStore {
  readonly #options: SqliteKeysOptions;
  readonly #path: string;
  #open: { readonly db: DatabaseSync; readonly identity: FileIdentity } | null = null;
  #ownWrites = 0;
  #closed = false;

  constructor(options: SqliteKeysOptions) {
    this.#options = options;
    this.#path = keyFilePath(options.folder);
  }

  /** 0 while there is no file. SQLite counts what others write, and we count what we write; both only grow. */
  version(): number {
    const db = this.#reach();
    return db === null ? 0 : guarded(this.#path, () => numberOf(db, 'data_version')) + this.#ownWrites;
  }

  all(): readonly KeyRecord[] {
    const db = this.#reach();
    if (db === null) return [];
    return guarded(this.#path, () => db.prepare(ALL).all()).map((row) => recordOf(row, this.#path));
  }

  add(record: KeyRecord): void {
    const { id, tenant, name, prefix, hash, createdMs, expiresMs, revokedMs, models, routes } = record;
    if (this.#reach() === null) makeKeyFile(this.#options.folder);
    const db = this.#reach();
    if (db === null) throw replaced(this.#path);
    assertTimes(record);
    const lists = [models, routes].map((list) => (list === null ? null : JSON.stringify(list)));
    guarded(this.#path, () => {
      try {
        const texts = [id, tenant, name, prefix, hash] as const;
        db.prepare(ADD).run(...texts, createdMs, expiresMs, revokedMs, ...lists);
      } catch (thrown) {
        if ((thrown as { errcode?: number }).errcode !== CONSTRAINT_UNIQUE) throw thrown;
        throw new KeyStoreError('duplicate_key', 'A key with this id or hash is there already.');
      }
    });
    this.#ownWrites++;
  }

  end(id: string, change: KeyEnd): void {
    const db = this.#reach();
    assertTimes(change);
    const times = [change.revokedMs ?? null, change.expiresMs ?? null] as const;
    const changed = db === null ? 0 : guarded(this.#path, () => db.prepare(END).run(id, ...times).changes);
    if (changed === 0) throw new KeyStoreError('unknown_key', 'No key has this id.');
    this.#ownWrites++;
  }

  close(): void {
    this.#open?.db.close();
    this.#open = null;
    this.#closed = true;
  }

  /** The open database; null while the file has never been there. */
  #reach(): DatabaseSync | null {
    if (this.#closed) throw new KeyStoreError('unavailable', `${this.#path} has been closed.`);
    const identity = identityOf(this.#path);
    if (this.#open !== null) {
      const { db, identity: known } = this.#open;
      if (identity?.node !== known.node || identity.device !== known.device) throw replaced(this.#path);
      return db;
    }
    if (identity === null) return null;
    this.#open = { db: openKeyFile(this.#path, this.#options.busyMs), identity };
    return this.#open.db;
  }
}

function replaced(path: string): KeyStoreError {
  return new KeyStoreError(
    'replaced',
    `${path} was removed or replaced while in use. Restart the router to use what is there now.`,
  );
}

function recordOf(row: Record<string, SQLOutputValue>, path: string): KeyRecord {
  const text = (column: string): string => {
    const value = row[column];
    if (typeof value !== 'string') throw damaged(path);
    return value;
  };
  const timeMs = (column: string): number | null => {
    const value = row[column];
    if (value === null || typeof value === 'number') return value;
    throw damaged(path);
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
    models: row['models'] === null ? null : listOf(text('models'), path),
    routes: row['routes'] === null ? null : listOf(text('routes'), path),
  };
}

function listOf(json: string, path: string): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw damaged(path);
  }
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string')) throw damaged(path);
  return value;
}
