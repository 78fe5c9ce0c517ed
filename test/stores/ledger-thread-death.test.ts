// What is said and done when the ledger's thread dies under it. For src/stores/sqlite.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterAll, expect, it, vi } from 'vitest';
import { eventually } from '../fakes/eventually.ts';
import { call } from './ledger-records.ts';
import { ledgerOn } from './opened-ledger.ts';

const { started } = vi.hoisted(() => ({ started: [] as Worker[] }));
vi.mock('node:worker_threads', async (load) => {
  const threads = (await load()) as typeof import('node:worker_threads');
  const Recorded = new Proxy(threads.Worker, {
    construct(target, args: ConstructorParameters<typeof Worker>) {
      const worker = new target(...args);
      started.push(worker);
      return worker;
    },
  });
  return { ...threads, Worker: Recorded };
});

const folder = mkdtempSync(join(tmpdir(), 'spillway-ledger-death-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('it is started again; what it had not written is lost and said, and what it held is spent after its lease', {
  timeout: 30_000,
}, async () => {
  const { ledger, log } = await ledgerOn(folder, { leaseMs: 300 });
  const limits = { hour: null, day: null, month: 10_000, warnAt: [], dryRun: false };
  ledger.add(call({ charge: 5 }));
  expect(await ledger.hold({ tenant: 'acme', amount: 900, limits })).toMatchObject({ held: 900 });
  expect(started).toHaveLength(1);
  await started[0]!.terminate();
  const asked = ledger.hold({ tenant: 'acme', amount: 900, limits });
  await expect(asked).rejects.toMatchObject({ name: 'StoreFault', code: 'unavailable' });
  ledger.add(call({ charge: 5 }));
  expect(log.of('ledger_thread_ended')).toMatchObject([{ level: 'error' }]);
  expect(ledger.health.ok).toBe(false);
  await eventually(() => ledger.health.ok, { deadlineMs: 15_000, what: 'a new thread' });
  expect(started).toHaveLength(2);
  ledger.add(call({ charge: 7 }));
  await ledger.flush();
  expect(ledger.health.waiting).toBe(0);
  const spent = async () => (await ledger.hold({ tenant: 'acme', amount: 0, limits })).windows[0]!.spent;
  const kept = 12 + 5 * (1 - ledger.health.lost);
  await eventually(async () => (await spent()) === kept + 900, { deadlineMs: 10_000, what: 'the end of the lease' });
  await ledger.close();
});
