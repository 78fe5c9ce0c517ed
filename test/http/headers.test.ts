// Decides which of a caller's headers have an effect, which reach a target, and that no caller can write a header line
// of its own into what the router sends. For targets, and for whoever reads the replies.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REQUEST_HEADERS, RESPONSE_HEADERS } from '../../src/core/names.ts';
import { getBytes, type RawResponse } from '../fakes/raw-client.ts';
import { CHAT, chatBody, expectRefusal, type Stage, startStage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());

/** All that a target ever sees of the head of a call. */
const sentUpstream = [
  'host',
  'connection',
  'content-type',
  'accept-encoding',
  'user-agent',
  'x-request-id',
  'content-length',
];

describe('forged headers', () => {
  const forged: Record<string, string> = {
    'x-forwarded-for': '10.1.2.3',
    'x-forwarded-host': 'evil.test',
    'x-forwarded-proto': 'https',
    forwarded: 'for=10.1.2.3;host=evil.test',
    'x-real-ip': '10.1.2.3',
    'cf-connecting-ip': '10.1.2.3',
    'cf-ray': 'canary',
    'true-client-ip': '10.1.2.3',
    'x-request-id': 'req_canary',
    x_spillway_degrade: 'never',
    x_forwarded_for: '10.1.2.3',
    authorization: 'Bearer canary-key',
    'x-api-key': 'canary-key',
    cookie: 'session=canary',
    'openai-organization': 'canary-org',
    'openai-project': 'canary-project',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'accept-encoding': 'gzip, br',
    'user-agent': 'canary/1.0',
    te: 'trailers',
    'keep-alive': 'timeout=1',
    'proxy-authorization': 'Basic canary',
    'proxy-connection': 'keep-alive',
    'x-http-method-override': 'DELETE',
    'x-original-url': '/status',
    'x-rewrite-url': '/status',
    'x-spillway-run': 'canary-run',
    'x-spillway-agent': 'canary-agent',
    'x-spillway-priority': 'interactive',
  };

  it('F010 F039 nothing of a caller’s head reaches the target but what the router itself writes', async () => {
    const response = await stage.post(chatBody(), forged);
    expect(response.status).toBe(200);
    const seen = stage.upstream.requests.at(-1)!;
    expect(Object.keys(seen.headers).sort()).toEqual([...sentUpstream].sort());
    expect(seen.headers['host']).toBe(`127.0.0.1:${stage.upstream.port}`);
    expect(seen.headers['user-agent']).toBe('spillway');
    expect(seen.headers['accept-encoding']).toBe('identity');
    expect(seen.headers['x-request-id']).toBe(response.headers['x-request-id']);
    expect(seen.rawHeaders.flat().join('\n')).not.toMatch(/canary|10\.1\.2\.3|evil/);
  });

  it('F010 the id of a call is ours, whatever the caller sends', async () => {
    for (const id of ['req_00000000000000000000000000000000', 'a', 'x'.repeat(4_000)]) {
      const response = await stage.post(chatBody(), { 'x-request-id': id });
      expect(response.headers['x-request-id']).toMatch(/^req_[0-9a-f]{32}$/);
      expect(response.headers['x-request-id']).not.toBe(id);
    }
  });

  it('F010 headers named as a method override or another URL change neither', async () => {
    const override = { 'x-http-method-override': 'DELETE', 'x-original-url': '/status', 'x-rewrite-url': '/status' };
    const response = await stage.ask(getBytes('/v1/models', override));
    expect(response.status).toBe(200);
    expect(response.body.toString()).toContain('"object":"list"');
  });

  it('F010 an unknown x-spillway-* header is a 400 that names all valid ones', async () => {
    const before = stage.upstream.served;
    for (const name of ['x-spillway-foo', 'x-spillway-', 'X-Spillway-Tenant', 'x-spillway-runs', 'x-spillway-run-']) {
      const error = expectRefusal(await stage.post(chatBody(), { [name]: 'a' }), 400, 'invalid_header');
      expect(error.message).toContain(name.toLowerCase());
      for (const valid of REQUEST_HEADERS) expect(error.message).toContain(valid);
    }
    expect(stage.upstream.served).toBe(before);
  });

  it('F010 a header that only replies carry is dropped, and cannot forge the reply', async () => {
    const echoed = Object.fromEntries(Object.values(RESPONSE_HEADERS).map((name) => [name, 'forged']));
    const response = await stage.post(chatBody(), echoed);
    expect(response.status).toBe(200);
    expect(response.rawHead).not.toContain('forged');
  });
});

describe('control characters', () => {
  const printable = (response: RawResponse) => {
    const lines = response.rawHead.split('\r\n').filter((line) => line !== '');
    for (const line of lines) expect(line, JSON.stringify(line)).toMatch(/^[\x20-\x7e]+$/);
    const names = lines.slice(1).map((line) => line.slice(0, line.indexOf(':')).toLowerCase());
    expect(new Set(names).size).toBe(names.length);
    return names;
  };
  const allowed = new Set<string>([
    ...['content-type', 'cache-control', 'x-content-type-options', 'x-request-id', 'date', 'connection', 'keep-alive'],
    ...['content-length', 'transfer-encoding', 'x-should-retry', 'retry-after'],
    ...Object.values(RESPONSE_HEADERS),
  ]);

  it('F011 CR, LF, NUL and DEL in the model are a 400 on every route', async () => {
    for (const bad of ['asked\r\nx-evil: 1', 'asked\n', 'a\rb', 'asked\u0000', '\u007f', '\t', 'asked\u001b[2J']) {
      for (const path of [CHAT, '/v1/completions', '/v1/embeddings']) {
        const response = await stage.post(chatBody({ model: bad, prompt: 'a', input: 'a' }), {}, path);
        expect(expectRefusal(response, 400, 'invalid_value').param).toBe('model');
        printable(response);
      }
    }
  });

  it('F011 property: no control character and no foreign line in any header, whatever the model is called', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
      fc.constantFrom('é\r\nx-evil: 1', '\u0085', '\u2028', '\ud800', 'a\udfff', '%0d%0ax-evil: 1', '\u00a0', '语'),
    );
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom(CHAT, '/v1/completions', '/v1/embeddings'), async (model, path) => {
        const response = await stage.post(chatBody({ model, prompt: 'a', input: 'a', user: model }), {}, path);
        for (const name of printable(response)) expect(allowed).toContain(name);
        expect(response.headers).not.toHaveProperty('x-evil');
        expect([400, 404]).toContain(response.status);
      }),
      { numRuns: 400 },
    );
  });

  it('F011 text in user, metadata, tools and messages goes on as the caller’s bytes and into no header', async () => {
    const evil = 'a\r\nx-evil: 1\r\n\r\nHTTP/1.1 200 OK\r\n\u0000';
    const body = chatBody({
      user: evil,
      metadata: { run: evil, [evil]: 'b' },
      messages: [{ role: 'user', name: evil, content: evil }],
      tools: [{ type: 'function', function: { name: evil } }],
      stop: [evil],
    });
    const text = JSON.stringify(body);
    const response = await stage.post(text);
    expect(response.status).toBe(200);
    printable(response);
    const seen = stage.upstream.requests.at(-1)!;
    expect(seen.body.toString()).toBe(text.replace('"asked"', '"served-1"'));
    for (const [, value] of seen.rawHeaders) expect(value).toMatch(/^[\x20-\x7e]*$/);
    expect(seen.headers).not.toHaveProperty('x-evil');
  });
});
