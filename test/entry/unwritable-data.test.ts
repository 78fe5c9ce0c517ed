// A data folder that cannot be written: who is served all the same, and who is not. For operators of read-only machines.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { NodeOptions } from '../../src/entry/node.ts';
import { createMemoryKeys } from '../../src/stores/memory/keys.ts';
import { createMemoryTenants } from '../../src/stores/memory/tenants.ts';
import { type FaultUpstream, startFaultUpstream } from '../fakes/fault-upstream.ts';
import { postBytes, rawRequest } from '../fakes/raw-client.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { policyFor, startTestRouter } from '../fakes/running-router.ts';

let folder: string;
let upstream: FaultUpstream;
/** Below a file nobody makes a folder, not even root. Keys and tenants are brought along: their stores want to be read. */
let more: Pick<NodeOptions, 'data' | 'keys' | 'tenants'>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-data-'));
  await writeFile(join(folder, 'file'), '');
  more = { data: join(folder, 'file', 'data'), keys: createMemoryKeys(), tenants: createMemoryTenants() };
  upstream = await startFaultUpstream();
});
afterEach(async () => {
  await upstream.close();
  await rm(folder, { recursive: true, force: true });
});

it('F095 without budgets calls are served, and the log and the status say that nothing is kept', async () => {
  const router = await startTestRouter({ policy: policyFor([upstream.url]), more });
  const body = { model: 'asked', messages: [{ role: 'user', content: 'Hello' }] };
  const reply = await rawRequest(router.port, postBytes('/v1/chat/completions', body, { connection: 'close' }));
  expect(reply.status).toBe(200);
  expect(router.log.of('ledger_not_kept')).toMatchObject([{ fields: { why: 'unavailable' } }]);
  expect(router.running.router.status().money?.ledger.ok).toBe(false);
  await router.close();
});

it('F095 with a budget in the policy the router does not start, and names the file', async () => {
  const policy = `${policyFor([upstream.url])}
prices: { models: { "pool-1/*": { input: 1, output: 1, asOf: 2026-11-01 }, "pool-vectors/*": { input: 1, output: 0, asOf: 2026-11-01 } } }
tenants: { "*": { usd: { perDay: 1 } } }
`;
  const starting = startTestRouter({ policy, log: recordingLog(), more });
  await expect(starting).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('ledger.db') });
});
