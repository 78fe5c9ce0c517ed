// The file keys.db: its table, and what of its faults the store of keys says. For the store of keys.
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { KeyStoreError, type KeyStoreFault } from '../../core/keys.ts';
import { StoreFault } from '../../core/store.ts';
import * as database from './database.ts';

const FILE = 'keys.db';
/** "spwk": tells our file from other databases. As in `MAKE`: texts of SQL are never put together. */
const APPLICATION_ID = 1_936_750_443;
const SCHEMA_VERSION = 1;

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

const fileAt = (path: string): database.DatabaseFile => ({
  path,
  what: 'store of keys',
  applicationId: APPLICATION_ID,
  schemaVersion: SCHEMA_VERSION,
  remedy: 'Restore it from a copy; without it all keys are lost, and new ones must be made.',
});

export const keyFilePath = (folder: string): string => join(folder, FILE);

/** Null when there is no such file, which alone means that no key was ever made. */
export const identityOf = (path: string): database.FileIdentity | null =>
  inKeyTerms(() => database.identityOf(fileAt(path)));

/** Makes an empty store, unless there is one. */
export function makeKeyFile(folder: string): void {
  inKeyTerms(() => database.makeDatabase(fileAt(keyFilePath(folder)), (db) => db.exec(MAKE)));
}

/** Opens what is there and creates nothing. `busyMs`: how long another process may hold it. */
export const openKeyFile = (path: string, busyMs: number): DatabaseSync =>
  inKeyTerms(() => database.openDatabase(fileAt(path), { busyMs }));

export const damaged = (path: string): KeyStoreError => keyStoreError(database.damaged(fileAt(path)));

/** Runs `work`; whatever SQLite or the file system says becomes a KeyStoreError that names the file. */
export const guarded = <T>(path: string, work: () => T): T => inKeyTerms(() => database.guarded(fileAt(path), work));

function inKeyTerms<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw thrown instanceof StoreFault ? keyStoreError(thrown) : thrown;
  }
}

const SAID_ALIKE: ReadonlySet<string> = new Set<KeyStoreFault>(['busy', 'damaged', 'too_new']);

function keyStoreError({ code, message }: StoreFault): KeyStoreError {
  return new KeyStoreError(SAID_ALIKE.has(code) ? (code as KeyStoreFault) : 'unavailable', message);
}
