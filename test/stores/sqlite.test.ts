// The store in a file: alike to all others, private, and never taken for empty when it is broken. For src/stores/sqlite.
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { KeyStoreError } from '../../src/core/keys.ts';
import { SqliteKeys } from '../../src/stores/sqlite/keys.ts';
import { readSources } from '../architecture/source-files.ts';
import { issued } from '../tenants/sample-keys.ts';
import { describeKeyStore } from './keys-conformance.ts';

const base = mkdtempSync(join(tmpdir(), 'spillway-keys-'));
let count = 0;
let folder: string;
let path: string;
const open: SqliteKeys[] = [];
const opened = (at = folder): SqliteKeys => {
  const store = new SqliteKeys({ folder: at, busyMs: 1_000 });
  open.push(store);
  return store;
};
beforeEach(() => {
  folder = join(base, `data-${count++}`);
  path = join(folder, 'keys.db');
});
afterAll(() => {
  for (const store of open) store.close();
  rmSync(base, { recursive: true, force: true });
});

describeKeyStore('keys in SQLite', () => ({
  store: opened(),
  other: opened(),
  settle: async (answer) => answer,
}));

describe('the file of keys', () => {
  it('is not made by looking, and with the first key for its owner alone', async () => {
    const looking = opened(join(folder, 'deeper'));
    expect([looking.all(), looking.version()]).toEqual([[], 0]);
    expect(() => statSync(folder)).toThrow(/ENOENT/);
    looking.add((await issued()).record);
    const made = join(folder, 'deeper');
    expect(statSync(made).mode & 0o777).toBe(0o700);
    expect(readdirSync(made).sort()).toEqual(['keys.db', 'keys.db-shm', 'keys.db-wal']);
    for (const file of readdirSync(made)) expect(statSync(join(made, file)).mode & 0o777, file).toBe(0o600);
    expect(looking.version()).toBeGreaterThan(0);
  });

  it('outlives its process: what was added and ended is read by the next', async () => {
    const first = opened();
    const { record } = await issued({ models: ['a'] });
    first.add(record);
    first.end(record.id, { revokedMs: 7 });
    first.close();
    expect(opened().all()).toEqual([{ ...record, revokedMs: 7 }]);
    expect(() => first.all()).toThrow(/closed/);
  });

  it('F037 never holds a key', async () => {
    const store = opened();
    const made = await Promise.all(Array.from({ length: 20 }, () => issued()));
    for (const { record } of made) store.add(record);
    const bytes = () =>
      readdirSync(folder)
        .map((file) => readFileSync(join(folder, file), 'latin1'))
        .join();
    const before = bytes();
    store.close();
    const secrets = made.map(({ key }) => key.slice(11, 50));
    expect(secrets.filter((secret) => before.includes(secret) || bytes().includes(secret))).toEqual([]);
    expect(bytes()).toContain(made[0]!.record.prefix);
  });

  it('can be written by another while it is read, and waits for one that writes', async () => {
    const [reader, writer] = [opened(), opened()];
    writer.add((await issued()).record);
    const blocker = new DatabaseSync(path);
    blocker.exec('BEGIN IMMEDIATE');
    expect(reader.all()).toHaveLength(1);
    const impatient = new SqliteKeys({ folder, busyMs: 10 });
    open.push(impatient);
    const { record } = await issued();
    expect(faultOf(() => impatient.add(record))).toMatchObject({
      code: 'busy',
      message: expect.stringContaining(path),
    });
    blocker.exec('ROLLBACK');
    blocker.close();
    impatient.add(record);
    expect(reader.all()).toHaveLength(2);
  });
});

describe('F097 a file that is no whole store of keys is an error, never "no keys"', () => {
  const broken: [string, string, () => void][] = [
    ['is empty', 'damaged', () => writeFileSync(path, '')],
    ['is text', 'damaged', () => writeFileSync(path, 'keys: []\n'.repeat(500))],
    ['is zeros', 'damaged', () => writeFileSync(path, Buffer.alloc(20_480))],
    ['is cut in half', 'damaged', () => truncateSync(path, statSync(path).size / 2)],
    ['is cut to its first page', 'damaged', () => truncateSync(path, 4096)],
    ['has lost its table', 'damaged', () => execute(path, 'DROP TABLE keys')],
    ['is a database of something else', 'damaged', () => execute(emptied(path), 'CREATE TABLE keys (id TEXT)')],
    ['was made by a later version', 'too_new', () => execute(path, 'PRAGMA user_version = 2')],
    ['is a folder', 'unavailable', () => mkdirSync(emptied(path))],
  ];
  it.each(broken)('%s', async (_what, code, breakIt) => {
    const store = new SqliteKeys({ folder, busyMs: 100 });
    const { record } = await issued({ models: ['a'] });
    store.add(record);
    store.close();
    breakIt();
    const next = opened();
    expect(faultOf(() => next.all())).toMatchObject({
      name: 'KeyStoreError',
      code,
      message: expect.stringContaining(path),
    });
    expect(faultOf(() => opened().end(record.id, { revokedMs: 1 })).code).toMatch(/damaged|too_new|unavailable/);
    const writing = faultOf(() => opened().add({ ...record, id: 'other', hash: 'a'.repeat(64) }), true);
    if (writing !== null) expect(writing.name).toBe('KeyStoreError');
  });

  it('any one page overwritten is either noticed or changes nothing', async () => {
    const store = new SqliteKeys({ folder, busyMs: 100 });
    for (let made = 0; made < 100; made++) store.add((await issued()).record);
    const whole = store.all();
    store.close();
    const bytes = readFileSync(path);
    const pages = bytes.length / 4096;
    let noticed = 0;
    for (let page = 0; page < pages; page++) {
      writeFileSync(
        path,
        Buffer.concat([bytes.subarray(0, page * 4096), Buffer.alloc(4096, 0x5a), bytes.subarray((page + 1) * 4096)]),
      );
      const damagedStore = new SqliteKeys({ folder, busyMs: 100 });
      try {
        expect(damagedStore.all(), `page ${page}`).toEqual(whole);
      } catch (thrown) {
        expect((thrown as KeyStoreError).code, `page ${page}`).toBe('damaged');
        noticed++;
      } finally {
        damagedStore.close();
      }
    }
    expect(pages).toBeGreaterThan(8);
    expect(noticed).toBe(pages);
  });

  it.each(["models = '[1]'", 'models = \'["a",null]\'', "routes = '[{}]'", "name = x'00ff'"])(
    'has a row with %s',
    async (change) => {
      const store = opened();
      store.add((await issued()).record);
      try {
        execute(path, `UPDATE keys SET ${change}`);
      } catch (thrown) {
        // Types are the file's own to keep.
        expect((thrown as Error).message).toContain('cannot store BLOB value in TEXT column');
        return;
      }
      expect(faultOf(() => store.all())).toMatchObject({ code: 'damaged' });
    },
  );

  it('a data folder that is a file', () => {
    writeFileSync(folder, '');
    expect(faultOf(() => opened().version())).toMatchObject({ code: 'unavailable' });
  });

  it('that vanishes or is replaced while in use', async () => {
    const [store, another] = [opened(), opened(`${folder}-other`)];
    store.add((await issued()).record);
    another.add((await issued()).record);
    another.close();
    renameSync(path, `${path}.away`);
    expect(faultOf(() => store.version())).toMatchObject({ code: 'replaced' });
    renameSync(join(`${folder}-other`, 'keys.db'), path);
    expect(faultOf(() => store.all())).toMatchObject({ code: 'replaced', message: expect.stringContaining('Restart') });
    renameSync(`${path}.away`, path);
    expect(store.all()).toHaveLength(1);
  });

  it('bytes added behind its end change nothing', async () => {
    const store = new SqliteKeys({ folder, busyMs: 100 });
    const { record } = await issued();
    store.add(record);
    store.close();
    appendFileSync(path, 'x'.repeat(10_000));
    expect(opened().all()).toEqual([record]);
  });
});

it('F031 no text of SQL is put together: every statement is a constant', () => {
  const texts = readSources('src').filter(({ path: file }) => file.startsWith('stores/'));
  const statements = texts.flatMap(({ text }) =>
    // The texts that are compiled in statements.ts are those of its callers, which are looked at here.
    [
      ...text
        .replace('this.#db.prepare(text)', '')
        .matchAll(/(?:\.(?:prepare|exec)|sql\.(?:run|one|all))\(\s*([^,)]*)/g),
    ].map((match) => match[1]!),
  );
  expect(statements.length).toBeGreaterThan(30);
  // Steps of migration are constants themselves, in a list.
  const allowed = /^(?:[A-Z][A-Z0-9_]*(?:\[pragma\])?|migration\.sql)$/;
  expect(statements.filter((statement) => !allowed.test(statement))).toEqual([]);
  const constants = texts.flatMap(({ text }) =>
    [...text.matchAll(/^(?:export )?const [A-Z][A-Z0-9_]* = `([^`]*)`/gm)].map((match) => match[1]!),
  );
  expect(constants.length).toBeGreaterThan(6);
  expect(constants.filter((sql) => sql.includes('${'))).toEqual([]);
});

function emptied(file: string): string {
  rmSync(file);
  return file;
}

function execute(file: string, sql: string): void {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
}

function faultOf(work: () => unknown): KeyStoreError;
function faultOf(work: () => unknown, mayPass: true): KeyStoreError | null;
function faultOf(work: () => unknown, mayPass = false): KeyStoreError | null {
  try {
    work();
  } catch (thrown) {
    return thrown as KeyStoreError;
  }
  if (mayPass) return null;
  throw new Error('it was not refused');
}
