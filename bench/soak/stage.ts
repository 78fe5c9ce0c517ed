// A router process with keys of eight tenants, and demo workers behind it. For the soak.
import { type ChildProcess, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import type { RouterStatus } from '../../src/router/status.ts';
import { ask, end, freePort, startNode } from '../children.ts';
import type { Holding } from './reporter.ts';

const BIN = fileURLToPath(new URL('../../bin/spillway.mjs', import.meta.url));
const REPORTER = fileURLToPath(new URL('reporter.ts', import.meta.url));
const ROUTER_CORE = 0;
const WORKER_CORE = 1;
const START_MS = 20_000;
const SECRET = 'soak-admin-secret';

export const TENANTS = 8;
const CHAT_WORKERS = 2;
export const SLOTS = CHAT_WORKERS * 8;
/** A call of 24 tokens takes a quarter of a second. */
const WORKER_FLAGS = [
  '--max-num-seqs',
  '8',
  '--decode-tokens-per-second',
  '100',
  '--prefill-tokens-per-second',
  '50000',
];

export interface Stage {
  readonly origin: string;
  /** By tenant. */
  readonly keys: readonly string[];
  status(): Promise<RouterStatus>;
  holding(): Promise<Holding>;
  end(): Promise<void>;
}

function policy(port: number, chat: readonly number[], embed: number): string {
  const workers = chat.map((at) => `{ url: "http://127.0.0.1:${at}" }`).join(', ');
  const tenants = Array.from({ length: TENANTS }, (_, at) => `  tenant-${at}: { weight: ${1 + (at % 4)} }`);
  return `version: 1
server: { listen: "127.0.0.1:${port}" }
pools:
  demo-large: { engine: vllm, concurrencyPerWorker: 8, workers: [ ${workers} ] }
  demo-embed: { engine: vllm, concurrencyPerWorker: 4, workers: [ { url: "http://127.0.0.1:${embed}" } ] }
classes:
  chat: { queue: { max: 48, wait: 1500ms } }
  embed: { queue: { max: 32, wait: 500ms } }
models:
  chat: { ladder: [ { pool: demo-large } ] }
  embed: { class: embed, ladder: [ { pool: demo-embed } ] }
tenants:
${tenants.join('\n')}
`;
}

export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-soak-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const data = join(folder, 'data');
  const [port, admin, embed, ...chat] = await Promise.all(Array.from({ length: 3 + CHAT_WORKERS }, freePort));
  const demo = (flags: readonly string[], at: number) =>
    startNode([BIN, 'demo-worker', '--port', String(at), ...flags], { core: WORKER_CORE, ipc: false, loud: true });
  const workers = [
    ...chat.map((at) => demo(WORKER_FLAGS, at)),
    demo(['--kind', 'embed', '--max-num-seqs', '4'], embed!),
  ];
  const keys = Array.from({ length: TENANTS }, (_, at) => newKey(data, `tenant-${at}`));
  const file = join(folder, 'policy.yaml');
  writeFileSync(file, policy(port!, chat, embed!));
  const serve = ['serve', '--policy', file, '--admin', `127.0.0.1:${admin}`, '--data', data];
  const router = startNode(['--expose-gc', '--import', REPORTER, BIN, ...serve], {
    core: ROUTER_CORE,
    ipc: true,
    loud: false,
    env: { SPILLWAY_ADMIN_SECRET: SECRET },
  });
  const status = () => statusAt(`http://127.0.0.1:${admin}/status`);
  await ready(router, status);
  return {
    origin: `http://127.0.0.1:${port}`,
    keys,
    status,
    holding: () => ask<Holding>(router, {}),
    async end() {
      await end(router);
      await Promise.all(workers.map(end));
    },
  };
}

function newKey(data: string, tenant: string): string {
  const args = [BIN, 'keys', 'create', '--tenant', tenant, '--data', data, '--json'];
  const { key } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as { key: string };
  return key;
}

async function statusAt(url: string): Promise<RouterStatus> {
  const { statusCode, body } = await request(url, { headers: { authorization: `Bearer ${SECRET}` }, reset: true });
  if (statusCode !== 200) throw new Error(`the status page answers ${statusCode}: ${await body.text()}`);
  return (await body.json()) as RouterStatus;
}

async function ready(router: ChildProcess, status: () => Promise<RouterStatus>): Promise<void> {
  const untilMs = performance.now() + START_MS;
  for (;;) {
    const pools = await status().then(
      (all) => all.pools,
      () => [],
    );
    if (pools.length > 0 && pools.every(({ workers }) => workers.every(({ state }) => state === 'warm'))) return;
    if (router.exitCode !== null) throw new Error(`the router ended early (${router.exitCode})`);
    if (performance.now() > untilMs) throw new Error('the pools were not ready in time');
    await setTimeout(100);
  }
}
