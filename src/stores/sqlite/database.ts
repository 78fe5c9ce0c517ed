// What all our SQLite files have in common: made whole or not at all, opened only if ours, whole and not too new. For the stores here.
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { StoreFault, type StoreFaultCode } from '../../core/store.ts';

const SETTINGS = 'PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA synchronous = FULL;';
const CHECK = 'PRAGMA quick_check(1)';
const NUMBERS = {
  application_id: 'PRAGMA application_id',
  user_version: 'PRAGMA user_version',
  data_version: 'PRAGMA data_version',
} as const;
/** Before it, a database in WAL mode could lose what a checkpoint and a writer did at the same time. */
const SAFE_ENGINE = [3, 51, 3] as const;

export interface DatabaseFile {
  readonly path: string;
  /** `ledger`, `store of keys`: for texts. */
  readonly what: string;
  readonly applicationId: number;
  /** The newest version of its tables that this code knows. */
  readonly schemaVersion: number;
  /** What to do when it is damaged, for operators: whole sentences. */
  readonly remedy: string;
}

/** The same file, not merely the same name. */
export interface FileIdentity {
  readonly device: bigint;
  readonly node: bigint;
}

export interface OpenOptions {
  /** How long another process may hold it, ms. The wait blocks the thread. */
  readonly busyMs: number;
  readonly readOnly?: boolean;
  /** Bytes up to which the whole file is looked through before it is used; absent: any size. */
  readonly checkBytes?: number;
}

export function assertSafeEngine(version: string = process.versions['sqlite'] ?? '0'): void {
  const parts = version.split('.').map(Number);
  for (const [at, least] of SAFE_ENGINE.entries()) {
    const part = parts[at] ?? 0;
    if (part > least) return;
    if (!(part >= least)) {
      const wanted = SAFE_ENGINE.join('.');
      const text = `SQLite ${version} of this Node may lose what it has written. Use a Node with SQLite ${wanted} or later.`;
      throw new StoreFault('unsafe_engine', text);
    }
  }
}

/** Null when there is no such file. */
export function identityOf(file: DatabaseFile): FileIdentity | null {
  return guarded(file, () => {
    try {
      const { dev, ino } = statSync(file.path, { bigint: true });
      return { device: dev, node: ino };
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw thrown;
    }
  });
}

/**
 * Makes the file, unless there is one. It is written elsewhere and then linked, so that a process that dies half-way
 * leaves no file that could be taken for an empty store, and of two makers one wins.
 */
export function makeDatabase(file: DatabaseFile, make: (db: DatabaseSync) => void): void {
  const folder = dirname(file.path);
  const name = basename(file.path);
  guarded(file, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const drafts = mkdtempSync(join(folder, `.${name.replace('.db', '')}-`));
    try {
      const draft = join(drafts, name);
      closeSync(openSync(draft, 'wx', 0o600));
      const db = new DatabaseSync(draft);
      try {
        make(db);
      } finally {
        db.close();
      }
      linkUnlessThere(draft, file.path);
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

/** Opens what is there and creates nothing. */
export function openDatabase(file: DatabaseFile, options: OpenOptions): DatabaseSync {
  return guarded(file, () => {
    const db = connect(file, options);
    try {
      if (numberOf(db, 'application_id') !== file.applicationId)
        throw new StoreFault('damaged', `${file.path} is no ${file.what}.`);
      if (numberOf(db, 'user_version') > file.schemaVersion)
        throw new StoreFault('too_new', `${file.path} was made by a later version of Spillway. Use that one.`);
      db.exec(SETTINGS);
      const { checkBytes = Number.POSITIVE_INFINITY } = options;
      const check = statSync(file.path).size > checkBytes ? null : db.prepare(CHECK).get();
      if (check !== null && check?.['quick_check'] !== 'ok') throw damaged(file);
      return db;
    } catch (thrown) {
      db.close();
      throw thrown;
    }
  });
}

/** Even a reader of a WAL database keeps an index beside it; where it may not, a file that nobody writes needs none. */
function connect(file: DatabaseFile, { busyMs, readOnly = false }: OpenOptions): DatabaseSync {
  const open = (parameters: Readonly<Record<string, string>>): DatabaseSync => {
    const url = pathToFileURL(file.path);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return new DatabaseSync(url, { timeout: busyMs, readOnly });
  };
  if (!readOnly) return open({ mode: 'rw' });
  const db = open({ mode: 'ro' });
  try {
    numberOf(db, 'user_version');
    return db;
  } catch (thrown) {
    db.close();
    const { errcode } = thrown as { errcode?: number };
    if ((faultOf(errcode ?? 0) !== 'unavailable' && errcode !== 8) || existsSync(`${file.path}-wal`)) throw thrown;
    return open({ mode: 'ro', immutable: '1' });
  }
}

export function numberOf(db: DatabaseSync, pragma: keyof typeof NUMBERS): number {
  return Number(db.prepare(NUMBERS[pragma]).get()?.[pragma]);
}

export function damaged({ path, remedy }: DatabaseFile): StoreFault {
  return new StoreFault('damaged', `${path} is damaged. ${remedy}`);
}

/** By primary result code. Our statements are right for our schema, so an error in one (1) is the file's. */
const SQLITE_FAULTS: Readonly<Record<number, StoreFaultCode>> = {
  1: 'damaged',
  5: 'busy',
  6: 'busy',
  8: 'read_only',
  11: 'damaged',
  13: 'full',
  26: 'damaged',
};
const SYSTEM_FAULTS: Readonly<Record<string, StoreFaultCode>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EROFS: 'read_only',
};

/** SQLITE_CANTOPEN: said of a folder, too, in which it may not keep its index of changes. */
const CANNOT_OPEN = 14;

function whyUnwritable({ path }: DatabaseFile): string | undefined {
  try {
    accessSync(path, constants.R_OK);
    accessSync(dirname(path), constants.W_OK);
    return undefined;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code;
  }
}

/** The low byte is the kind; the rest refines it. */
const faultOf = (errcode: number): StoreFaultCode => SQLITE_FAULTS[errcode & 255] ?? 'unavailable';

/** Runs `work`; whatever SQLite or the file system says becomes a StoreFault that names the file. */
export function guarded<T>(file: DatabaseFile, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw storeFault(file, thrown);
  }
}

/** What is neither SQLite's nor the system's stays as it is. */
export function storeFault(file: DatabaseFile, thrown: unknown): unknown {
  const { code, errcode, errno, errstr } = thrown as Partial<Record<'code' | 'errstr', string>> &
    Partial<Record<'errcode' | 'errno', number>>;
  const said = errcode !== undefined || errno !== undefined;
  const ours = said || code === 'ERR_SQLITE_ERROR' || code === 'ERR_INVALID_STATE';
  if (!ours) return thrown;
  const system = errcode === undefined ? code : (errcode & 255) === CANNOT_OPEN ? whyUnwritable(file) : '';
  const fault = SYSTEM_FAULTS[system ?? ''] ?? faultOf(errcode ?? 0);
  if (fault === 'damaged') return damaged(file);
  if (fault === 'busy') return new StoreFault('busy', `${file.path} is held by another process. Try again.`);
  if (fault === 'full') return new StoreFault('full', `${file.path} has no room left to grow. Free some on its disk.`);
  if (fault === 'read_only') return new StoreFault('read_only', `${file.path} may be read and not written.`);
  return new StoreFault(fault, `${file.path} cannot be used: ${errstr ?? code}.`);
}
