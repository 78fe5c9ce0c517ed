// A store's file of SQLite in the data folder: opened once it is there, made with the first write, never exchanged unnoticed. For the stores.
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { StoreFault } from '../../core/store.ts';
import {
  type DatabaseFile,
  damaged,
  type FileIdentity,
  guarded,
  identityOf,
  makeDatabase,
  numberOf,
  openDatabase,
} from './database.ts';

const FILE_FAULTS = ['busy', 'unavailable', 'full', 'read_only', 'damaged', 'too_new', 'replaced'] as const;
export type FileFault = (typeof FILE_FAULTS)[number];

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
  readonly #file: DatabaseFile;
  readonly #form: FileForm;
  readonly #options: SqliteFileOptions;
  #open: { readonly db: DatabaseSync; readonly identity: FileIdentity } | null = null;
  #ownWrites = 0;
  #closed = false;

  constructor(form: FileForm, options: SqliteFileOptions) {
    this.path = join(options.folder, form.name);
    this.#form = form;
    this.#options = options;
    const { applicationId, schemaVersion, what, lost } = form;
    const remedy = `Restore it from a copy; without it ${lost}.`;
    this.#file = { path: this.path, what, applicationId, schemaVersion, remedy };
  }

  /** 0 while there is no file. SQLite counts what others write, and we count what we write; both only grow. */
  version(): number {
    const db = this.reach();
    return db === null ? 0 : this.guarded(() => numberOf(db, 'data_version')) + this.#ownWrites;
  }

  /** The open database; null while the file has never been there. */
  reach(): DatabaseSync | null {
    if (this.#closed) throw this.#form.fault('unavailable', `${this.path} has been closed.`);
    const identity = this.guarded(() => identityOf(this.#file));
    if (this.#open !== null) {
      const { db, identity: known } = this.#open;
      if (identity?.node !== known.node || identity.device !== known.device) throw this.#replaced();
      return db;
    }
    if (identity === null) return null;
    const db = this.guarded(() => openDatabase(this.#file, { busyMs: this.#options.busyMs }));
    this.#open = { db, identity };
    return db;
  }

  /** As `reach`, but the file is made where it has never been. */
  reachOrMake(): DatabaseSync {
    if (this.reach() === null) this.guarded(() => makeDatabase(this.#file, this.#form.make));
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
    return this.#said(damaged(this.#file));
  }

  /** Runs `work`; whatever SQLite or the file system says becomes a fault that names the file. */
  guarded<T>(work: () => T): T {
    try {
      return guarded(this.#file, work);
    } catch (thrown) {
      throw thrown instanceof StoreFault ? this.#said(thrown) : thrown;
    }
  }

  #said({ code, message }: StoreFault): Error {
    const known = (FILE_FAULTS as readonly string[]).includes(code);
    return this.#form.fault(known ? (code as FileFault) : 'unavailable', message);
  }

  #replaced(): Error {
    return this.#form.fault(
      'replaced',
      `${this.path} was removed or replaced while in use. Restart the router to use what is there now.`,
    );
  }
}
