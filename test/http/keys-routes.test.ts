// Decides that nothing but health answers without a key: every route is walked, with every method, in every position of a
// key. For operators who hand out keys and for whoever adds a route.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_HTTP_LIMITS } from '../../src/core/limits.ts';
import { dialects } from '../../src/dialects/index.ts';
import { createApp } from '../../src/http/app.ts';
import { nodeClock } from '../../src/runtime/node/machine.ts';
import { getBytes, postBytes, type RawResponse, rawRequest } from '../fakes/raw-client.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { bearer, CALLS, type KeyedStage, startKeyedStage } from './keys-stage.ts';

let stage: KeyedStage;
beforeAll(async () => {
  stage = await startKeyedStage();
});
afterAll(() => stage.close());

const OPEN = ['/healthz', '/readyz'];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY'];
const DIALECT_ROUTES = Object.values(dialects).flatMap(({ routes }) => [...routes]);
const ELSEWHERE = [
  '/',
  '/v1',
  '/v1/',
  '/nope',
  '/v1/nope',
  '/v1/v1/models',
  '/v1/v1/chat/completions',
  '/v1/messages/batches',
  '/v1/responses/resp_1',
  '/v1/files',
  '/status',
  '/metrics',
  '/admin',
  '/healthz/',
  '/healthz/x',
  '/HEALTHZ',
  '/readyz/',
  '/rerank/',
  '/favicon.ico',
];
const MODEL_ROUTES = ['/v1/models', '/v1/models/asked', '/v1/models/none', '/v1/models/family-a%2Fb'];
const ALL = [...DIALECT_ROUTES, ...MODEL_ROUTES, ...OPEN, ...ELSEWHERE];

const request = (method: string, path: string, headers: Record<string, string> = {}): string | Buffer => {
  const posts = method === 'POST' && path in CALLS;
  if (posts) return postBytes(path, CALLS[path], headers);
  const text = getBytes(path, headers).toString();
  return text.replace(/^GET/, method);
};

/** What a refusal without a key says, whatever shape the route gives it. */
const TEXT =
  'No valid key. Send one as "Authorization: Bearer …" or "x-api-key: …"; the operator makes keys with "spillway keys create".';

function shapeOf(method: string, path: string): (body: Record<string, unknown>) => void {
  const openai = { error: { message: TEXT, type: 'invalid_request_error', param: null, code: 'invalid_api_key' } };
  if (method !== 'POST') return (body) => expect(body).toEqual(openai);
  switch (path) {
    case '/v1/messages':
    case '/v1/messages/count_tokens':
      return (body) =>
        expect(body).toMatchObject({ type: 'error', error: { type: 'authentication_error', message: TEXT } });
    case '/v2/rerank':
      return (body) => expect(body).toEqual({ id: expect.stringMatching(/^req_/), message: TEXT });
    case '/v1/rerank':
      return (body) => expect(body).toEqual({ detail: TEXT, message: TEXT });
    case '/rerank':
      return (body) => expect(body).toEqual({ error: TEXT, error_type: 'Validation', detail: TEXT });
    default:
      return (body) => expect(body).toEqual(openai);
  }
}

function expectNobody(response: RawResponse, method: string, path: string): void {
  expect([response.status, response.headers['www-authenticate']], `${method} ${path}`).toEqual([401, 'Bearer']);
  expect(response.headers['x-should-retry']).toBe('false');
  if (method === 'HEAD') expect(response.body).toHaveLength(0);
  else shapeOf(method, path)(JSON.parse(response.body.toString()) as Record<string, unknown>);
}

describe('without a key', () => {
  it('the walk below covers every route that the app has', () => {
    const app = createApp({
      router: {} as never,
      ingress: {} as never,
      admit: () => {
        throw new Error('not called');
      },
      limits: DEFAULT_HTTP_LIMITS,
      clock: nodeClock,
      newId: () => '',
      log: recordingLog(),
      basePath: '/',
      ready: () => true,
    });
    const paths = [...new Set(app.routes.map(({ path }) => path))];
    expect(paths.length).toBeGreaterThanOrEqual(DIALECT_ROUTES.length + 5);
    for (const path of paths) {
      const walked = ALL.some((one) => (path.endsWith('*') ? one.startsWith(path.slice(0, -1)) : one === path));
      expect(walked, path).toBe(true);
    }
    expect(Object.keys(CALLS).sort()).toEqual([...DIALECT_ROUTES].sort());
  });

  it.each(METHODS)('%s of every route is a 401 in the shape of its dialect, but for health', async (method) => {
    const before = stage.upstream.served;
    for (const path of ALL) {
      const response = await stage.ask(request(method, path));
      if (OPEN.includes(path) && (method === 'GET' || method === 'HEAD')) expect(response.status, path).toBe(200);
      else expectNobody(response, method, path);
    }
    expect(stage.upstream.served).toBe(before);
  });

  it('a caller who speaks Anthropic is refused in its shape on every other route too', async () => {
    for (const path of [...MODEL_ROUTES, ...ELSEWHERE]) {
      const response = await stage.ask(getBytes(path, { 'anthropic-version': '2023-06-01' }));
      expect(response.status).toBe(401);
      expect(JSON.parse(response.body.toString())).toMatchObject({
        type: 'error',
        error: { type: 'authentication_error', message: TEXT },
      });
    }
  });

  it('F008 another spelling of a route tells nobody more than a key would', async () => {
    for (const path of ['//v1/models', '/v1/../v1/models', '/v1/%6dodels', '/v1/models/%2e%2e', '/healthz%2f']) {
      const [without, withKey] = [await stage.ask(getBytes(path)), await stage.ask(getBytes(path, bearer(stage.key)))];
      expect([without.status, without.body.toString()]).toEqual([404, withKey.body.toString()]);
    }
  });

  it('F007 neither host nor target change that a key is asked for', async () => {
    for (const host of ['localhost', '127.0.0.1', '[::1]', 'router.example', '10.0.0.5:8787'])
      expectNobody(await stage.ask(request('GET', '/v1/models', { host })), 'GET', '/v1/models');
  });
});

const ROUTES_WITH_ANSWERS = [
  ...DIALECT_ROUTES.map((path) => ['POST', path]),
  ['GET', '/v1/models'],
  ['GET', '/v1/models/asked'],
] as [string, string][];

describe('F029 where a key stands', () => {
  const positions = (key: string): Record<string, Record<string, string>> => ({
    bearer: bearer(key),
    'bearer, lower case, wide': { authorization: `bearer   ${key} ` },
    'x-api-key': { 'x-api-key': key },
    'both, the same': { ...bearer(key), 'x-api-key': key },
    'x-api-key beside an empty Authorization': { authorization: '', 'x-api-key': key },
  });

  it.each(ROUTES_WITH_ANSWERS)('%s %s answers alike in every position', async (method, path) => {
    const answers: string[] = [];
    for (const [name, headers] of Object.entries(positions(stage.key))) {
      const response = await stage.ask(request(method, path, headers));
      expect(response.status, name).toBe(200);
      answers.push(response.body.toString());
    }
    expect(new Set(answers).size).toBe(1);
  });

  it.each(ROUTES_WITH_ANSWERS)('%s %s takes none from the query, nor in another form', async (method, path) => {
    const before = stage.upstream.served;
    const { key } = stage;
    for (const name of ['key', 'api_key', 'api-key', 'x-api-key', 'authorization', 'access_token']) {
      for (const value of [key, `Bearer%20${key}`]) {
        const bytes = request(method, path).toString().replace(` ${path} `, ` ${path}?${name}=${value} `);
        expect((await stage.ask(bytes)).status, name).toBe(401);
      }
    }
    const basic = Buffer.from(`user:${key}`).toString('base64');
    const wrong = [
      `Basic ${basic}`,
      `Basic ${key}`,
      key,
      'Bearer',
      'Bearer ',
      `Bearer ${key} x`,
      `Bearer: ${key}`,
      `Token ${key}`,
    ];
    for (const authorization of wrong) {
      expect((await stage.ask(request(method, path, { authorization }))).status, authorization).toBe(401);
    }
    for (const name of ['api-key', 'x-goog-api-key', 'proxy-authorization', 'cookie', 'x-auth-token'])
      expect((await stage.ask(request(method, path, { [name]: key }))).status, name).toBe(401);
    expect(stage.upstream.served).toBe(before);
  });

  it.each(ROUTES_WITH_ANSWERS)('%s %s refuses two different keys, and doubled lines of one', async (method, path) => {
    const before = stage.upstream.served;
    const { key, refusedKeys } = stage;
    for (const [one, other] of [
      [key, refusedKeys.unknown],
      [refusedKeys.unknown, key],
      [key, 'x'],
    ] as const) {
      const response = await stage.ask(request(method, path, { ...bearer(one), 'x-api-key': other }));
      expect([response.status, response.body.toString()]).toEqual([400, expect.stringContaining('two different keys')]);
    }
    for (const line of [`authorization: Bearer ${key}`, `x-api-key: ${key}`]) {
      const bytes = request(method, path).toString().replace('\r\n', `\r\n${line}\r\n${line}\r\n`);
      const response = await rawRequest(stage.port, bytes);
      expect([response.status, response.body.toString()]).toEqual([400, expect.stringContaining('stands twice')]);
    }
    expect(stage.upstream.served).toBe(before);
  });
});
