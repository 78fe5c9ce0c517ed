// Decides that a caller chooses no destination: not by fields that other gateways act on, not by hosts or targets of the
// request, not by way of a worker that redirects. For whoever runs the router beside things that callers must not reach.

import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json, redirect } from '../fakes/fault-upstream.ts';
import { postBytes } from '../fakes/raw-client.ts';
import { bearer, CALLS, type KeyedStage, keyedPolicy, startKeyedStage } from './keys-stage.ts';

let stage: KeyedStage;
let visits = 0;
const trap = createServer((socket) => {
  visits++;
  socket.destroy();
});
beforeAll(async () => {
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
  stage = await startKeyedStage({
    policy: (url) => keyedPolicy(url, { server: { allowedHosts: ['router.example'] } }),
  });
});
afterAll(async () => {
  await stage.close();
  expect(visits).toBe(0);
  await new Promise((resolve) => trap.close(resolve));
});

const port = () => (trap.address() as { port: number }).port;
const ROUTES = Object.keys(CALLS);

/** The ways in which an address of the inside is written so that a filter overlooks it. */
const ADDRESSES = [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '017700000001',
  'localhost',
  'LOCALHOST.',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '[fe80::1]',
  '[fec0::1]',
  '[fc00::1]',
  '0.0.0.0',
  '169.254.169.254',
  '100.64.0.1',
  '10.0.0.1',
  'user:pass@127.0.0.1',
  'evil.test\\@127.0.0.1',
  'xn--localhost-.test',
];

describe('F035 fields that choose a target', () => {
  const FIELDS = [
    'api_base',
    'api_key',
    'api_version',
    'base_url',
    'custom_host',
    'custom_llm_provider',
    'extra_headers',
  ];

  it.each(ROUTES)('%s refuses them with a 400 that names the field, and asks no target', async (path) => {
    const before = stage.upstream.served;
    for (const field of FIELDS) {
      const response = await stage.call(path, bearer(stage.key), { [field]: `http://127.0.0.1:${port()}` });
      expect(response.status, field).toBe(400);
      expect(response.body.toString()).toContain(`\\"${field}\\" is not taken: callers name a model`);
    }
    // However the name is spelled.
    const body = JSON.stringify({ ...CALLS[path], api_base: 'http://x' }).replace('api_base', 'api\\u005fbase');
    expect((await stage.ask(postBytes(path, body, bearer(stage.key)))).status).toBe(400);
    expect(stage.upstream.served).toBe(before);
  });

  it.each(ROUTES)('%s: in whatever form the address is written', async (path) => {
    const before = stage.upstream.served;
    for (const address of ADDRESSES) {
      for (const value of [`http://${address}:${port()}/v1`, { url: `http://${address}/` }, [`//${address}`]])
        expect((await stage.call(path, bearer(stage.key), { base_url: value })).status).toBe(400);
    }
    expect(stage.upstream.served).toBe(before);
  });

  it('below the top level the names mean something else, and go on as they are', async () => {
    const more = {
      metadata: { base_url: 'a', api_key: 'b' },
      tools: [{ type: 'function', function: { name: 'f', parameters: { properties: { api_key: {} } } } }],
    };
    expect((await stage.call('/v1/chat/completions', bearer(stage.key), more)).status).toBe(200);
    expect(JSON.parse(stage.upstream.requests.at(-1)!.body.toString())).toMatchObject(more);
  });
});

describe('F035 the request itself', () => {
  it('a target with a host, of whatever form, goes nowhere', async () => {
    for (const address of ADDRESSES) {
      const text = postBytes('/v1/messages', CALLS['/v1/messages'], bearer(stage.key)).toString();
      for (const target of [
        `http://${address}:${port()}/v1/messages`,
        `//${address}:${port()}/v1/messages`,
        `${address}:${port()}`,
      ]) {
        const response = await stage.ask(text.replace('POST /v1/messages', `POST ${target}`));
        expect([400, 404], target).toContain(response.status);
      }
    }
  });

  it('a host that is not served is a 403 also with a key, and one that is served leads to the policy’s target', async () => {
    for (const address of ADDRESSES.filter((one) => !/^(127\.0\.0\.1|localhost|\[::1\])$/.test(one))) {
      const response = await stage.call('/v1/messages', { ...bearer(stage.key), host: `${address}:${port()}` });
      expect([400, 403], address).toContain(response.status);
    }
    for (const host of ['router.example', `127.0.0.1:${port()}`]) {
      const forwarded = { host, 'x-forwarded-host': `127.0.0.1:${port()}`, forwarded: `host=127.0.0.1:${port()}` };
      expect((await stage.call('/v1/messages', { ...bearer(stage.key), ...forwarded })).status).toBe(200);
      expect(stage.upstream.requests.at(-1)!.headers['host']).toBe(`127.0.0.1:${stage.upstream.port}`);
    }
  });
});

describe('F035 a worker', () => {
  it.each([301, 302, 303, 307, 308])('that answers %i is not followed, wherever it points', async (status) => {
    for (const location of [
      `http://127.0.0.1:${port()}/v1/messages`,
      `//127.0.0.1:${port()}/`,
      '/elsewhere',
      'http://169.254.169.254/',
    ]) {
      const before = stage.upstream.served;
      stage.upstream.next(redirect(status, location));
      const response = await stage.call('/v1/messages', bearer(stage.key));
      expect(response.status).toBe(502);
      expect(response.rawHead + response.body.toString()).not.toContain('127.0.0.1');
      expect(stage.upstream.served).toBe(before + 1);
    }
  });

  it('whose reply names an address sends nobody there', async () => {
    stage.upstream.next(
      json(
        200,
        { type: 'message', content: [], model: 'm', url: `http://127.0.0.1:${port()}/` },
        { location: `http://127.0.0.1:${port()}/`, refresh: '0', 'content-location': `http://127.0.0.1:${port()}/` },
      ),
    );
    const response = await stage.call('/v1/messages', bearer(stage.key));
    expect(response.status).toBe(200);
    expect(response.rawHead).not.toContain(String(port()));
  });
});

describe('F026 F035 addresses that belong to a dialect', () => {
  it('are not visited by the router: they go on to the target as they are', async () => {
    const url = `http://127.0.0.1:${port()}/picture.png`;
    const bodies: Record<string, Record<string, unknown>> = {
      '/v1/chat/completions': { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] },
      '/v1/responses': {
        input: [{ role: 'user', content: [{ type: 'input_image', image_url: url }] }],
        tools: [{ type: 'mcp', server_label: 'a', server_url: url }],
      },
      '/v1/messages': {
        messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url } }] }],
        mcp_servers: [{ type: 'url', url, name: 'a' }],
      },
    };
    for (const [path, more] of Object.entries(bodies)) {
      expect((await stage.call(path, bearer(stage.key), more)).status, path).toBe(200);
      expect(JSON.parse(stage.upstream.requests.at(-1)!.body.toString())).toMatchObject(more);
    }
  });
});
