// Brings a file's tables to the newest version, forward only, one transaction a step. For the SQLite stores.
import type { DatabaseSync } from 'node:sqlite';
import { numberOf } from './database.ts';

const BEGIN = 'BEGIN IMMEDIATE';
const COMMIT = 'COMMIT';
const ROLLBACK = 'ROLLBACK';

export interface Migration {
  readonly version: number;
  /** Ends with `PRAGMA user_version = <version>`: the number changes with the tables or not at all. */
  readonly sql: string;
}

/** Several processes may come at once: each step looks again once it alone may write. Steps ascend. */
export function migrate(db: DatabaseSync, migrations: readonly Migration[]): void {
  for (const migration of migrations) {
    if (numberOf(db, 'user_version') >= migration.version) continue;
    inTransaction(db, () => {
      if (numberOf(db, 'user_version') >= migration.version) return;
      db.exec(migration.sql);
      if (numberOf(db, 'user_version') !== migration.version)
        throw new Error(`The step to version ${migration.version} does not end with its number.`);
    });
  }
}

/** All of `work` is kept, or nothing. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec(BEGIN);
  try {
    const answer = work();
    db.exec(COMMIT);
    return answer;
  } catch (thrown) {
    // SQLite has ended it by itself after some errors, a full disk for one.
    if (db.isTransaction) db.exec(ROLLBACK);
    throw thrown;
  }
}
