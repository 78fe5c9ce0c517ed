// Decides who may read and write tenants over the admin listener, what a write must look like, and what the log says of it.
// For operators.
import { afterEach, describe, expect, it } from 'vitest';
import type { TenantStore } from '../../src/core/tenants.ts';
import { createMemoryKeys } from '../../src/stores/memory/keys.ts';
import { createMemoryTenants } from '../../src/stores/memory/tenants.ts';
import { rawRequest } from '../fakes/raw-client.ts';
import { policyFor, startTestRouter, type TestRouter } from '../fakes/running-router.ts';
import { issued } from '../tenants/sample-keys.ts';
import { bearer } from './keys-stage.ts';

let router: TestRouter | undefined;
afterEach(() => router?.close());

const SECRET = 'admin-secret-0123456789';
const POLICY = `${policyFor(['http://127.0.0.1:1'])}plans: { standard: { requestsPerMinute: 600, weight: 2 } }
tenants: { "*": { weight: 0.5 }, fixed: { plan: standard } }
`;
const JSON_TYPE = { 'content-type': 'application/json' };
type Body = Record<string, unknown> & {
  error?: { code: string; message: string };
  tenants?: Record<string, unknown>[];
};

async function started({
  env = { SPILLWAY_ADMIN_SECRET: SECRET } as Record<string, string>,
  keys = true,
  tenants = createMemoryTenants() as TenantStore,
} = {}) {
  const made = await issued();
  const store = createMemoryKeys(keys ? [made.record] : []);
  router = await startTestRouter({ policy: POLICY, more: { keys: store, tenants, env } });
  const { adminPort, log } = router;
  async function ask(method: string, path: string, body: string | null = null, headers: Record<string, string> = {}) {
    const all = {
      host: '127.0.0.1',
      ...bearer(SECRET),
      ...(body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      ...headers,
    };
    const head = [`${method} ${path} HTTP/1.1`, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`)];
    const response = await rawRequest(adminPort, Buffer.from(`${head.join('\r\n')}\r\n\r\n${body ?? ''}`));
    return {
      status: response.status,
      headers: response.headers,
      body: JSON.parse(response.body.toString() || 'null') as Body,
    };
  }
  const put = (name: string, entry: unknown, headers: Record<string, string> = JSON_TYPE) =>
    ask('PUT', `/tenants/${name}`, typeof entry === 'string' ? entry : JSON.stringify(entry), headers);
  return {
    ask,
    put,
    tenants,
    log,
    key: made.key,
    audit: () => log.of('audit').map(({ level, fields }): Record<string, unknown> => ({ level, ...fields })),
  };
}

describe('tenants over the admin listener', () => {
  it('are set, shown, listed beside those of the policy, and removed', async () => {
    const { ask, put, tenants } = await started();
    const set = await put('acme', { plan: 'standard', inFlight: 4, usd: undefined, zones: ['mars'] });
    expect(set.status).toBe(200);
    expect(set.body).toMatchObject({
      name: 'acme',
      source: 'store',
      entry: { plan: 'standard', inFlight: 4, zones: ['mars'] },
      broken: false,
      rules: { plan: 'standard', weight: 2, limits: { inFlight: { limit: 4 }, requestsPerMinute: { limit: 600 } } },
      warnings: [expect.stringContaining('no target is in zone "mars"')],
    });
    expect((await ask('GET', '/tenants/acme')).body).toMatchObject({ name: 'acme', rules: { weight: 2 } });
    const { body } = await ask('GET', '/tenants');
    expect(body.tenants!.map(({ name, source }) => [name, source])).toEqual([
      ['*', 'policy'],
      ['acme', 'store'],
      ['fixed', 'policy'],
    ]);
    expect((await put('acme', { weight: 3 })).body).toMatchObject({
      entry: { weight: 3 },
      rules: { plan: null, weight: 3 },
    });
    expect(await tenants.all()).toMatchObject([{ name: 'acme', entry: { weight: 3 } }]);
    expect((await ask('DELETE', '/tenants/acme')).body).toEqual({ removed: 'acme' });
    expect((await ask('DELETE', '/tenants/acme')).status).toBe(404);
    expect((await ask('GET', '/tenants/acme')).status).toBe(404);
    expect(await tenants.all()).toEqual([]);
  });

  it('of the policy win: none of their names can be set or removed', async () => {
    const { ask, put, audit } = await started();
    for (const answer of [await put('fixed', { weight: 9 }), await ask('DELETE', '/tenants/fixed')])
      expect(answer).toMatchObject({
        status: 403,
        body: { error: { code: 'not_allowed', message: expect.stringContaining('set by the policy') } },
      });
    for (const name of ['*', 'Acme', 'development', 'a.b', 'x'.repeat(64)])
      expect((await put(name, {})).status, name).toBe(400);
    expect(audit()).toEqual([]);
  });

  it('are in force at once for the router that was asked', async () => {
    const { ask, put, key } = await started();
    const call = async () => {
      const body = JSON.stringify({ model: 'asked', messages: [{ role: 'user', content: 'Hi' }] });
      const { status } = await fetch(`${router!.baseURL}/chat/completions`, {
        method: 'POST',
        headers: { ...JSON_TYPE, ...bearer(key) },
        body,
      });
      return status;
    };
    // Its one worker is not there; a tenant of another zone does not come so far.
    expect([502, 503]).toContain(await call());
    await put('acme', { zones: ['mars'] });
    expect(await call()).toBe(403);
    await ask('DELETE', '/tenants/acme');
    expect([502, 503]).toContain(await call());
  });
});

describe('F036 a write says no more than an entry may hold', () => {
  it.each<[string, unknown, string]>([
    ['an unknown field', { weight: 2, admin: true }, 'invalid_value'],
    ['the name of another', { name: 'beta' }, 'invalid_value'],
    ['fields of the record', { changedMs: 1 }, 'invalid_value'],
    ['an unknown field within', { usd: { perDay: 5, unlimited: true } }, 'invalid_value'],
    ['a prototype', '{"__proto__":{"weight":9}}', 'forbidden_key'],
    ['a prototype within', '{"usd":{"constructor":{"perDay":9}}}', 'forbidden_key'],
    ['a key twice', '{"weight":1,"weight":1000}', 'duplicate_key'],
    ['an unknown plan', { plan: 'gold' }, 'invalid_value'],
    ['money over what has no price', { usd: { perDay: 5 } }, 'invalid_value'],
    ['a list', '[]', 'invalid_json'],
    ['text', '"x"', 'invalid_json'],
    ['nothing', '', 'invalid_json'],
    ['half an object', '{"weight":', 'invalid_json'],
  ])('%s is refused, and nothing is written or audited', async (_what, entry, code) => {
    const { put, tenants, audit } = await started();
    const { status, body } = await put('acme', entry);
    expect([status, body.error?.code]).toEqual([400, code]);
    expect(await tenants.all()).toEqual([]);
    expect(audit()).toEqual([]);
  });

  it('and says what is wrong and what would be right', async () => {
    const { put } = await started();
    const { body } = await put('acme', { wieght: 2 });
    expect(body.error!.message).toMatch(/^wieght: unknown key\. Valid: plan, expires, .* Did you mean weight\?/);
  });

  it('a body beyond 64 KiB is refused', async () => {
    const { put } = await started();
    expect((await put('acme', { models: ['x'.repeat(70_000)] })).status).toBe(413);
  });
});

describe('who may write', () => {
  it('whoever shows the secret, and nobody else', async () => {
    const { ask, put } = await started();
    for (const headers of [{ authorization: 'Bearer nope' }, { authorization: '' }]) {
      for (const [method, path] of [
        ['GET', '/tenants'],
        ['GET', '/tenants/acme'],
        ['PUT', '/tenants/acme'],
        ['DELETE', '/tenants/acme'],
      ] as const)
        expect((await ask(method, path, method === 'PUT' ? '{}' : null, { ...JSON_TYPE, ...headers })).status).toBe(
          401,
        );
    }
    expect((await put('acme', {})).status).toBe(200);
  });

  it('nobody where no secret is set, though this machine may look', async () => {
    const { ask, put, tenants } = await started({ env: {}, keys: false });
    expect((await ask('GET', '/tenants')).status).toBe(200);
    const answers = [await put('acme', {}), await ask('DELETE', '/tenants/acme')];
    for (const { status, body } of answers) {
      expect(status).toBe(401);
      expect(body.error!.message).toContain('set SPILLWAY_ADMIN_SECRET');
    }
    expect(await tenants.all()).toEqual([]);
  });

  it('no page in a browser: another origin, another site, or a form', async () => {
    const { put, tenants } = await started();
    const from = (headers: Record<string, string>) => put('acme', {}, { ...JSON_TYPE, ...headers });
    expect((await from({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await from({ origin: 'null' })).status).toBe(403);
    expect((await from({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', ''])
      expect((await put('acme', '{}', { 'content-type': type })).status).toBe(415);
    expect((await put('acme', '{}', { ...JSON_TYPE, 'content-encoding': 'gzip' })).status).toBe(415);
    expect(await tenants.all()).toEqual([]);
  });

  it('other methods are told which ones there are', async () => {
    const { ask } = await started();
    expect(await ask('POST', '/tenants', '{}', JSON_TYPE)).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
    });
    expect(await ask('PATCH', '/tenants/acme', '{}', JSON_TYPE)).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD, PUT, DELETE' },
    });
  });
});

describe('the log', () => {
  it('has a line of every write: who, what, prints before and after, and the request', async () => {
    const { ask, put, audit } = await started();
    const first = await put('acme', { weight: 2, models: ['served-1'] });
    await put('acme', '{ "models": ["served-1"], "weight": 2 }');
    const last = await ask('DELETE', '/tenants/acme');
    const lines = audit();
    expect(lines).toEqual([
      {
        level: 'warn',
        who: 'operator',
        what: 'tenant.set',
        tenant: 'acme',
        before: null,
        after: expect.stringMatching(/^[0-9a-f]{16}$/),
        request: first.headers['x-request-id'],
      },
      {
        level: 'warn',
        who: 'operator',
        what: 'tenant.set',
        tenant: 'acme',
        before: lines[0]!['after'],
        after: lines[0]!['after'],
        request: expect.any(String),
      },
      {
        level: 'warn',
        who: 'operator',
        what: 'tenant.remove',
        tenant: 'acme',
        before: lines[0]!['after'],
        after: null,
        request: last.headers['x-request-id'],
      },
    ] as unknown[]);
  });

  it('has none of a write that the store refused', async () => {
    const inner = createMemoryTenants();
    const tenants: TenantStore = { ...inner, set: () => Promise.reject(new Error('canary')) };
    const { put, audit } = await started({ tenants });
    const { status, body } = await put('acme', {});
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain('canary');
    expect(audit()).toEqual([]);
  });
});

it('a reload that names a tenant of the store wins from then on, and one that drops its plan leaves it as it was', async () => {
  const { ask, put } = await started();
  await put('acme', { plan: 'standard' });
  await put('beta', { plan: 'standard' });
  const { writeFile } = await import('node:fs/promises');
  await writeFile(router!.policyPath, `${policyFor(['http://127.0.0.1:1'])}tenants: { acme: { weight: 9 } }\n`);
  expect(await router!.running.reload()).toBe(true);
  expect((await ask('GET', '/tenants/acme')).body).toMatchObject({ source: 'policy', rules: { weight: 9 } });
  expect((await ask('GET', '/tenants/beta')).body).toMatchObject({
    source: 'store',
    broken: true,
    rules: { plan: 'standard', weight: 2 },
  });
  expect(router!.log.of('tenant_refused').map(({ fields }) => fields!['tenant'])).toContain('beta');
});
