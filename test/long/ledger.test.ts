// The ledger over many deaths of the routers that write it, and under a sum over hundreds of thousands of calls. For src/stores/sqlite.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openLedgerFile } from '../../src/stores/sqlite/ledger-file.ts';
import { eventually } from '../fakes/eventually.ts';
import { chance } from '../stores/chance.ts';
import { books } from '../stores/engine-stage.ts';
import { call } from '../stores/ledger-records.ts';
import { ledgerOn } from '../stores/opened-ledger.ts';
import { startWriter } from '../stores/writer-process.ts';

const base = mkdtempSync(join(tmpdir(), 'spillway-ledger-long-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const KILLS = 15;
const SLICE = 5_000;
const LEASE_MS = 1_000;

it('F108 F109 books add up after many kills at random moments, two routers at a time on one file', async () => {
  const folder = join(base, 'kills');
  const { random, seed } = chance();
  const { ledger } = await ledgerOn(folder, { leaseMs: LEASE_MS });
  let durable = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const pair = ['acme', 'beta'].map((tenant) => startWriter(folder, tenant, 1_000_000, LEASE_MS));
    const enough = 64 + Math.floor(random() * 1_500);
    await eventually(() => pair.every((writer) => writer.durable() >= enough), {
      deadlineMs: 30_000,
      what: 'some calls',
    });
    for (const { child } of pair) child.kill('SIGKILL');
    await Promise.all(pair.map(({ ended }) => ended));
    durable += pair.reduce((sum, writer) => sum + writer.durable(), 0);
    const db = openLedgerFile(folder);
    const { calls, charges, lost, spent, held } = books(db);
    const said = `seed ${seed}, kill ${kill}`;
    expect(calls, said).toBeGreaterThanOrEqual(durable);
    expect(charges, said).toBe(calls * 10);
    expect(charges + lost, said).toBe(spent);
    expect(lost + held, said).toBeLessThanOrEqual((kill + 1) * 2 * SLICE);
    db.close();
  }
  const db = openLedgerFile(folder);
  await eventually(() => books(db).held === 0, { deadlineMs: 20_000, what: 'the last leases end' });
  const { charges, lost, spent } = books(db);
  expect(charges + lost).toBe(spent);
  db.close();
  await ledger.close();
});

const MANY = `
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000)
INSERT INTO calls (id, arrived_ms, written_ms, tenant, run, class, dialect, stream, priority, step, prefix, asked, how,
  queue_ms, cold_ms, total_ms, input_tokens, estimated, attempts, gpu_ms, failed_cost, cost, charge)
SELECT 'call-' || i, i, i, 'acme', 'run-' || (i / 7), 'chat', 'openai-chat', 0, 'interactive', 'turn', 0, 'small',
  'complete', 0, 0, 1, 1, 0, 1, 0, 0, 7, 9 FROM n`;

it('commits go on while usage of 400,000 calls is added up', async () => {
  const folder = join(base, 'many');
  const db = openLedgerFile(folder);
  db.exec(MANY);
  db.close();
  const { ledger } = await ledgerOn(folder);
  // The first question starts the thread that adds up.
  await ledger.poolTime(0, 1);
  let over = false;
  const began = performance.now();
  const usage = Promise.resolve(
    ledger.usage({ by: ['run', 'hour'], fromMs: 0, toMs: 8e15, tenant: null, limit: 10 }),
  ).finally(() => {
    over = true;
  });
  let commits = 0;
  while (!over) {
    ledger.add(call({ charge: 1 }));
    await ledger.flush();
    if (!over) commits++;
  }
  expect((await usage).length).toBe(10);
  process.stdout.write(`${commits} commits in the ${(performance.now() - began).toFixed(0)} ms of the sum\n`);
  expect(commits).toBeGreaterThan(5);
  await ledger.close();
});
