// The file keys.db: made whole or not at all, opened only if it is one of ours and undamaged. For the store of keys.
import { closeSync, linkSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { KeyStoreError, type KeyStoreFault } from '../../core/keys.ts';

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
const SETTINGS = 'PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA synchronous = FULL;';
const CHECK = 'PRAGMA quick_check(1)';
const NUMBERS = {
  application_id: 'PRAGMA application_id',
  user_version: 'PRAGMA user_version',
  data_version: 'PRAGMA data_version',
} as const;

/** The same file, not merely the same name. */
export interface FileIdentity {
  readonly device: bigint;
  readonly node: bigint;
}

export const keyFilePath = (folder: string): string => join(folder, FILE);

/** Null when there is no such file, which alone means that no key was ever made. */
export function identityOf(path: string): FileIdentity | null {
  return guarded(path, () => {
    try {
      const { dev, ino } = statSync(path, { bigint: true });
      return { device: dev, node: ino };
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw thrown;
    }
  });
}

/**
 * Makes an empty store, unless there is one. It is written elsewhere and then linked, so that a process that dies half-way
 * leaves no file that could be taken for a store without keys, and of two makers one wins.
 */
export function makeKeyFile(folder: string): void {
  const path = keyFilePath(folder);
  guarded(path, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const drafts = mkdtempSync(join(folder, '.keys-'));
    try {
      const draft = join(drafts, FILE);
      closeSync(openSync(draft, 'wx', 0o600));
      const db = new DatabaseSync(draft);
      try {
        db.exec(MAKE);
      } finally {
        db.close();
      }
      linkUnlessThere(draft, path);
    } finally {
      rmSync(drafts, { recursive: true, force: true });
    }
  });
}

function linkUnlessThere(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
  }
}

/** Opens what is there and creates nothing. `busyMs`: how long another process may hold it. */
export function openKeyFile(path: string, busyMs: number): DatabaseSync {
  return guarded(path, () => {
    const url = pathToFileURL(path);
    url.searchParams.set('mode', 'rw');
    const db = new DatabaseSync(url, { timeout: busyMs });
    try {
      if (numberOf(db, 'application_id') !== APPLICATION_ID)
        throw new KeyStoreError('damaged', `${path} is no store of keys.`);
      if (numberOf(db, 'user_version') > SCHEMA_VERSION)
        throw new KeyStoreError('too_new', `${path} was made by a later version of Spillway. Use that one.`);
      db.exec(SETTINGS);
      const check = db.prepare(CHECK).get();
      if (check?.['quick_check'] !== 'ok') throw damaged(path);
      return db;
    } catch (thrown) {
      db.close();
      throw thrown;
    }
  });
}

export function numberOf(db: DatabaseSync, pragma: keyof typeof NUMBERS): number {
  return Number(db.prepare(NUMBERS[pragma]).get()?.[pragma]);
}

export function damaged(path: string): KeyStoreError {
  return new KeyStoreError(
    'damaged',
    `${path} is damaged. Restore it from a copy; without it all keys are lost, and new ones must be made.`,
  );
}

/** By primary result code. Our statements are right for our schema, so an error in one (1) is the file's. */
const SQLITE_FAULTS: Readonly<Record<number, KeyStoreFault>> = {
  1: 'damaged',
  5: 'busy',
  6: 'busy',
  11: 'damaged',
  26: 'damaged',
};

/** Runs `work`; whatever SQLite or the file system says becomes a KeyStoreError that names the file. */
export function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof KeyStoreError) throw thrown;
    const { code, errcode, errstr } = thrown as { code?: string; errcode?: number; errstr?: string };
    // The low byte is the kind; the rest refines it.
    const fault = errcode === undefined ? 'unavailable' : (SQLITE_FAULTS[errcode & 255] ?? 'unavailable');
    if (fault === 'damaged') throw damaged(path);
    if (fault === 'busy') throw new KeyStoreError('busy', `${path} is held by another process. Try again.`);
    if (code === undefined) throw thrown;
    throw new KeyStoreError('unavailable', `${path} cannot be used: ${errstr ?? code}.`);
  }
}
