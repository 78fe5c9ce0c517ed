// Decides that text which is code elsewhere is data here: in keys, models, wishes, metadata and paths of both listeners. For
// operators whose callers try what other gateways fell for.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REQUEST_HEADERS } from '../../src/core/names.ts';
import { getBytes, postBytes, rawRequest } from '../fakes/raw-client.ts';
import { HOSTILE_TEXTS } from '../tenants/sample-keys.ts';
import { bearer, CALLS, type KeyedStage, startKeyedStage } from './keys-stage.ts';

const SECRET = 'admin-canary-0123456789';
let stage: KeyedStage;
let records: string;
beforeAll(async () => {
  stage = await startKeyedStage({
    more: { env: { WORKER_KEY: 'sk-worker-0123456789', SPILLWAY_ADMIN_SECRET: SECRET } },
  });
  records = JSON.stringify(await stage.store.all());
});
afterAll(async () => {
  expect(JSON.stringify(await stage.store.all())).toBe(records);
  expect((await stage.call('/v1/messages', bearer(stage.key))).status).toBe(200);
  await stage.close();
});

const ROUTES = Object.keys(CALLS);
const IN_HEADERS = HOSTILE_TEXTS.filter((text) => /^[\x21-\x7e][\x20-\x7e]*$/.test(text) && text.length < 8_000);

describe('F031 hostile text', () => {
  it('as a key is a key that nobody has, in both positions', async () => {
    expect(IN_HEADERS.length).toBeGreaterThan(25);
    for (const text of IN_HEADERS) {
      for (const headers of [bearer(text), { 'x-api-key': text }, { authorization: text }]) {
        const response = await stage.call('/v1/chat/completions', headers);
        expect(response.status, text).toBe(401);
        if (text.length > 6) expect(response.body.toString()).not.toContain(text);
      }
      expect((await stage.call('/v1/messages', { ...bearer(stage.key), 'x-api-key': text })).status).toBe(400);
    }
  });

  it.each(ROUTES)('as a model of %s is a model that is not there', async (path) => {
    for (const text of HOSTILE_TEXTS) {
      const response = await stage.call(path, bearer(stage.key), { model: text });
      if (text.length > 256) expect(response.status).toBe(400);
      else {
        expect(response.status, text).toBe(404);
        expect(response.body.toString()).toContain(JSON.stringify(text).slice(1, -1));
      }
      expect(response.headers['content-type']).toBe('application/json');
    }
  });

  it('as a model in a path is one as well', async () => {
    for (const text of HOSTILE_TEXTS) {
      const response = await stage.ask(getBytes(`/v1/models/${encodeURIComponent(text)}`, bearer(stage.key)));
      expect([404, 431], text).toContain(response.status);
    }
  });

  it('in a wish is no wish, or one like any other', async () => {
    for (const text of IN_HEADERS) {
      for (const name of REQUEST_HEADERS) {
        const response = await stage.call('/v1/chat/completions', { ...bearer(stage.key), [name]: text });
        expect([200, 400], `${name}: ${text}`).toContain(response.status);
        expect(response.rawHead).not.toContain(text.length > 4 ? text : '\0');
      }
    }
  });

  it.each(ROUTES)('in fields of %s that the router does not read goes on as it is', async (path) => {
    if (path.includes('rerank'))
      return expect((await stage.call(path, bearer(stage.key), { query: HOSTILE_TEXTS[0] })).status).toBe(200);
    const fields = {
      user: HOSTILE_TEXTS.join(' '),
      metadata: { user_id: HOSTILE_TEXTS[0], custom_id: HOSTILE_TEXTS[10] },
    };
    const response = await stage.call(path, bearer(stage.key), fields);
    expect(response.status).toBe(200);
    expect(JSON.parse(stage.upstream.requests.at(-1)!.body.toString())).toMatchObject(fields);
  });

  it('in queries changes nothing', async () => {
    for (const text of HOSTILE_TEXTS.filter((one) => one.length < 300)) {
      const query = `?model=${encodeURIComponent(text)}&tenant=${encodeURIComponent(text)}`;
      expect((await stage.ask(getBytes(`/v1/models${query}`, bearer(stage.key)))).status).toBe(200);
      const bytes = postBytes(`/v1/chat/completions${query}`, CALLS['/v1/chat/completions'], bearer(stage.key));
      expect((await stage.ask(bytes)).status).toBe(200);
      const page = await stage.ask(
        getBytes(`/v1/models?after_id=${encodeURIComponent(text)}`, { ...bearer(stage.key), 'anthropic-version': '1' }),
      );
      expect(page.status).toBe(400);
    }
  });

  it('on the admin listener opens nothing', async () => {
    const ask = (path: string, headers: Record<string, string> = {}) =>
      rawRequest(stage.adminPort, getBytes(path, headers));
    for (const text of IN_HEADERS) {
      expect((await ask('/status', bearer(text))).status, text).toBe(401);
      expect((await ask(`/status?secret=${encodeURIComponent(text)}`)).status).toBe(401);
      for (const path of [`/${encodeURIComponent(text)}`, `/status/${encodeURIComponent(text)}`])
        expect([401, 404], path).toContain((await ask(path)).status);
    }
    expect((await ask('/status', bearer(SECRET))).status).toBe(200);
  });
});
