// The ledger on a disk that is full, broken, read-only or held by others, seen from the router's thread. For src/stores/sqlite.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { StoreFault } from '../../src/core/store.ts';
import { openLedgerFile } from '../../src/stores/sqlite/ledger-file.ts';
import { openLedgerReader } from '../../src/stores/sqlite/ledger-reader.ts';
import { eventually } from '../fakes/eventually.ts';
import { books } from './engine-stage.ts';
import { call } from './ledger-records.ts';
import { mountVolume, type Volume } from './mounted.ts';
import { ledgerOn, type OpenedLedger } from './opened-ledger.ts';
import { startWriter } from './writer-process.ts';

const base = mkdtempSync(join(tmpdir(), 'spillway-ledger-disk-'));
let count = 0;
const nextFolder = () => join(base, `data-${count++}`);
const limits = { hour: null, day: null, month: 1_000_000, warnAt: [], dryRun: false };
const ALL = { by: [], fromMs: 0, toMs: 8e15, tenant: null, limit: 1 } as const;
const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

async function opened(...args: Parameters<typeof ledgerOn>): Promise<OpenedLedger> {
  const one = await ledgerOn(...args);
  closing.push(() => one.ledger.close().catch(() => {}));
  return one;
}
/** Ends with its test. */
function volume(bytes: number): Volume {
  const mounted = mountVolume(nextFolder(), bytes);
  if (mounted === null) throw new Error('a volume could be mounted a moment ago');
  closing.push(() => mounted.end());
  return mounted;
}
const trial = mountVolume(nextFolder(), 65_536);
trial?.end();

// Elsewhere the engine's own tests show the same, with faults that are made up.
const withVolumes = trial === null ? () => {} : describe;
withVolumes('on a volume of its own', () => {
  it('F095 a full disk keeps records waiting and answers holds; once there is room all are written once', {
    timeout: 40_000,
  }, async () => {
    const { path } = volume(1_500_000);
    const folder = join(path, 'data');
    const { ledger, log } = await opened(folder);
    writeFileSync(join(path, 'ballast'), Buffer.alloc(600_000));
    let added = 0;
    const add = () => {
      for (let at = 0; at < 256; at++, added++) ledger.add(call({ charge: 1, agent: 'x'.repeat(300) }));
    };
    await eventually(
      () => {
        if (ledger.health.waiting < 256) add();
        return !ledger.health.ok;
      },
      { deadlineMs: 20_000, what: 'the disk is full' },
    );
    const sinceMs = ledger.health.failingSinceMs!;
    expect(Math.abs(performance.now() - sinceMs)).toBeLessThan(5_000);
    const fault = await ledger.hold({ tenant: 'acme', amount: 1, limits }).catch((thrown: StoreFault) => thrown);
    expect(fault).toMatchObject({ name: 'StoreFault', code: 'full' });
    for (let more = 0; more < 4; more++) add();
    await expect(ledger.flush()).rejects.toMatchObject({ code: 'full' });
    expect(ledger.health).toMatchObject({ ok: false, lost: 0 });
    expect(ledger.health.waiting).toBeGreaterThanOrEqual(1_024);
    expect(log.of('ledger_failing')).toHaveLength(1);
    execFileSync('mount', ['-o', 'remount,size=64M', path]);
    await eventually(() => ledger.health.ok && ledger.health.waiting === 0, { deadlineMs: 10_000, what: 'recovery' });
    await ledger.flush();
    const db = openLedgerFile(folder);
    expect(books(db)).toMatchObject({ calls: added, charges: added, spent: added });
    db.close();
    expect(log.of('ledger_writes_again').length).toBeGreaterThanOrEqual(1);
  });

  it('F095 a ledger that may only be read is refused at the start, and can be looked at', async () => {
    const { path, seal } = volume(4_000_000);
    const folder = join(path, 'data');
    const { ledger } = await ledgerOn(folder);
    ledger.add(call({ charge: 1 }));
    await ledger.close();
    mkdirSync(join(path, 'empty'));
    seal();
    await expect(ledgerOn(folder)).rejects.toMatchObject({ name: 'StoreFault', code: 'read_only' });
    await expect(ledgerOn(join(path, 'empty'))).rejects.toMatchObject({ name: 'StoreFault', code: 'read_only' });
    const reader = openLedgerReader(folder)!;
    expect(reader.usage(ALL)).toMatchObject([{ calls: 1 }]);
    reader.close();
  });
});

it('F095 writes that the system refuses (a bound on the size of files) come back, and each call is kept once', {
  timeout: 60_000,
}, async () => {
  const folder = nextFolder();
  const writer = startWriter(folder, 'acme', 4_000);
  closing.push(() => void writer.child.kill('SIGKILL'));
  const bound = (bytes: string) => execFileSync('prlimit', ['--pid', String(writer.child.pid), `--fsize=${bytes}:`]);
  await eventually(() => writer.said().some(({ event }) => event === 'open'), { deadlineMs: 20_000, what: 'a start' });
  bound('200000');
  const faults = () => writer.said().filter(({ event }) => event === 'fault');
  await eventually(() => faults().length > 3, { deadlineMs: 20_000, what: 'faults' });
  expect(faults()[1]).toMatchObject({ ok: false, lost: 0 });
  expect(['unavailable', 'full']).toContain(faults()[1]!['code']);
  bound('unlimited');
  expect(await writer.ended).toBe(0);
  expect(writer.said().at(-1)).toMatchObject({ event: 'closed', waiting: 0, lost: 0 });
  const db = openLedgerFile(folder);
  const kept = books(db);
  expect(kept).toMatchObject({ charges: kept.calls * 10, spent: kept.charges, lost: 0, held: 0 });
  expect(kept.calls).toBeGreaterThanOrEqual(4_000);
  db.close();
});

describe('F096 a file that another process holds', () => {
  it('is waited for so long, then questions are refused; what waits is bounded, and what is given up is said', async () => {
    const folder = nextFolder();
    const { ledger, log } = await opened(folder, { busyMs: 50, maxWaiting: 1_000 });
    ledger.add(call({ charge: 1 }));
    await ledger.flush();
    const other = new DatabaseSync(join(folder, 'ledger.db'));
    other.exec('BEGIN IMMEDIATE');
    const hold = ledger.hold({ tenant: 'acme', amount: 1, limits });
    await expect(hold).rejects.toMatchObject({ name: 'StoreFault', code: 'busy' });
    for (let at = 0; at < 2_560; at++) ledger.add(call({ charge: 1 }));
    await eventually(() => !ledger.health.ok, { what: 'it is noticed' });
    // Whole groups: three of 256 fit.
    expect(ledger.health).toMatchObject({ ok: false, waiting: 768, lost: 1_792 });
    expect(log.of('ledger_lost')).toMatchObject([{ level: 'error', fields: { why: 'no_room' } }]);
    other.exec('ROLLBACK');
    other.close();
    await eventually(() => ledger.health.ok && ledger.health.waiting === 0, { what: 'recovery' });
    ledger.add(call({ charge: 1 }));
    await ledger.flush();
    expect(ledger.health).toMatchObject({ ok: true, failingSinceMs: null, waiting: 0, lost: 1_792 });
    expect(log.of('ledger_keeps_again')).toMatchObject([{ fields: { lost: 1_792 } }]);
    const rows = await ledger.usage(ALL);
    expect(rows).toMatchObject([{ calls: 770, charge: 770 }]);
  });

  it('by a long reader is written all the same', async () => {
    const folder = nextFolder();
    const { ledger } = await opened(folder);
    ledger.add(call({ charge: 1 }));
    await ledger.flush();
    const reader = new DatabaseSync(join(folder, 'ledger.db'), { readOnly: true });
    reader.exec('BEGIN; SELECT count(*) FROM calls;');
    for (let at = 0; at < 500; at++) ledger.add(call({ charge: 1 }));
    await ledger.flush();
    expect(await ledger.usage(ALL)).toMatchObject([{ calls: 501 }]);
    expect(reader.prepare('SELECT count(*) AS n FROM calls').get()).toEqual({ n: 1 });
    reader.close();
  });
});

it('F095 a file that vanishes while in use is noticed; back in its place it gets all that waited', async () => {
  const folder = nextFolder();
  const path = join(folder, 'ledger.db');
  const { ledger, log } = await opened(folder);
  ledger.add(call({ charge: 1 }));
  await ledger.flush();
  renameSync(path, `${path}.away`);
  ledger.add(call({ charge: 1 }));
  await expect(ledger.flush()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining(path) });
  expect(ledger.health).toMatchObject({ ok: false, waiting: 1 });
  expect(log.of('ledger_failing')).toHaveLength(1);
  renameSync(`${path}.away`, path);
  await eventually(() => ledger.health.ok && ledger.health.waiting === 0, { what: 'recovery' });
  expect(await ledger.usage(ALL)).toMatchObject([{ calls: 2 }]);
});

it('S20 what was erased is nowhere in the files', async () => {
  const folder = nextFolder();
  const { ledger } = await opened(folder);
  for (let at = 0; at < 300; at++) ledger.add(call({ run: 'secret-plan', tenant: at % 2 === 0 ? 'acme' : 'beta' }));
  for (let at = 0; at < 300; at++) ledger.add(call({ run: 'other-plan', tenant: 'beta' }));
  await ledger.flush();
  const text = () =>
    readdirSync(folder)
      .map((file) => readFileSync(join(folder, file), 'latin1'))
      .join();
  expect(text()).toContain('secret-plan');
  expect([await ledger.erase('acme'), await ledger.erase('beta')]).toEqual([150, 450]);
  expect(text()).not.toMatch(/secret-plan|other-plan/);
});

describe('F097 a router does not start on', () => {
  it.each([
    ['a file that is no ledger', 'damaged', (path: string) => writeFileSync(path, 'x'.repeat(9_000))],
    ['one of a later version', 'too_new', (path: string) => execute(path, 'PRAGMA user_version = 99')],
    ['another database', 'damaged', (path: string) => execute(path, 'PRAGMA application_id = 1')],
  ])('%s', async (_what, code, breakIt) => {
    const folder = nextFolder();
    openLedgerFile(folder).close();
    breakIt(join(folder, 'ledger.db'));
    await expect(ledgerOn(folder)).rejects.toMatchObject({
      name: 'StoreFault',
      code,
      message: expect.stringContaining('ledger.db'),
    });
  });
});

it('a ledger that was closed refuses questions, and counts what comes too late', async () => {
  const { ledger, log } = await opened(nextFolder());
  ledger.add(call());
  await ledger.close();
  await ledger.close();
  ledger.add(call());
  expect(ledger.health).toMatchObject({ waiting: 0, lost: 1 });
  expect(log.of('ledger_lost')).toMatchObject([{ fields: { why: 'closed' } }]);
  await expect(ledger.flush()).rejects.toMatchObject({ code: 'unavailable' });
  await expect(ledger.usage(ALL)).rejects.toMatchObject({ code: 'unavailable' });
});

function execute(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}
