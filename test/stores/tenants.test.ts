// Stores of tenants in memory and in a file, which is never taken for empty when it is broken. For src/stores.
import {
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
import type { StoreFault } from '../../src/core/store.ts';
import { createMemoryTenants } from '../../src/stores/memory/tenants.ts';
import { SqliteKeys } from '../../src/stores/sqlite/keys.ts';
import { SqliteTenants } from '../../src/stores/sqlite/tenants.ts';
import { issued } from '../tenants/sample-keys.ts';
import { describeTenantStore } from './tenants-conformance.ts';

const base = mkdtempSync(join(tmpdir(), 'spillway-tenants-'));
let count = 0;
let folder: string;
let path: string;
const open: SqliteTenants[] = [];
const opened = (busyMs = 1_000): SqliteTenants => {
  const store = new SqliteTenants({ folder, busyMs });
  open.push(store);
  return store;
};
const acme = { name: 'acme', entry: { plan: 'p' }, changedMs: 7 };
beforeEach(() => {
  folder = join(base, `data-${count++}`);
  path = join(folder, 'tenants.db');
});
afterAll(() => {
  for (const store of open) store.close();
  rmSync(base, { recursive: true, force: true });
});

describeTenantStore('tenants in memory', () => {
  const store = createMemoryTenants();
  return { store, other: store, settle: async (answer) => answer };
});
describeTenantStore('tenants in SQLite', () => ({
  store: opened(),
  other: opened(),
  settle: async (answer) => answer,
}));

it('tenants in memory can be brought along', () => {
  expect(createMemoryTenants([acme]).all()).toEqual([acme]);
});

describe('the file of tenants', () => {
  it('is not made by looking or removing, and with the first tenant for its owner alone', () => {
    const store = opened();
    expect([store.all(), store.version(), store.remove('acme')]).toEqual([[], 0, false]);
    expect(() => statSync(folder)).toThrow(/ENOENT/);
    store.set(acme);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder).sort()).toEqual(['tenants.db', 'tenants.db-shm', 'tenants.db-wal']);
    for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).mode & 0o777, file).toBe(0o600);
  });

  it('lies beside that of keys, and neither is taken for the other', async () => {
    const keys = new SqliteKeys({ folder, busyMs: 100 });
    keys.add((await issued()).record);
    opened().set(acme);
    expect([keys.all().length, opened().all()]).toEqual([1, [acme]]);
    keys.close();
    for (const store of open) store.close();
    renameSync(join(folder, 'keys.db'), path);
    expect(faultOf(() => opened().all())).toMatchObject({
      code: 'damaged',
      message: `${path} is no store of tenants.`,
    });
  });

  it('outlives its process, and says that it was closed', () => {
    const first = opened();
    first.set(acme);
    first.close();
    expect(opened().all()).toEqual([acme]);
    expect(faultOf(() => first.all())).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('closed'),
    });
  });

  it('waits for one that writes, and then says who holds it', () => {
    const store = opened(10);
    store.set(acme);
    const blocker = new DatabaseSync(path);
    blocker.exec('BEGIN IMMEDIATE');
    expect(store.all()).toHaveLength(1);
    expect(faultOf(() => store.set(acme))).toMatchObject({ code: 'busy', message: expect.stringContaining(path) });
    blocker.exec('ROLLBACK');
    blocker.close();
    store.set(acme);
  });

  it('that vanishes while in use is an error, not an empty store', () => {
    const store = opened();
    store.set(acme);
    renameSync(path, `${path}.away`);
    expect(faultOf(() => store.all())).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('Restart'),
    });
    renameSync(`${path}.away`, path);
    expect(store.all()).toEqual([acme]);
  });
});

describe('F097 a file that is no whole store of tenants is an error, never "no tenants"', () => {
  it.each<[string, string, () => void]>([
    ['is empty', 'damaged', () => writeFileSync(path, '')],
    ['is text', 'damaged', () => writeFileSync(path, 'tenants: []\n'.repeat(500))],
    ['is cut in half', 'damaged', () => truncateSync(path, statSync(path).size / 2)],
    ['has lost its table', 'damaged', () => execute('DROP TABLE tenants')],
    ['was made by a later version', 'too_new', () => execute('PRAGMA user_version = 2')],
    ['is a folder', 'unavailable', () => asFolder()],
  ])('%s', (_what, code, breakIt) => {
    const store = new SqliteTenants({ folder, busyMs: 100 });
    store.set(acme);
    store.close();
    breakIt();
    for (const work of [() => opened().all(), () => opened().remove('acme'), () => opened().set(acme)]) {
      const expected = { name: 'StoreFault', code, message: expect.stringContaining(path) };
      expect(faultOf(work)).toMatchObject(expected);
    }
  });

  it('any one page overwritten is either noticed or changes nothing', () => {
    const store = opened();
    for (let made = 0; made < 60; made++)
      store.set({ ...acme, name: `t${made}`, entry: { models: ['x'.repeat(200)] } });
    const whole = store.all();
    store.close();
    const bytes = readFileSync(path);
    const pages = bytes.length / 4096;
    for (let page = 0; page < pages; page++) {
      const broken = Buffer.from(bytes);
      broken.fill(0x5a, page * 4096, (page + 1) * 4096);
      writeFileSync(path, broken);
      const damaged = new SqliteTenants({ folder, busyMs: 100 });
      const fault = faultOf(() => expect(damaged.all()).toEqual(whole), true);
      damaged.close();
      if (fault !== null) expect(fault.code, `page ${page}`).toBe('damaged');
    }
    expect(pages).toBeGreaterThan(3);
  });
});

function asFolder(): void {
  rmSync(path);
  mkdirSync(path);
}

function execute(sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

function faultOf(work: () => unknown): StoreFault;
function faultOf(work: () => unknown, mayPass: boolean): StoreFault | null;
function faultOf(work: () => unknown, mayPass = false): StoreFault | null {
  try {
    work();
  } catch (thrown) {
    return thrown as StoreFault;
  }
  if (mayPass) return null;
  throw new Error('it was not refused');
}
