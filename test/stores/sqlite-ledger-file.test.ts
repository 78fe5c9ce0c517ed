// The file ledger.db: made for its owner alone, refused when it is not ours, not whole or too new. For src/stores/sqlite.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { StoreFault } from '../../src/core/store.ts';
import { assertSafeEngine } from '../../src/stores/sqlite/database.ts';
import { openLedgerFile } from '../../src/stores/sqlite/ledger-file.ts';
import { openLedgerReader } from '../../src/stores/sqlite/ledger-reader.ts';
import { LEDGER_MIGRATIONS } from '../../src/stores/sqlite/ledger-schema.ts';
import type { Migration } from '../../src/stores/sqlite/migrations.ts';

const base = mkdtempSync(join(tmpdir(), 'spillway-ledger-file-'));
let count = 0;
let folder: string;
let path: string;
beforeEach(() => {
  folder = join(base, `data-${count++}`);
  path = join(folder, 'ledger.db');
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const SOME_ROWS = `
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
INSERT INTO calls (id, arrived_ms, written_ms, tenant, class, dialect, stream, priority, step, prefix, asked, how,
  queue_ms, cold_ms, total_ms, input_tokens, estimated, attempts, gpu_ms, failed_cost, cost, charge)
SELECT 'call-' || i, i, i, 'acme', 'chat', 'openai-chat', 0, 'interactive', 'turn', 0, 'small', 'complete',
  0, 0, 1, 1, 0, 1, 0, 0, 7, 9 FROM n`;
const ALL = { by: [], fromMs: 0, toMs: 1e15, tenant: null, limit: 10 } as const;

function made(): void {
  const db = openLedgerFile(folder);
  db.exec(SOME_ROWS);
  db.close();
}

describe('the file of the ledger', () => {
  it('is made with its folder, for its owner alone', () => {
    const db = openLedgerFile(join(folder, 'deeper'));
    db.exec(SOME_ROWS);
    const at = join(folder, 'deeper');
    expect(statSync(at).mode & 0o777).toBe(0o700);
    expect(readdirSync(at).sort()).toEqual(['ledger.db', 'ledger.db-shm', 'ledger.db-wal']);
    for (const file of readdirSync(at)) expect(statSync(join(at, file)).mode & 0o777, file).toBe(0o600);
    db.close();
  });

  it('is read while it is written, and where nobody writes; without one there is nothing to read', () => {
    expect(openLedgerReader(folder)).toBeNull();
    const db = openLedgerFile(folder);
    db.exec(SOME_ROWS);
    const reader = openLedgerReader(folder)!;
    expect(reader.usage(ALL)).toMatchObject([{ keys: [], calls: 400, complete: 400, cost: 2_800, charge: 3_600 }]);
    expect(reader.poolTime(0, 1e15)).toEqual([]);
    reader.close();
    db.close();
    const later = openLedgerReader(folder)!;
    expect(later.usage({ ...ALL, tenant: 'acme' })).toMatchObject([{ calls: 400 }]);
    expect(later.usage({ ...ALL, tenant: 'other' })).toEqual([]);
    later.close();
  });

  it('S21 has the settings that keep what is written', () => {
    const db = openLedgerFile(folder);
    const set = (pragma: string) => Object.values(db.prepare(`PRAGMA ${pragma}`).get()!)[0];
    expect(set('journal_mode')).toBe('wal');
    expect(set('synchronous')).toBe(2);
    expect(set('trusted_schema')).toBe(0);
    expect(set('mmap_size') ?? 0).toBe(0);
    expect(set('busy_timeout')).toBe(5_000);
    db.close();
  });

  it.each([
    ['3.51.2', false],
    ['3.50.4', false],
    ['2.99.99', false],
    ['', false],
    ['3.51.3', true],
    ['3.53.0', true],
    ['4.0.0', true],
  ])('S21 takes SQLite %s: %s', (version, safe) => {
    if (safe) expect(() => assertSafeEngine(version)).not.toThrow();
    else expect(faultOf(() => assertSafeEngine(version))).toMatchObject({ code: 'unsafe_engine' });
  });
});

describe('F119 migrations', () => {
  const add: Migration = {
    version: 2,
    sql: 'ALTER TABLE calls ADD COLUMN region TEXT; CREATE TABLE more (x INTEGER) STRICT; PRAGMA user_version = 2;',
  };
  const versionOf = (db: DatabaseSync) => db.prepare('PRAGMA user_version').get()!['user_version'];

  it('bring an older file forward and keep its rows; the old version then refuses it', () => {
    made();
    const db = openLedgerFile(folder, { migrations: [...LEDGER_MIGRATIONS, add] });
    expect(versionOf(db)).toBe(2);
    expect(db.prepare('SELECT count(region) AS regions, count(*) AS calls FROM calls').get()).toEqual({
      regions: 0,
      calls: 400,
    });
    db.close();
    expect(faultOf(() => openLedgerFile(folder))).toMatchObject({ code: 'too_new' });
    expect(faultOf(() => openLedgerReader(folder))).toMatchObject({ code: 'too_new' });
    const before = readFileSync(path);
    expect(faultOf(() => openLedgerFile(folder)).message).toContain(path);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('make a new file of the newest version at once', () => {
    const db = openLedgerFile(folder, { migrations: [...LEDGER_MIGRATIONS, add] });
    expect(versionOf(db)).toBe(2);
    db.close();
  });

  it('that fail half-way leave the file as it was', () => {
    made();
    const broken = { version: 2, sql: `${add.sql.split('PRAGMA')[0]} INSERT INTO nothing VALUES (1);` };
    expect(() => openLedgerFile(folder, { migrations: [...LEDGER_MIGRATIONS, broken] })).toThrow();
    const unnumbered = { version: 2, sql: 'CREATE TABLE more (x INTEGER) STRICT;' };
    expect(() => openLedgerFile(folder, { migrations: [...LEDGER_MIGRATIONS, unnumbered] })).toThrow(/version 2/);
    const db = openLedgerFile(folder);
    expect(versionOf(db)).toBe(1);
    expect(db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'more'").get()).toEqual({ n: 0 });
    db.close();
  });

  it('are read by an older reader as what they are', () => {
    made();
    execute('PRAGMA user_version = 0');
    expect(faultOf(() => openLedgerReader(folder))).toMatchObject({ code: 'unavailable' });
  });
});

describe('F097 a file that is no whole ledger is refused, and never deleted', () => {
  const broken: [string, string, () => void][] = [
    ['is empty', 'damaged', () => writeFileSync(path, '')],
    ['is text', 'damaged', () => writeFileSync(path, 'calls: []\n'.repeat(500))],
    ['has another header', 'damaged', () => flip(0)],
    ['is cut in half', 'damaged', () => truncateSync(path, statSync(path).size / 2)],
    ['is cut to its first page', 'damaged', () => truncateSync(path, 4096)],
    ['is a database of something else', 'damaged', () => execute('PRAGMA application_id = 5')],
    ['was made by a later version', 'too_new', () => execute('PRAGMA user_version = 99')],
  ];
  it.each(broken)('%s', (_what, code, breakIt) => {
    made();
    breakIt();
    const before = readFileSync(path);
    expect(faultOf(() => openLedgerFile(folder))).toMatchObject({
      name: 'StoreFault',
      code,
      message: expect.stringContaining(path),
    });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('any one page overwritten is noticed', () => {
    made();
    const bytes = readFileSync(path);
    const unnoticed: number[] = [];
    for (let page = 0; page < bytes.length / 4096; page++) {
      const changed = Buffer.from(bytes);
      changed.fill(0x5a, page * 4096, (page + 1) * 4096);
      writeFileSync(path, changed);
      try {
        openLedgerFile(folder).close();
        unnoticed.push(page);
      } catch (thrown) {
        expect((thrown as StoreFault).code, `page ${page}`).toBe('damaged');
      }
    }
    expect(bytes.length / 4096).toBeGreaterThan(20);
    expect(unnoticed).toEqual([]);
  });
});

function flip(at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = bytes[at]! ^ 0xff;
  writeFileSync(path, bytes);
}

function execute(sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

function faultOf(work: () => unknown): StoreFault {
  try {
    work();
  } catch (thrown) {
    return thrown as StoreFault;
  }
  throw new Error('it was not refused');
}
