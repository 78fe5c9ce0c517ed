// A router that serves while keys are made, replaced and taken back by other processes: the first one ends development mode, a
// revoked one is refused on connections that are open. For operators, over real processes and one clock.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeDigest } from '../../src/runtime/node/machine.ts';
import { SqliteKeys } from '../../src/stores/sqlite/keys.ts';
import { issueKey } from '../../src/tenants/key-issue.ts';
import { chatStream } from '../fakes/chat-fixtures.ts';
import { eventually } from '../fakes/eventually.ts';
import { type FaultUpstream, pauseUntil, startFaultUpstream, streamHead, writeAll } from '../fakes/fault-upstream.ts';
import { getBytes, postBytes, RawConnection, rawRequest } from '../fakes/raw-client.ts';
import { policyFor } from '../fakes/running-router.ts';
import { newFolder, type Serving, serve, spillway } from './spillway-process.ts';

const FIVE_SECONDS = { deadlineMs: 5_000 };
const folder = newFolder();
const data = join(folder, 'data');
let upstream: FaultUpstream;
let router: Serving;
let port: number;

beforeAll(async () => {
  upstream = await startFaultUpstream();
  const policy = join(folder, 'policy.yaml');
  writeFileSync(policy, policyFor([upstream.url]));
  router = await serve(['--policy', policy, '--data', data], { folder });
  port = Number(new URL(router.url).port);
});
afterAll(async () => {
  await router.dispose();
  await upstream.close();
});

async function keys(...args: string[]) {
  const run = spillway(['keys', ...args, '--json', '--data', data], {}, folder);
  expect(await run.ended, run.stderr).toBe(0);
  return JSON.parse(run.stdout) as { id: string; key: string };
}
const chat = { model: 'asked', messages: [{ role: 'user', content: 'Hi' }] };
const call = (key: string | null, more: object = {}) =>
  postBytes('/v1/chat/completions', { ...chat, ...more }, key === null ? {} : { 'x-api-key': key });
const statusOf = async (key: string | null) => (await rawRequest(port, call(key))).status;
const inForce = (key: string) => eventually(async () => (await statusOf(key)) === 200, FIVE_SECONDS);

/** Asks on one connection again and again until it is refused; how long that took, ms. */
async function untilRefused(connection: RawConnection, bytes: Uint8Array, sinceMs: number): Promise<number> {
  await eventually(async () => {
    connection.write(bytes);
    return (await connection.readResponse()).status === 401;
  }, FIVE_SECONDS);
  return Math.round(performance.now() - sinceMs);
}

describe('keys of another process', () => {
  it('the first one ends development mode within five seconds, on open connections and for good', async () => {
    expect(router.stdout).toContain('none yet: whoever is on this machine may call');
    const connection = await RawConnection.connect(port);
    for (const key of [null, 'local']) {
      connection.write(call(key));
      expect((await connection.readResponse()).status).toBe(200);
    }
    const { id, key } = await keys('create', '--tenant', 'acme');
    const tookMs = await untilRefused(connection, getBytes('/v1/models'), performance.now());
    process.stdout.write(`the first key ended development mode after ${tookMs} ms\n`);
    expect(await statusOf('local')).toBe(401);
    expect(await statusOf(key)).toBe(200);
    await keys('revoke', id);
    await eventually(async () => (await statusOf(key)) === 401, FIVE_SECONDS);
    for (const none of [null, 'local']) expect(await statusOf(none)).toBe(401);
    connection.destroy();
  });

  it('F040 one that is revoked is refused within five seconds on a connection that stays open; others are not', async () => {
    const [leaked, kept] = [await keys('create'), await keys('create')];
    await Promise.all([inForce(leaked.key), inForce(kept.key)]);
    const connection = await RawConnection.connect(port);
    connection.write(call(leaked.key));
    expect((await connection.readResponse()).status).toBe(200);
    await keys('revoke', leaked.id);
    const tookMs = await untilRefused(
      connection,
      getBytes('/v1/models', { 'x-api-key': leaked.key }),
      performance.now(),
    );
    process.stdout.write(`a revocation was in force after ${tookMs} ms\n`);
    connection.write(call(leaked.key));
    expect((await connection.readResponse()).status).toBe(401);
    expect(await statusOf(kept.key)).toBe(200);
    connection.destroy();
  });

  it('a call that was let in goes on to its end when its key is revoked', async () => {
    const { id, key } = await keys('create');
    await inForce(key);
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const events = chatStream();
    upstream.next(streamHead(), writeAll(events.slice(0, 2)), pauseUntil(released), writeAll(events.slice(2)));
    const connection = await RawConnection.connect(port);
    connection.write(call(key, { stream: true }));
    await connection.until(({ body }) => body.length > 0);
    await keys('revoke', id);
    await eventually(async () => (await statusOf(key)) === 401, FIVE_SECONDS);
    release();
    const response = await connection.readResponse();
    expect([response.status, response.complete]).toEqual([200, true]);
    expect(response.body.toString()).toContain('[DONE]');
    connection.destroy();
  });

  it('one that is over by the clock is refused then, without a look at the store', async () => {
    const store = new SqliteKeys({ folder: data, busyMs: 1_000 });
    const endMs = Date.now() + 2_500;
    const terms = { tenant: 'acme', name: '', expiresMs: endMs, models: null, routes: null };
    const randomBytes = (count: number) => crypto.getRandomValues(new Uint8Array(count));
    const { key, record } = await issueKey(terms, { randomBytes, digest: nodeDigest, wallMs: Date.now() });
    store.add(record);
    store.close();
    await inForce(key);
    const connection = await RawConnection.connect(port);
    await untilRefused(connection, getBytes('/v1/models', { 'x-api-key': key }), performance.now());
    const lateMs = Date.now() - endMs;
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThan(1_000);
    connection.destroy();
  });

  it('one that is replaced works on for its grace, and is refused within five seconds without', async () => {
    const old = await keys('create');
    await inForce(old.key);
    const next = await keys('rotate', old.id, '--grace', '1h');
    await inForce(next.key);
    expect(await statusOf(old.key)).toBe(200);
    const last = await keys('rotate', next.id);
    await inForce(last.key);
    await eventually(async () => (await statusOf(next.key)) === 401, FIVE_SECONDS);
    expect(await statusOf(old.key)).toBe(200);
  });

  it('the log names keys by their ids alone', () => {
    expect(router.logged('call').some(({ key }) => typeof key === 'string' && /^key_/.test(key))).toBe(true);
    expect(router.stderr + router.stdout).not.toMatch(/sk-spw-[A-Za-z0-9_-]{20}/);
  });
});

it('with --require-keys, by flag or variable, nobody is let in before the first key', async () => {
  for (const [args, env] of [
    [['--require-keys'], {}],
    [[], { SPILLWAY_REQUIRE_KEYS: '1' }],
  ] as [string[], Record<string, string>][]) {
    const closed = await serve(['--policy', join(folder, 'policy.yaml'), ...args], { env });
    expect(closed.stdout).toContain('every call needs one');
    const lines = closed.stdout.split('\n').filter((line) => line.startsWith('  curl '));
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toContain('-H "authorization: Bearer $SPILLWAY_KEY"');
    for (const headers of [{}, { authorization: 'Bearer local' }] as Record<string, string>[])
      expect((await rawRequest(Number(new URL(closed.url).port), getBytes('/v1/models', headers))).status).toBe(401);
    await closed.dispose();
  }
});
