// Who comes in where the routes stand in someone's app, and what is said when its policy is bad. For src/spillway.

import { randomBytes } from 'node:crypto';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CallFacts, NO_METRICS } from '../src/core/metrics.ts';
import { nodeDigest } from '../src/runtime/node/machine.ts';
import { PolicyError, type Spillway, type SpillwayOptions, spillway } from '../src/spillway.ts';
import { createMemoryKeys } from '../src/stores/memory/keys.ts';
import { createMemoryTenants } from '../src/stores/memory/tenants.ts';
import { issueKey } from '../src/tenants/key-issue.ts';

const POLICY = `
version: 1
pools: { own: { workers: [ { url: "http://127.0.0.1:1" } ] } }
providers: { api: { kind: openai-compatible, baseUrl: "http://127.0.0.1:1/v1", apiKey: $KEY } }
models:
  own-model: { ladder: [ { pool: own } ] }
  "gpt-*": { aliases: [managed], ladder: [ { provider: api } ] }
`;
const open: Spillway[] = [];
let outer: Hono;

function mount(options: Partial<SpillwayOptions> = {}): Spillway {
  const inner = spillway({ policy: { text: POLICY }, env: { KEY: 'sk-provider' }, ...options });
  open.push(inner);
  outer.route('/ai', inner);
  return inner;
}
beforeEach(() => {
  outer = new Hono();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const models = async (headers: Record<string, string> = {}) => {
  const reply = await outer.request('/ai/v1/models', { headers });
  const body = (await reply.json()) as { data?: { id: string }[] };
  return [reply.status, body.data?.map(({ id }) => id) ?? null];
};

describe('without a word on who may come in', () => {
  it('the app around decides, and nobody reaches managed APIs, whatever key they send', async () => {
    mount();
    expect(await models()).toEqual([200, ['own-model']]);
    expect(await models({ authorization: 'Bearer anything' })).toEqual([200, ['own-model']]);
    const reply = await outer.request('/ai/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer anything' },
      body: '{"model":"gpt-5","messages":[]}',
    });
    expect(reply.status).toBe(404);
    expect(await reply.text()).toContain('not available to this key. Available: own-model.');
  });
});

describe('where the app says who is behind a request', () => {
  it('its word holds for models and routes', async () => {
    mount({
      admit: (context) => {
        const name = context.req.header('x-user');
        if (name === undefined) return null;
        return name === 'guest'
          ? { tenant: name, managed: false }
          : { tenant: name, models: ['man*'], routes: ['/v1/models'] };
      },
    });
    expect(await models()).toEqual([401, null]);
    expect(await models({ 'x-user': 'guest' })).toEqual([200, ['own-model']]);
    expect(await models({ 'x-user': 'acme' })).toEqual([200, ['managed']]);
    const post = { method: 'POST', headers: { 'x-user': 'acme', 'content-type': 'application/json' }, body: '{}' };
    expect((await outer.request('/ai/v1/embeddings', post)).status).toBe(403);
  });
});

describe('with keys', () => {
  it('only they open the door', async () => {
    const terms = { tenant: 'acme', name: '', expiresMs: null, models: null, routes: null };
    const { key, record } = await issueKey(terms, {
      randomBytes: (size) => randomBytes(size),
      digest: nodeDigest,
      wallMs: Date.now(),
    });
    mount({ keys: createMemoryKeys([record]) });
    expect(await models()).toEqual([401, null]);
    expect(await models({ 'x-api-key': key })).toEqual([200, ['own-model', 'managed']]);
    expect(await models({ authorization: `Bearer ${key}` })).toEqual([200, ['own-model', 'managed']]);
  });
});

describe('with tenants of the app', () => {
  it('a store says what holds for a tenant, the policy before it', async () => {
    const entry = { zones: ['mars'] };
    const tenants = createMemoryTenants([
      { name: 'ann', entry, changedMs: 0 },
      { name: 'bob', entry, changedMs: 0 },
    ]);
    const text = `${POLICY}tenants: { bob: {} }\n`;
    mount({ policy: { text }, admit: (context) => ({ tenant: context.req.header('x-user') ?? '' }), tenants });
    const statusFor = async (user: string) => {
      const headers = { 'content-type': 'application/json', 'x-user': user };
      const body = '{"model":"own-model","messages":[]}';
      return (await outer.request('/ai/v1/chat/completions', { method: 'POST', headers, body })).status;
    };
    // Nothing listens where the worker should be; who may not go there does not come so far.
    expect([await statusFor('ann'), await statusFor('bob'), await statusFor('eve')]).toEqual([403, 502, 502]);
  });
});

describe('with metrics and pressure of the app', () => {
  it('each call is counted under its tenant, and what the process sheds is refused', async () => {
    const facts: CallFacts[] = [];
    let sheds = false;
    mount({
      admit: () => ({ tenant: 'ann' }),
      metrics: { ...NO_METRICS, call: (fact) => void facts.push(fact) },
      pressure: { step: 4, closesConnections: false, sheds: () => sheds },
    });
    const ask = () =>
      outer.request('/ai/v1/chat/completions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"model":"own-model","messages":[]}',
      });
    // Nothing listens where the worker should be.
    expect((await ask()).status).toBe(502);
    sheds = true;
    expect((await ask()).status).toBe(503);
    expect(facts.map(({ tenant, code, attempts }) => [tenant, code, attempts > 0])).toEqual([
      ['ann', 'upstream_error', true],
      ['ann', 'server_is_overloaded', false],
    ]);
  });
});

describe('the routes', () => {
  it('answer for what is not there in their own form, and leave the rest of the app alone', async () => {
    mount();
    outer.get('/else', (context) => context.text('else'));
    outer.notFound((context) => context.text('outer', 404));
    const wrong = await outer.request('/ai/v1/messages');
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
    const nowhere = await outer.request('/ai/v1/nothing');
    expect(await nowhere.json()).toMatchObject({ error: { code: 'not_found' } });
    expect(await (await outer.request('/else')).text()).toBe('else');
    expect(await (await outer.request('/nothing')).text()).toBe('outer');
  });

  it('a policy that is refused says why to whoever waits for it, and every call is a 500 without its text', async () => {
    const inner = mount({ policy: { text: 'version: 1\nmodels: { m: { ladder: [ { pool: none } ] } }' } });
    await expect(inner.ready).rejects.toBeInstanceOf(PolicyError);
    await expect(inner.ready).rejects.toThrow('unknown pool "none"');
    const reply = await outer.request('/ai/v1/models');
    expect(reply.status).toBe(500);
    expect(await reply.text()).not.toContain('none');
  });
});
