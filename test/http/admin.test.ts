// Decides who may look at the admin listener: anybody on this machine before there are keys, then whoever has the secret. For
// operators.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createMemoryKeys } from '../../src/stores/memory/keys.ts';
import { eventually } from '../fakes/eventually.ts';
import { getBytes, rawRequest } from '../fakes/raw-client.ts';
import { policyFor, startTestRouter, type TestRouter } from '../fakes/running-router.ts';
import { issued } from '../tenants/sample-keys.ts';
import { bearer } from './keys-stage.ts';

let router: TestRouter | undefined;
afterEach(() => router?.close());

const SECRET = 'admin-secret-0123456789';
const POLICY = policyFor(['http://127.0.0.1:1']);

async function started(env: Record<string, string>, { keys = true, policy = POLICY } = {}) {
  const made = await issued();
  const store = createMemoryKeys(keys ? [made.record] : []);
  router = await startTestRouter({ policy, more: { keys: store, env } });
  const { adminPort } = router;
  const ask = async (path = '/status', headers: Record<string, string> = {}, method = 'GET') =>
    rawRequest(adminPort, getBytes(path, headers).toString().replace('GET', method));
  return { router, store, key: made.key, record: made.record, ask };
}

describe('in development mode', () => {
  it('the listener is open to this machine, until the first key is made', async () => {
    const { ask, store, record } = await started({}, { keys: false });
    expect((await ask()).status).toBe(200);
    await store.add(record);
    await eventually(async () => (await ask()).status === 401);
    const { body, headers } = await ask();
    expect(body.toString()).toContain('set SPILLWAY_ADMIN_SECRET, SPILLWAY_ADMIN_SECRET_FILE or server.adminSecret');
    expect(headers['www-authenticate']).toBe('Bearer');
  });

  it('a secret that is set is asked for all the same', async () => {
    const { ask } = await started({ SPILLWAY_ADMIN_SECRET: SECRET }, { keys: false });
    expect((await ask()).status).toBe(401);
    expect((await ask('/status', bearer(SECRET))).status).toBe(200);
  });
});

describe('once keys exist', () => {
  it('nothing but health answers without the secret, whatever the route and method', async () => {
    const { ask } = await started({ SPILLWAY_ADMIN_SECRET: SECRET });
    for (const method of ['GET', 'HEAD']) {
      for (const path of ['/healthz', '/readyz']) expect((await ask(path, {}, method)).status).toBe(200);
    }
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      for (const path of ['/status', '/status/', '/', '/nope', '/v1/models', '/metrics', '/healthz/x']) {
        const { status, headers, body } = await ask(path, {}, method);
        expect([status, headers['www-authenticate']], `${method} ${path}`).toEqual([401, 'Bearer']);
        if (method !== 'HEAD')
          expect(JSON.parse(body.toString())).toMatchObject({ error: { code: 'invalid_api_key' } });
      }
    }
  });

  it('the secret opens it in both positions; a caller’s key, a near miss and a query do not', async () => {
    const { ask, key } = await started({ SPILLWAY_ADMIN_SECRET: SECRET });
    for (const headers of [bearer(SECRET), { 'x-api-key': SECRET }]) {
      const { status, body } = await ask('/status', headers);
      expect(status).toBe(200);
      expect(body.toString()).not.toContain(SECRET);
    }
    const wrong = [key, SECRET.slice(1), SECRET.slice(0, -1), `${SECRET}x`, SECRET.toUpperCase(), '', 'null'];
    for (const secret of wrong) expect((await ask('/status', bearer(secret))).status, secret).toBe(401);
    expect((await ask(`/status?secret=${SECRET}`)).status).toBe(401);
    expect((await ask('/status', { authorization: `Basic ${btoa(`admin:${SECRET}`)}` })).status).toBe(401);
    expect((await ask('/status', { ...bearer(SECRET), 'x-api-key': 'other' })).status).toBe(400);
  });

  it('the secret is no key of a caller', async () => {
    const { router: running } = await started({ SPILLWAY_ADMIN_SECRET: SECRET });
    expect((await rawRequest(running.port, getBytes('/v1/models', bearer(SECRET)))).status).toBe(401);
  });

  it('without a secret that is set, not even an empty one opens it', async () => {
    const { ask, key } = await started({ SPILLWAY_ADMIN_SECRET: '' });
    for (const headers of [{}, bearer(''), bearer('null'), bearer(key), { 'x-api-key': '' }])
      expect((await ask('/status', headers)).status).toBe(401);
  });
});

describe('where the secret is set', () => {
  const withSecret = `${POLICY}server: { adminSecret: $FROM_POLICY }\n`;

  it('by policy; the environment goes before it', async () => {
    const { ask } = await started({ FROM_POLICY: 'of-the-policy' }, { policy: withSecret });
    expect((await ask('/status', bearer('of-the-policy'))).status).toBe(200);
    await router!.close();
    const both = await started({ FROM_POLICY: 'of-the-policy', SPILLWAY_ADMIN_SECRET: SECRET }, { policy: withSecret });
    expect((await both.ask('/status', bearer('of-the-policy'))).status).toBe(401);
    expect((await both.ask('/status', bearer(SECRET))).status).toBe(200);
  });

  it('by file, which a reload reads again; one that holds none any more changes nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'spillway-secret-'));
    const file = join(folder, 'secret');
    await writeFile(file, 'first-secret\n');
    const { ask, router: running } = await started({ SPILLWAY_ADMIN_SECRET_FILE: file });
    expect((await ask('/status', bearer('first-secret'))).status).toBe(200);
    await writeFile(file, 'second-secret\n');
    expect(await running.running.reload()).toBe(true);
    expect((await ask('/status', bearer('first-secret'))).status).toBe(401);
    expect((await ask('/status', bearer('second-secret'))).status).toBe(200);
    await writeFile(file, '\n');
    await running.running.reload();
    expect((await ask('/status', bearer('second-secret'))).status).toBe(200);
    expect((await ask('/status', bearer(''))).status).toBe(401);
    expect(running.log.of('admin_secret_refused')).toHaveLength(1);
    await rm(folder, { recursive: true });
  });

  it('a policy that drops it closes the listener instead of opening it', async () => {
    const { ask, router: running } = await started({ FROM_POLICY: SECRET }, { policy: withSecret });
    await writeFile(running.policyPath, POLICY);
    expect(await running.running.reload()).toBe(true);
    for (const headers of [{}, bearer(SECRET), bearer('')]) expect((await ask('/status', headers)).status).toBe(401);
  });
});
