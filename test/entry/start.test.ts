// Decides that the parts of a start run beside each other, and that nothing is loaded for it that the first answer does not need.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startRouter } from '../../src/entry/node.ts';
import { createMemoryKeys } from '../../src/stores/memory/keys.ts';
import { createMemoryLedger } from '../../src/stores/memory/ledger.ts';
import { createMemoryTenants } from '../../src/stores/memory/tenants.ts';
import { openSqliteLedger } from '../../src/stores/sqlite/ledger.ts';
import { closedPort } from '../fakes/fault-ports.ts';
import { type FaultUpstream, startFaultUpstream } from '../fakes/fault-upstream.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { policyFor, startTestRouter } from '../fakes/running-router.ts';

let folder: string;
let upstream: FaultUpstream;
const events: string[] = [];
const sawThread = () => void events.push('thread');
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-start-'));
  upstream = await startFaultUpstream();
  events.length = 0;
  process.on('worker', sawThread);
});
afterEach(async () => {
  process.off('worker', sawThread);
  await upstream.close();
  await rm(folder, { recursive: true, force: true });
});

/** `log` is made with what the policy says of it. */
async function start(more: Partial<Parameters<typeof startRouter>[0]> = {}) {
  const policyPath = join(folder, 'policy.yaml');
  await writeFile(policyPath, policyFor([upstream.url]));
  const at = { host: '127.0.0.1', port: 0 };
  const launcher = { executable: process.execPath, args: [] };
  const log = () => {
    events.push('policy');
    return recordingLog();
  };
  return startRouter({
    policyPath,
    data: join(folder, 'data'),
    listen: at,
    admin: at,
    env: {},
    launcher,
    log,
    ...more,
  });
}

it('the thread of the ledger comes up while the policy is read', async () => {
  const router = await start();
  expect(events).toEqual(['thread', 'policy']);
  await router.close();
});

it('no thread is started for a ledger that is brought along', async () => {
  const router = await start({ ledger: createMemoryLedger({ wallMs: () => Date.now() }) });
  expect(events).toEqual(['policy']);
  await router.close();
});

it('a policy that is refused ends the thread, and no ledger is made', async () => {
  const ended = new Promise((resolve) => process.once('worker', (worker) => worker.once('exit', resolve)));
  const policyPath = join(folder, 'broken.yaml');
  await writeFile(policyPath, 'version: 2\n');
  await expect(start({ policyPath })).rejects.toMatchObject({ name: 'PolicyRefused' });
  await ended;
  expect(events).toEqual(['thread']);
  expect(existsSync(join(folder, 'data'))).toBe(false);
});

it('keys and tenants are read while the ledger opens, and nobody is answered before it is open', async () => {
  const data = join(folder, 'data');
  await (await openSqliteLedger({ folder: data, log: recordingLog(), nowMs: () => performance.now() })).close();
  const holder = new DatabaseSync(join(data, 'ledger.db'));
  holder.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  const memory = createMemoryTenants();
  const listen = { host: '127.0.0.1', port: await closedPort() };
  const log = recordingLog();
  let held = true;
  // Whoever waits for the ledger first never asks for tenants, and is refused the file in the end.
  const all = async () => {
    if (held) {
      events.push((await takesCallers(listen.port)) ? 'listening' : 'not listening');
      events.push(...log.of('keys_loaded').map(() => 'keys'));
      holder.close();
      held = false;
    }
    return memory.all();
  };
  const more = { data, keys: createMemoryKeys(), tenants: { ...memory, all }, listen };
  const router = await startTestRouter({ policy: policyFor([upstream.url]), log, more });
  expect(events.filter((event) => event !== 'thread')).toEqual(['not listening', 'keys']);
  expect(await takesCallers(router.port)).toBe(true);
  await router.close();
});

it('a first answer loads no HTTP client beside undici’s pool', async () => {
  const policyPath = join(folder, 'policy.yaml');
  await writeFile(policyPath, policyFor([upstream.url]));
  const script = fileURLToPath(new URL('./first-answer.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, policyPath, join(folder, 'data')]);
  const { status, modules } = JSON.parse(stdout) as { status: number; modules: string[] };
  expect(status).toBe(200);
  expect(modules).toContain('NativeModule http');
  // Node's own fetch, Response and WebSocket: one module, and as dear as half of Node's start.
  expect(modules.filter((name) => name.includes('deps/undici'))).toEqual([]);
});

function takesCallers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => socket.destroy());
    socket.on('error', () => resolve(false));
    socket.on('close', (failed) => resolve(!failed));
  });
}
