// Decides who may reach either listener while there are no keys: programs that call a loopback name, and no page in a
// browser unless it is listed. For developers whose browser is open beside the router.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HeaderView } from '../../src/core/transport.ts';
import { refuseStranger } from '../../src/http/guard.ts';
import { getBytes, postBytes, type RawResponse, rawRequest } from '../fakes/raw-client.ts';
import { policyFor } from '../fakes/running-router.ts';
import { CHAT, chatBody, expectClosed, expectRefusal, type Stage, startStage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({
    policy: (url) =>
      `${policyFor([url])}server:\n  allowedHosts: [router.example]\n  allowedOrigins: ["https://app.example"]\n`,
  });
});
afterAll(() => stage.close());

const ROUTES: [port: () => number, bytes: (headers: Record<string, string>) => Buffer, works: number][] = [
  [() => stage.port, (headers) => postBytes(CHAT, chatBody(), headers), 200],
  [() => stage.port, (headers) => postBytes('/v1/embeddings', { model: 'vectors', input: 'a' }, headers), 200],
  [() => stage.port, (headers) => getBytes('/v1/models', headers), 200],
  [() => stage.port, (headers) => getBytes('/v1/models/asked', headers), 200],
  [() => stage.port, (headers) => getBytes('/healthz', headers), 200],
  [() => stage.port, (headers) => getBytes('/nope', headers), 404],
  [() => stage.adminPort, (headers) => getBytes('/status', headers), 200],
  [() => stage.adminPort, (headers) => getBytes('/readyz', headers), 200],
  [() => stage.adminPort, (headers) => getBytes('/nope', headers), 404],
];

/** The same answer on every route of both listeners, found or not; no header of it tells a browser that it may read. */
async function everywhere(headers: Record<string, string>, check: (response: RawResponse) => void): Promise<void> {
  const before = stage.upstream.served;
  for (const [port, bytes] of ROUTES) {
    const response = await rawRequest(port(), bytes(headers));
    check(response);
    expect(response.rawHead).not.toMatch(/access-control-/i);
  }
  expect(stage.upstream.served).toBe(before);
}

async function passes(headers: Record<string, string>, routes = ROUTES): Promise<void> {
  for (const [port, bytes, status] of routes) {
    const response = await rawRequest(port(), bytes(headers));
    expect(response.status).toBe(status);
    expect(response.rawHead).not.toMatch(/access-control-/i);
  }
}

const onPublic = ROUTES.filter((_, i) => i < 6);
const onAdmin = ROUTES.filter((_, i) => i >= 6);

describe('hosts', () => {
  const strangers = [
    'evil.test',
    'evil.test:8787',
    'localhost.evil.test',
    'localhost.',
    'xlocalhost',
    '127.0.0.1.evil.test',
    '127.0.0.1.nip.io',
    '127.0.0.2',
    '127.1',
    '0.0.0.0',
    '0',
    '2130706433',
    '0x7f000001',
    '017700000001',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[0:0:0:0:0:0:0:1]',
    '169.254.169.254',
    '10.0.0.5',
    'router.example.evil.test',
    'sub.router.example',
    'metadata.google.internal',
  ];
  for (const host of strangers) {
    it(`F042 a call for ${host} is a 403 on every route of both listeners`, () =>
      everywhere({ host }, (response) => {
        const error = expectRefusal(response, 403, 'host_not_allowed');
        expect(error.type).toBe('permission_error');
        expect(error.message).toContain(host.replace(/:\d+$/, ''));
      }));
  }

  it('F042 loopback names pass with any port and in any letter case', async () => {
    for (const host of ['localhost', 'LocalHost:1', '127.0.0.1', `127.0.0.1:${stage.port}`, '[::1]', '[::1]:65535']) {
      await passes({ host });
    }
  });

  it('F042 a listed name passes on the public listener alone', async () => {
    for (const host of ['router.example', 'Router.Example:443']) {
      await passes({ host }, onPublic);
      for (const [port, bytes] of onAdmin) {
        expectRefusal(await rawRequest(port(), bytes({ host })), 403, 'host_not_allowed');
      }
    }
  });

  it('F042 property: only a loopback or listed name passes, however it is written', () => {
    const rules = { allowedHosts: ['router.example'], allowedOrigins: [] };
    const known = ['localhost', '127.0.0.1', '[::1]', 'router.example'];
    const part = fc.constantFrom(
      ...known,
      '.',
      ':',
      '@',
      '/',
      '\\',
      ' ',
      ',',
      '[',
      ']',
      'evil.test',
      '%',
      '#',
      '80',
      '\t',
    );
    const host = fc.oneof(
      fc.array(part, { maxLength: 4 }).map((parts) => parts.join('')),
      fc.string({ maxLength: 30 }),
      fc.webAuthority({ withPort: true, withUserInfo: true, withIPv4: true, withIPv6: true }),
    );
    fc.assert(
      fc.property(host, (text) => {
        const name = /^(.*?)(?::(\d{1,5}))?$/s.exec(text.toLowerCase());
        const passesHere = known.includes(name?.[1] ?? '') && Number(name?.[2] ?? 0) <= 65_535;
        const refusal = refuseStranger({ host: text }, rules);
        expect(refusal === null, text).toBe(passesHere);
        if (refusal !== null) expect(['malformed_request', 'host_not_allowed']).toContain(refusal.code);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('pages in a browser', () => {
  const origins = [
    'https://evil.test',
    'null',
    '',
    'http://localhost',
    'http://127.0.0.1:3000',
    'file://',
    'chrome-extension://abcdefghijklmnop',
    'https://app.example.evil.test',
    'https://app.example:8443',
    'http://app.example',
    'https://app.example/',
    'https://APP.example',
    'https://xapp.example',
    'https://app.example, https://evil.test',
    '*',
  ];
  for (const origin of origins) {
    it(`F043 Origin ${JSON.stringify(origin)} is a 403 on every route of both listeners, without CORS headers`, () =>
      everywhere({ origin }, (response) => {
        expect(expectRefusal(response, 403, 'origin_not_allowed').message).toContain('server.allowedOrigins');
      }));
  }

  it('F043 two Origins are a 400, closed', () =>
    everywhere({ origin: 'https://app.example', Origin: 'https://evil.test' }, (response) => {
      expectClosed(response, 400, 'malformed_request');
    }));

  it('F043 the listed origin passes on the public listener alone', async () => {
    const headers = { origin: 'https://app.example', 'sec-fetch-site': 'cross-site' };
    await passes(headers, onPublic);
    for (const [port, bytes] of onAdmin) {
      expectRefusal(await rawRequest(port(), bytes(headers)), 403, 'origin_not_allowed');
    }
  });

  it('F043 a page that sends no Origin is known by where its call comes from', async () => {
    for (const site of ['cross-site', 'same-site', 'CROSS-SITE', '', 'anything']) {
      await everywhere({ 'sec-fetch-site': site }, (response) => {
        expectRefusal(response, 403, 'origin_not_allowed');
      });
    }
    await passes({ 'sec-fetch-site': 'none' });
    await passes({ 'sec-fetch-site': 'same-origin' });
  });

  it('F043 a preflight is refused on every route and allows nothing', async () => {
    const asks = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, content-type',
      'access-control-request-private-network': 'true',
    };
    for (const path of [CHAT, '/v1/embeddings', '/v1/models', '/healthz', '/nope', '/status']) {
      for (const port of [stage.port, stage.adminPort]) {
        for (const origin of ['https://evil.test', 'null', 'http://localhost:3000', 'https://app.example']) {
          const bytes = getBytes(path, { origin, ...asks })
            .toString()
            .replace('GET', 'OPTIONS');
          const response = await rawRequest(port, bytes);
          expect([403, 404, 405]).toContain(response.status);
          expect(response.rawHead).not.toMatch(/access-control-/i);
        }
      }
    }
  });

  it('F043 property: no Origin but an exactly listed one passes', () => {
    const allowed = 'https://app.example';
    const rules = { allowedHosts: [], allowedOrigins: [allowed] };
    const near = fc.tuple(fc.nat(allowed.length), fc.string({ maxLength: 3 }), fc.nat(2));
    const origin = fc.oneof(
      near.map(([at, text, cut]) => allowed.slice(0, at) + text + allowed.slice(at + cut)),
      fc.webUrl(),
      fc.string({ maxLength: 30 }),
    );
    fc.assert(
      fc.property(origin, fc.constantFrom(undefined, 'none', 'cross-site'), (text, site) => {
        const headers: HeaderView = { host: 'localhost', origin: text, 'sec-fetch-site': site };
        expect(refuseStranger(headers, rules) === null).toBe(text === allowed);
      }),
      { numRuns: 5_000 },
    );
  });
});
