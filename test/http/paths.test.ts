// Decides that one route has one spelling and one host: other spellings of a path, other hosts and other methods reach
// nothing, and the admin pages are not here at all. For operators who guard by path or by listener.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getBytes, postBytes, RawConnection } from '../fakes/raw-client.ts';
import { CHAT, chatBody, expectClosed, expectRefusal, refusalOf, type Stage, startStage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());

const PATHS = [CHAT, '/v1/completions', '/v1/embeddings', '/v1/models', '/v1/models/asked', '/healthz', '/readyz'];
const requestFor = (path: string, host: string | null) => {
  const bytes =
    path.startsWith('/v1/') && !path.startsWith('/v1/models') ? postBytes(path, chatBody()) : getBytes(path);
  const line = host === null ? '' : `host: ${host}\r\n`;
  return Buffer.from(bytes.toString().replace('host: localhost\r\n', line));
};

describe('hosts', () => {
  const bad = [
    '',
    'a/../admin',
    'localhost/../admin',
    'user@localhost',
    'localhost:',
    'localhost:99999',
    'localhost:8a',
    'localhost:80:80',
    'localhost, localhost',
    '[::1',
    '[::1]x',
    '%6cocalhost',
    'local host',
    'localhost\\',
    'localhost#',
    'localhost?',
    'ločalhost',
  ];
  for (const host of bad) {
    it(`F007 Host ${JSON.stringify(host)} is a 400 on every route`, async () => {
      for (const path of PATHS) expectClosed(await stage.ask(requestFor(path, host)), 400, 'malformed_request');
    });
  }

  it('F007 no Host at all is a 400 on every route', async () => {
    for (const path of PATHS) expectClosed(await stage.ask(requestFor(path, null)), 400, 'malformed_request');
  });

  it('F007 two Hosts are a 400, in either order, also when they agree', async () => {
    for (const [one, two] of [
      ['localhost', 'evil.test'],
      ['evil.test', 'localhost'],
      ['localhost', 'localhost'],
    ]) {
      for (const path of PATHS) {
        const bytes = requestFor(path, `${one}\r\nHost: ${two}`);
        expectClosed(await stage.ask(bytes), 400, 'malformed_request');
      }
    }
  });

  it('F007 an absolute target is a 400, whichever host it names', async () => {
    for (const host of ['evil.test', 'localhost', `127.0.0.1:${stage.port}`]) {
      const bytes = `GET http://${host}/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n`;
      expectClosed(await stage.ask(bytes), 400, 'malformed_request');
    }
    const star = await stage.ask('OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expectClosed(star, 400, 'malformed_request');
  });
});

describe('spellings', () => {
  const table = [
    '//v1/models',
    '/v1//models',
    '/./v1/models',
    '/v1/../v1/models',
    '/v1/models/../models',
    '/v1/./models',
    '/v1/models/..',
    '/v1/models/.',
    '/%76%31/models',
    '/v1/mode%6cs',
    '/v1/%6dodels',
    '/v1%2fmodels',
    '/v1%2Fmodels',
    '/v1%5cmodels',
    '/v1\\models',
    '/v1/models%00',
    '/v1/models%20',
    '/v1/models;x=1',
    '/v1/models#x',
    '/v1/%2e%2e/status',
    '/v1/models/%2e%2e',
    '/v1/models/%2e%2e%2fstatus',
    '/v1/models/a%2f..%2f..%2fstatus',
    '/v1/models/..%2fstatus',
    '/v1/models/%252e%252e',
    '/v1/models/a%00b',
    '/v1/models/a%5cb',
    '/v1/models/%',
    '/v1/models/%e0%a4%a',
    '/v1/models/%c0%ae%c0%ae',
    '/v1/models/',
    '/v1/models//',
    '/V1/models',
    '/v1/Models',
    '/v1/chat/completions/',
    '/v1/chat/Completions',
    '/v1/v1/chat/completions',
    '/chat/completions',
    '/v1',
    '/',
    '/status',
    '/admin',
    '/v1/status',
    '/metrics',
    '/healthz/',
    '/__proto__',
    '/v1/models/__proto__',
    '/v1/models/constructor',
  ];
  for (const path of table) {
    it(`F008 ${path} reaches no route`, async () => {
      const before = stage.upstream.served;
      for (const bytes of [getBytes(path), postBytes(path, chatBody())]) {
        const response = await stage.ask(bytes);
        const { code } = refusalOf(response);
        expect([400, 404, 405]).toContain(response.status);
        expect(['not_found', 'model_not_found', 'malformed_request', 'method_not_allowed']).toContain(code);
        expect(response.body.toString()).not.toMatch(/pools|breaker|upstreamConnections/);
      }
      expect(stage.upstream.served).toBe(before);
    });
  }

  it('F008 the doubled /v1 of a wrong base URL is told apart', async () => {
    const error = expectRefusal(await stage.ask(postBytes('/v1/v1/chat/completions', chatBody())), 404, 'not_found');
    expect(error.message).toContain('remove /v1 from the base URL');
  });

  it('F008 a wrong path is answered with the right ones', async () => {
    const error = expectRefusal(await stage.ask(getBytes('/v1/nope')), 404, 'not_found');
    for (const route of [`POST ${CHAT}`, 'POST /v1/embeddings', 'GET /v1/models'])
      expect(error.message).toContain(route);
  });

  it('F008 a model name may hold an encoded slash, and a query is no part of a path', async () => {
    const response = await stage.ask(getBytes('/v1/models/acme%2Flarge'));
    expect(expectRefusal(response, 404, 'model_not_found').message).toContain('"acme/large"');
    expect((await stage.ask(getBytes('/v1/models?x=/../status'))).status).toBe(200);
    expect((await stage.ask(getBytes('/v1/models/asked?a=%00'))).status).toBe(200);
  });
});

describe('every spelling', () => {
  const letters = fc.constantFrom(
    '/',
    '//',
    '.',
    '..',
    'v1',
    'models',
    'chat',
    'completions',
    'status',
    'healthz',
    'a',
  );
  const encodings = fc.constantFrom(
    (text: string) => text,
    (text: string) => text.replace(/./g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`),
    (text: string) => text.replace(/./g, (c) => `%25${c.charCodeAt(0).toString(16).padStart(2, '0')}`),
    (text: string) => text.toUpperCase(),
    (text: string) => text.replaceAll('/', '%2f'),
    (text: string) => text.replaceAll('/', '%5c'),
    (text: string) => `${text}%00`,
    (text: string) => `${text};a=b`,
  );
  const path = fc
    .array(
      fc.tuple(letters, encodings).map(([text, encode]) => encode(text)),
      { minLength: 1, maxLength: 7 },
    )
    .map((parts) => `/${parts.join('/')}`);

  it('F008 property: only the canonical spelling of a route answers, and the admin pages never do', async () => {
    const connection = await RawConnection.connect(stage.port);
    const exact = new Set(['/v1/models', '/v1/models/asked', '/v1/models/vectors', '/healthz', '/readyz']);
    await fc.assert(
      fc.asyncProperty(path, async (one) => {
        connection.write(getBytes(one));
        const response = await connection.readResponse();
        if (exact.has(one)) {
          expect(response.status).toBe(200);
          return;
        }
        expect([404, 405], `${one} -> ${response.status}`).toContain(response.status);
        refusalOf(response);
        expect(response.body.toString()).not.toMatch(/pools|breaker|upstreamConnections/);
      }),
      { numRuns: 1_000 },
    );
    connection.destroy();
  });

  it('F008 the admin listener serves its three pages in one spelling, and no inference', async () => {
    const ask = async (bytes: Buffer) => {
      const connection = await RawConnection.connect(stage.adminPort);
      connection.write(bytes);
      const response = await connection.readResponse();
      connection.destroy();
      return response;
    };
    for (const page of ['/healthz', '/readyz', '/status']) expect((await ask(getBytes(page))).status).toBe(200);
    for (const page of ['//status', '/status/', '/%73tatus', '/a/../status', '/Status', CHAT, '/v1/models', '/']) {
      expectRefusal(await ask(getBytes(page)), 404, 'not_found');
    }
    expectRefusal(await ask(postBytes(CHAT, chatBody())), 404, 'not_found');
  });
});
