// The ledger in a file while several processes use it, and some of them are killed. For src/stores/sqlite.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openLedgerFile } from '../../src/stores/sqlite/ledger-file.ts';
import { eventually } from '../fakes/eventually.ts';
import { books } from './engine-stage.ts';
import { ledgerOn } from './opened-ledger.ts';
import { startWriter, type WriterProcess } from './writer-process.ts';

const base = mkdtempSync(join(tmpdir(), 'spillway-ledger-processes-'));
const writers: WriterProcess[] = [];
const writer = (...args: Parameters<typeof startWriter>) => {
  const started = startWriter(...args);
  writers.push(started);
  return started;
};
afterAll(() => {
  for (const { child } of writers) child.kill('SIGKILL');
  rmSync(base, { recursive: true, force: true });
});
const SLICE = 5_000;

it('F109 two processes on one file that both begin on an empty folder lose no call and no money', {
  timeout: 60_000,
}, async () => {
  const folder = join(base, 'two');
  const both = [writer(folder, 'acme', 6_000), writer(folder, 'acme', 6_000)];
  expect(await Promise.all(both.map(({ ended }) => ended))).toEqual([0, 0]);
  expect(both.map(({ errors }) => errors())).toEqual(['', '']);
  for (const { said } of both) expect(said().at(-1)).toMatchObject({ event: 'closed', waiting: 0, lost: 0 });
  const db = openLedgerFile(folder);
  expect(books(db)).toEqual({ calls: 12_000, charges: 120_000, spent: 120_000, lost: 0, held: 0 });
  db.close();
  expect(readdirSync(folder)).toEqual(['ledger.db']);
});

it.each([1, 2, 3])(
  'F108 a process killed in the middle of its commits leaves books that add up, and what it held is spent, run %i',
  { timeout: 60_000 },
  async (run) => {
    const folder = join(base, `killed-${run}`);
    const killed = writer(folder, 'acme', 1_000_000);
    await eventually(() => killed.durable() >= 1_200 * run, { deadlineMs: 30_000, what: 'some calls' });
    killed.child.kill('SIGKILL');
    expect(await killed.ended).toBe('SIGKILL');
    const leaseMs = 300;
    const { ledger, log } = await ledgerOn(folder, { leaseMs });
    const reader = openLedgerFile(folder);
    const before = books(reader);
    expect(before.calls).toBeGreaterThanOrEqual(killed.durable());
    expect(before).toMatchObject({ charges: before.calls * 10, spent: before.charges, lost: 0 });
    expect(before.held).toBeLessThanOrEqual(SLICE);
    // No half call: each has its one attempt.
    const halves = 'SELECT count(*) AS n FROM calls LEFT JOIN attempts ON call = seq WHERE call IS NULL';
    expect(reader.prepare(halves).get()).toEqual({ n: 0 });
    await eventually(() => books(reader).held === 0, { deadlineMs: 20_000, what: 'the end of the lease' });
    const after = books(reader);
    expect(after).toMatchObject({ charges: before.charges, lost: before.held, spent: before.spent + before.held });
    if (before.held > 0) expect(log.of('ledger_dead_holder')).toHaveLength(1);
    reader.close();
    await ledger.close();
  },
);
