// Spend limits over the real ledger: two routers on one file, every amount equal to the last digit. For src/ledger/spend-book.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { CallRecord } from '../../src/core/ledger.ts';
import type { NanoUsd } from '../../src/core/money.ts';
import { SpendAccounts } from '../../src/ledger/spend-book.ts';
import { nodeClock } from '../../src/runtime/node/machine.ts';
import { openSqliteLedger, type SqliteLedger } from '../../src/stores/sqlite/ledger.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { perDay, seeded, usd } from './spend-runs.ts';

const SEED = Date.now() % 2 ** 30;
const random = seeded(SEED);
/** Per month: a test that runs over midnight must not begin anew. */
const perMonth = (amount: NanoUsd) => ({ ...perDay(amount), day: null, month: amount });
const folder = mkdtempSync(join(tmpdir(), 'spillway-spend-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let ids = 0;
const record = (charge: NanoUsd): CallRecord => ({
  id: `call-${ids++}`,
  traceId: null,
  arrivedMs: nodeClock.wallMs(),
  tenant: 'acme',
  keyId: null,
  class: 'chat',
  dialect: 'openai-chat',
  stream: false,
  priority: 'interactive',
  step: 'turn',
  run: null,
  agent: null,
  runSource: null,
  prefix: 0,
  asked: 'm',
  served: 'p/m',
  rung: 1,
  degraded: null,
  how: 'complete',
  code: null,
  queueMs: 0,
  coldMs: 0,
  firstContentMs: 1,
  totalMs: 2,
  inputTokens: 1,
  usage: null,
  estimated: false,
  attempts: [],
  cost: charge,
  charge,
});

async function spend(book: SpendAccounts, ledger: SqliteLedger, limit: NanoUsd, seen: { sum: number; error: number }) {
  const limits = perMonth(limit);
  for (;;) {
    const most = Math.ceil(0.008 * limit * random());
    const likely = Math.ceil(most * random());
    const answer = await book.reserve({ tenant: 'acme', limits, likely, most });
    if (!answer.granted) {
      if (answer.reason === 'spent') return;
      expect(answer.reason).toBe('held');
      await new Promise<void>((freed) => book.awaits('acme', freed));
      continue;
    }
    await new Promise((turn) => setImmediate(turn));
    const charge = Math.floor(most * random());
    seen.sum += charge;
    seen.error = Math.max(seen.error, charge - likely);
    ledger.add(record(charge));
    answer.close(charge);
  }
}

it(`F105 F109 two routers on one file spend a budget to its end, and all is counted, seed ${SEED}`, async () => {
  const limit = usd(5);
  const log = recordingLog();
  const open = () => openSqliteLedger({ folder, log, nowMs: nodeClock.nowMs });
  const ledgers = [await open(), await open()] as const;
  const books = ledgers.map((ledger) => new SpendAccounts({ ledger, clock: nodeClock, log }));
  const seen = { sum: 0, error: 0 };
  const callers = Array.from({ length: 64 }, (_, at) => spend(books[at % 2]!, ledgers[at % 2]!, limit, seen));
  await Promise.all(callers);
  expect(books.map(({ reserved }) => reserved)).toEqual([0, 0]);
  await Promise.all(books.map((book) => book.close()));
  await Promise.all(ledgers.map((ledger) => ledger.flush()));
  const { free, held, windows } = await ledgers[0].hold({ tenant: 'acme', amount: 0, limits: perMonth(limit) });
  expect({ held, spent: windows[0]!.spent }).toEqual({ held: 0, spent: seen.sum });
  // Neither router holds anything any more.
  expect(free).toBe(Math.max(0, limit - seen.sum));
  expect(seen.sum).toBeLessThanOrEqual(limit + Math.max(0, seen.error));
  expect(seen.sum).toBeGreaterThan(0.98 * limit);
  await Promise.all(ledgers.map((ledger) => ledger.close()));
}, 60_000);
