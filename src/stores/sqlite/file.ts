// One file of SQLite in the data folder: made whole or not at all, opened only if it is one of ours and undamaged. For the stores.
import { closeSync, linkSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

const SETTINGS = 'PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA synchronous = FULL;';
const CHECK = 'PRAGMA quick_check(1)';
const NUMBERS = {
  application_id: 'PRAGMA application_id',
  user_version: 'PRAGMA user_version',
  data_version: 'PRAGMA data_version',
} as const;

export type FileFault = 'busy' | 'unavailable' | 'full' | 'read_only' | 'damaged' | 'too_new' | 'replaced';

/** What one kind of file is, and how its store says what is wrong with it. */
export interface FileForm {
  /** As in `keys.db`. */
  readonly name: string;
  /** Four letters as a number: tells our file from other databases. */
  readonly applicationId: number;
  readonly schemaVersion: number;
  /** Begins where it is not one: "store of keys". */
  readonly what: string;
  /** What is lost with it: "all keys are lost, and new ones must be made". */
  readonly lost: string;
  /** Makes tables, `application_id` and `user_version`, in one transaction, of constant texts. */
  make(db: DatabaseSync): void;
  /** The store's own error. */
  fault(code: FileFault, message: string): Error;
}

/** The same file, not merely the same name. */
interface FileIdentity {
  readonly device: bigint;
  readonly node: bigint;
}

export interface SqliteFileOptions {
  /** The data folder. It and the file are made with the first write, for their owner alone. */
  readonly folder: string;
  /**
   * How long to wait for another process that is writing, ms. The wait blocks this process, so a router that serves asks
   * for little and comes back later.
   */
  readonly busyMs: number;
}

/** The file is opened when it is first there; one that then vanishes or changes hands is an error, never an empty store. */
export class SqliteFile {
  readonly path: string;
  readonly #form: FileForm;
  readonly #options: SqliteFileOptions;
  #open: { readonly db: DatabaseSync; readonly identity: FileIdentity } | null = null;
  #ownWrites = 0;
  #closed = false;

  constructor(form: FileForm, options: SqliteFileOptions) {
    this.path = join(options.folder, form.name);
    this.#form = form;
    this.#options = options;
  }

  /** 0 while there is no file. SQLite counts what others write, and we count what we write; both only grow. */
  version(): number {
    const db = this.reach();
    return db === null ? 0 : this.guarded(() => numberOf(db, 'data_version')) + this.#ownWrites;
  }

  /** The open database; null while the file has never been there. */
  reach(): DatabaseSync | null {
    if (this.#closed) throw this.#form.fault('unavailable', `${this.path} has been closed.`);
    const identity = this.#identity();
    if (this.#open !== null) {
      const { db, identity: known } = this.#open;
      if (identity?.node !== known.node || identity.device !== known.device) throw this.#replaced();
      return db;
    }
    if (identity === null) return null;
    this.#open = { db: this.#openThere(), identity };
    return this.#open.db;
  }

  /** As `reach`, but the file is made where it has never been. */
  reachOrMake(): DatabaseSync {
    if (this.reach() === null) this.#make();
    const db = this.reach();
    if (db === null) throw this.#replaced();
    return db;
  }

  /** After each write of ours, which SQLite's own count leaves out. */
  wrote(): void {
    this.#ownWrites++;
  }

  close(): void {
    this.#open?.db.close();
    this.#open = null;
    this.#closed = true;
  }

  damaged(): Error {
    return this.#form.fault(
      'damaged',
      `${this.path} is damaged. Restore it from a copy; without it ${this.#form.lost}.`,
    );
  }

  /** Runs `work`; whatever SQLite or the file system says becomes a fault that names the file. */
  guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      const { code, errcode, errstr } = thrown as { code?: string; errcode?: number; errstr?: string };
      const isSystems = errcode !== undefined || (thrown as { syscall?: string }).syscall !== undefined;
      if (!isSystems && code !== 'ERR_SQLITE_ERROR') throw thrown;
      // The low byte is the kind; the rest refines it.
      const fault = errcode === undefined ? 'unavailable' : (SQLITE_FAULTS[errcode & 255] ?? 'unavailable');
      if (fault === 'damaged') throw this.damaged();
      if (fault === 'busy') throw this.#form.fault('busy', `${this.path} is held by another process. Try again.`);
      throw this.#form.fault(fault, `${this.path} cannot be used: ${errstr ?? code}.`);
    }
  }

  /** Null when there is no such file, which alone means that nothing was ever written. */
  #identity(): FileIdentity | null {
    return this.guarded(() => {
      try {
        const { dev, ino } = statSync(this.path, { bigint: true });
        return { device: dev, node: ino };
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw thrown;
      }
    });
  }

  /**
   * Makes an empty store, unless there is one. It is written elsewhere and then linked, so that a process that dies half-way
   * leaves no file that could be taken for an empty store, and of two makers one wins.
   */
  #make(): void {
    const { folder } = this.#options;
    this.guarded(() => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const drafts = mkdtempSync(join(folder, `.${this.#form.name.replace(/\.db$/, '')}-`));
      try {
        const draft = join(drafts, this.#form.name);
        closeSync(openSync(draft, 'wx', 0o600));
        const db = new DatabaseSync(draft);
        try {
          this.#form.make(db);
        } finally {
          db.close();
        }
        linkUnlessThere(draft, this.path);
      } finally {
        rmSync(drafts, { recursive: true, force: true });
      }
    });
  }

  /** Opens what is there and creates nothing. */
  #openThere(): DatabaseSync {
    const { applicationId, schemaVersion, what, fault } = this.#form;
    return this.guarded(() => {
      const url = pathToFileURL(this.path);
      url.searchParams.set('mode', 'rw');
      const db = new DatabaseSync(url, { timeout: this.#options.busyMs });
      try {
        if (numberOf(db, 'application_id') !== applicationId) throw fault('damaged', `${this.path} is no ${what}.`);
        if (numberOf(db, 'user_version') > schemaVersion)
          throw fault('too_new', `${this.path} was made by a later version of Spillway. Use that one.`);
        db.exec(SETTINGS);
        const check = db.prepare(CHECK).get();
        if (check?.['quick_check'] !== 'ok') throw this.damaged();
        return db;
      } catch (thrown) {
        db.close();
        throw thrown;
      }
    });
  }

  #replaced(): Error {
    return this.#form.fault(
      'replaced',
      `${this.path} was removed or replaced while in use. Restart the router to use what is there now.`,
    );
  }
}

function linkUnlessThere(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
  }
}

function numberOf(db: DatabaseSync, pragma: keyof typeof NUMBERS): number {
  return Number(db.prepare(NUMBERS[pragma]).get()?.[pragma]);
}

/** By primary result code. Our statements are right for our schema, so an error in one (1) is the file's. */
const SQLITE_FAULTS: Readonly<Record<number, FileFault>> = {
  1: 'damaged',
  5: 'busy',
  6: 'busy',
  8: 'read_only',
  11: 'damaged',
  13: 'full',
  26: 'damaged',
};
