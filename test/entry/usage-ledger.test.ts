// `spillway usage` on a real ledger, beside a writer that is still open. For src/entry/cli/usage and ledger-access.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { CallRecord } from '../../src/core/ledger.ts';
import { ledgerAccess } from '../../src/entry/cli/ledger-access.ts';
import { usageCommandOn } from '../../src/entry/cli/usage.ts';
import { openSqliteLedger, type SqliteLedger } from '../../src/stores/sqlite/ledger.ts';
import { recordingLog } from '../fakes/recording-log.ts';

let folder: string;
let ledger: SqliteLedger | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-usage-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await ledger?.close();
  ledger = undefined;
  await rm(folder, { recursive: true, force: true });
});

const AT = Date.UTC(2026, 10, 5, 12);

function call(id: string, tenant: string, charge: number): CallRecord {
  const usage = { uncachedTokens: 100, cachedTokens: 40, outputTokens: 7, reasoningTokens: 2, cacheWriteTokens: 60 };
  const attempt = {
    target: 'api',
    kind: 'provider',
    worker: 'api/1',
    model: 'm',
    beganMs: 1,
    durationMs: 50,
    firstContentMs: 20,
    estimated: false,
    gpuMs: null,
    gpuSource: null,
  } as const;
  return {
    id,
    traceId: null,
    arrivedMs: AT,
    tenant,
    keyId: null,
    class: 'chat',
    dialect: 'openai-chat',
    stream: true,
    priority: 'interactive',
    step: 'turn',
    run: null,
    agent: null,
    runSource: null,
    prefix: 0,
    asked: 'm',
    served: 'api/m',
    rung: 1,
    degraded: null,
    how: 'complete',
    code: null,
    queueMs: 0,
    coldMs: 0,
    firstContentMs: 20,
    totalMs: 60,
    inputTokens: 150,
    usage,
    estimated: false,
    attempts: [
      { ...attempt, outcome: 'failed', code: 'upstream_error', usage: null, cost: 5 },
      { ...attempt, outcome: 'won', code: null, usage, cost: charge },
    ],
    cost: charge + 5,
    charge,
  };
}

async function usage(...args: string[]) {
  const said = { out: '', err: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said.out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said.err += String(text);
    return true;
  });
  try {
    return { code: await usageCommandOn(ledgerAccess).run([...args, '--data', folder]), ...said };
  } finally {
    vi.restoreAllMocks();
  }
}

it('adds up what a router has written, pools apart, and takes a tenant away', async () => {
  const SPAN = ['--from', '2026-11-05', '--to', '2026-11-06'];
  expect((await usage(...SPAN)).code).toBe(1);
  expect(await usage('erase', '--tenant', 'acme', '--yes')).toMatchObject({
    code: 0,
    err: 'Took away 0 records of "acme".\n',
  });
  ledger = await openSqliteLedger({ folder, log: recordingLog(), nowMs: () => performance.now() });
  for (let n = 0; n < 300; n++) ledger.add(call(`a${n}`, 'acme', 1_000_000_001));
  ledger.add(call('b', '=evil', 7));
  const time = { fromMs: AT, toMs: AT + 60_000, pool: 'own', worker: 'own/1', cost: 9 };
  ledger.addWorkerTime({ ...time, usefulMs: 20_000, failedMs: 5_000, idleMs: 30_000, coldMs: 5_000 });
  await ledger.flush();
  const { out } = await usage(...SPAN, '--json');
  expect(JSON.parse(out).rows).toMatchObject([
    {
      tenant: 'acme',
      calls: 300,
      attempts: 600,
      chargeNanoUsd: 300_000_000_300,
      failedCostNanoUsd: 1_500,
      cacheWriteTokens: 18_000,
    },
    { tenant: '=evil', calls: 1 },
  ]);
  const csv = (await usage(...SPAN, '--csv')).out;
  expect(csv).toContain(
    '\r\nacme,300,300,0,600,30000,12000,18000,2100,600,0.000,300.000001800,0.000001500,300.000000300\r\n',
  );
  expect(csv).toContain("\r\n'=evil,1,");
  expect((await usage(...SPAN, '--pools', '--csv')).out).toContain(
    'own,60.000,20.000,5.000,30.000,5.000,0.333333,0.000000009',
  );
  expect((await usage('erase', '--tenant', 'acme', '--yes')).err).toBe('Took away 300 records of "acme".\n');
  expect(JSON.parse((await usage(...SPAN, '--json')).out).rows).toMatchObject([{ tenant: '=evil' }]);
});
