// What a managed API gets of a call and what a caller gets of its reply: path, key, names, headers. For providers.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AnthropicApi, startAnthropicApi } from '../fakes/anthropic-api.ts';
import { chatReply, embeddingReply } from '../fakes/chat-fixtures.ts';
import { type ManagedApi, startManagedApi } from '../fakes/managed-api.ts';
import { type OpenAiApi, startOpenAiApi } from '../fakes/openai-api.ts';
import { startRerankApi } from '../fakes/rerank-api.ts';
import { chat, errorOf, type Managed, MESSAGES, message, PROVIDER_KEY, startManaged } from './managed.ts';

let echo: ManagedApi;
let openai: OpenAiApi;
let gemini: OpenAiApi;
let claude: AnthropicApi;
let rerankers: (ManagedApi & { readonly url: string })[];
let router: Managed;

const FORMS: readonly (readonly [string, object, Record<string, string>])[] = [
  ['bearer', { apiKey: '$KEY' }, { authorization: `Bearer ${PROVIDER_KEY}` }],
  ['api-key', { apiKey: '$KEY', auth: 'api-key' }, { authorization: `Api-Key ${PROVIDER_KEY}` }],
  ['x-api-key', { apiKey: '$KEY', auth: 'x-api-key' }, { 'x-api-key': PROVIDER_KEY }],
  [
    'modal',
    { auth: 'modal', modalKey: '$KEY', modalSecret: '$SECOND' },
    { 'modal-key': PROVIDER_KEY, 'modal-secret': 'ws-second' },
  ],
  [
    'modal-and-bearer',
    { auth: 'modal', modalKey: '$KEY', modalSecret: '$SECOND', apiKey: '$SECOND' },
    { 'modal-key': PROVIDER_KEY, 'modal-secret': 'ws-second', authorization: 'Bearer ws-second' },
  ],
  ['none', { auth: 'none' }, {}],
];
const CREDENTIALS = ['authorization', 'x-api-key', 'modal-key', 'modal-secret', 'cookie'];

beforeAll(async () => {
  const keys = [PROVIDER_KEY];
  echo = await startManagedApi({
    headers: () => ({
      'x-trace': 'up-7',
      'x-other': 'no',
      'openai-organization': 'org-canary',
      'x-request-id': 'theirs',
    }),
    answer: ({ path }) => ({
      status: 200,
      json: path.endsWith('/embeddings') ? embeddingReply({ inputs: 1, encoding: 'float' }) : chatReply(),
    }),
  });
  openai = await startOpenAiApi({ keys });
  gemini = await startOpenAiApi({ keys, base: '/v1beta/openai', models: ['gemini-3.8-flash'] });
  claude = await startAnthropicApi({ keys });
  rerankers = await Promise.all(
    (['cohere', 'jina', 'voyage'] as const).map((form) => startRerankApi(form, PROVIDER_KEY)),
  );
  const compatible = (more: object) => ({ kind: 'openai-compatible', baseUrl: `${echo.origin}/v1`, ...more });
  const env = FORMS.flatMap(([form, auth]) => {
    const worker = { url: echo.origin, headers: { 'x-extra': 'own' }, ...auth };
    return [
      {
        providers: { [`p-${form}`]: compatible(auth) },
        models: { [`p-${form}`]: { ladder: [{ provider: `p-${form}` }] } },
      },
      {
        pools: { [`w-${form}`]: { workers: [worker] } },
        models: { [`w-${form}`]: { ladder: [{ pool: `w-${form}` }] } },
      },
    ];
  });
  const kinds = ['cohere', 'jina', 'voyage'].map((kind, at) => [
    kind,
    { kind, baseUrl: rerankers[at]!.url, apiKey: '$KEY', zone: 'us' },
  ]);
  router = await startManaged(
    mergeAll([
      ...env,
      {
        pools: { dead: { workers: [{ url: 'http://127.0.0.1:9' }] } },
        providers: {
          openai: { kind: 'openai', baseUrl: openai.url, apiKey: '$KEY', zone: 'eu' },
          gemini: { kind: 'openai-compatible', baseUrl: `${gemini.url}/`, apiKey: '$KEY' },
          anthropic: { kind: 'anthropic', baseUrl: claude.url, apiKey: '$KEY', zone: 'us' },
          kept: compatible({
            auth: 'none',
            replyHeaders: ['x-trace'],
            headers: { 'x-extra': 'own', 'x-secret-token': '$KEY' },
          }),
          ranker: {
            kind: 'openai-compatible',
            baseUrl: `${echo.origin}/api/v3`,
            auth: 'none',
            rerank: { form: 'cohere' },
          },
          ...Object.fromEntries(kinds),
        },
        models: {
          'gemini-*': { ladder: [{ provider: 'gemini' }] },
          'claude-*': { ladder: [{ provider: 'anthropic' }] },
          'gpt-*': { ladder: [{ provider: 'openai' }] },
          'gpt-5-mini': { aliases: ['best'], ladder: [{ provider: 'openai' }] },
          'text-embedding-*': { class: 'embed', ladder: [{ provider: 'openai' }] },
          'vendor/*': { ladder: [{ provider: 'kept' }] },
          'openrouter/*': { ladder: [{ provider: 'kept/meta/llama-4' }] },
          'any-rank': { class: 'rerank', ladder: [{ provider: 'ranker' }] },
          support: { ladder: [{ pool: 'dead' }, { provider: 'openai/gpt-4o-mini', same: true }] },
          helped: { ladder: [{ pool: 'dead' }, { provider: 'openai/gpt-4o-mini' }] },
          ...Object.fromEntries(
            ['cohere', 'jina', 'voyage'].map((kind) => [
              `${kind}-rank`,
              { class: 'rerank', ladder: [{ provider: kind }] },
            ]),
          ),
        },
      },
    ]),
    { SECOND: 'ws-second' },
  );
});
afterAll(async () => {
  await router.closeClean();
  for (const api of [echo, openai, gemini, claude, ...rerankers]) await api.close();
});
afterEach(() => {
  for (const api of [echo, openai, gemini, claude]) api.requests.length = 0;
});

function mergeAll(parts: readonly Record<string, object>[]): Record<string, object> {
  const all: Record<string, object> = {};
  for (const part of parts) for (const [key, value] of Object.entries(part)) all[key] = { ...all[key], ...value };
  return all;
}

describe('a key goes out as the policy says, and nothing else does', () => {
  const cases = FORMS.flatMap(([form, , expected]) => [
    { what: `provider, ${form}`, model: `p-${form}`, expected },
    { what: `worker, ${form}`, model: `w-${form}`, expected },
  ]);
  it.each(cases)('F039 $what: the target’s own credential and nothing of the caller’s', async ({ model, expected }) => {
    const strange = {
      'x-custom': 'caller',
      cookie: 'caller=1',
      'x-forwarded-for': '10.9.9.9',
      'openai-organization': 'org-caller',
      'anthropic-version': '2023-06-01',
    };
    expect((await router.ask(chat(model), { headers: strange })).status).toBe(200);
    const { headers } = echo.requests.at(-1)!;
    const sent = Object.fromEntries(CREDENTIALS.flatMap((name) => (name in headers ? [[name, headers[name]]] : [])));
    expect(sent).toEqual(expected);
    expect(JSON.stringify(headers)).not.toContain(router.key);
    for (const name of Object.keys(strange)) expect(headers).not.toHaveProperty(name);
    const own = [
      'x-request-id',
      'host',
      'connection',
      'content-length',
      'content-type',
      'accept',
      'accept-encoding',
      'user-agent',
    ];
    const more = Object.keys(headers).filter((name) => !own.includes(name) && !(name in expected));
    expect(more).toEqual(model.startsWith('w-') ? ['x-extra'] : []);
  });

  it('F039 the caller’s key in x-api-key is not passed on to an API that takes its own there', async () => {
    const headers = { authorization: '', 'x-api-key': router.key };
    expect((await router.ask(message('claude-opus-5-5'), { path: MESSAGES, headers })).status).toBe(200);
    expect(claude.requests.at(-1)!.headers['x-api-key']).toBe(PROVIDER_KEY);
    expect(claude.requests.at(-1)!.headers).not.toHaveProperty('authorization');
  });

  it('a dialect’s own headers go up as they came', async () => {
    const headers = { 'anthropic-version': '2026-10-21', 'anthropic-beta': 'a-2026-01-01,b-2026-02-02' };
    await router.ask(message('claude-opus-5-5'), { path: `${MESSAGES}?beta=true`, headers });
    expect(claude.requests.at(-1)!).toMatchObject({ path: `${MESSAGES}?beta=true`, headers });
  });
});

describe('names and paths', () => {
  const modelAt = (api: { requests: readonly { body: string }[] }) => JSON.parse(api.requests.at(-1)!.body).model;

  it('a base URL stands for all of its path: Gemini’s', async () => {
    const reply = await router.ask(chat('gemini-3.8-flash'));
    expect(reply.status).toBe(200);
    expect(gemini.requests.at(-1)!.path).toBe('/v1beta/openai/chat/completions');
    expect(reply.headers['x-spillway-served']).toBe('gemini/gemini-3.8-flash');
  });

  it('the asked name goes through a pattern, with all its slashes; a rung’s own model replaces it', async () => {
    await router.ask(chat('vendor/meta/llama-4:free'));
    expect(modelAt(echo)).toBe('vendor/meta/llama-4:free');
    const reply = await router.ask(chat('openrouter/any'));
    expect(modelAt(echo)).toBe('meta/llama-4');
    expect(reply.headers).toMatchObject({
      'x-spillway-asked': 'openrouter/any',
      'x-spillway-served': 'kept/meta/llama-4',
    });
  });

  it('an alias asks for the model that it stands for', async () => {
    const reply = await router.ask(chat('best'));
    expect(modelAt(openai)).toBe('gpt-5-mini');
    expect(reply.headers).toMatchObject({ 'x-spillway-asked': 'best', 'x-spillway-served': 'openai/gpt-5-mini' });
  });

  it('one provider serves chat and embeddings', async () => {
    const body = { model: 'text-embedding-3-small', input: 'a' };
    expect((await router.ask(body, { path: '/v1/embeddings' })).status).toBe(200);
    expect(openai.requests.at(-1)!.path).toBe('/v1/embeddings');
  });

  it.each(['cohere', 'jina', 'voyage'])(
    '%s is asked in its own form and answers a caller of another one',
    async (kind) => {
      const documents = ['short', 'much longer than the other', 'middling one'];
      const reply = await router.ask(
        { model: `${kind}-rank`, query: 'q', documents, top_n: 2 },
        { path: '/v1/rerank' },
      );
      expect(reply.status, reply.body.toString()).toBe(200);
      expect(JSON.parse(reply.body.toString()).results.map(({ index }: { index: number }) => index)).toEqual([1, 2]);
      expect(reply.headers['x-spillway-scores']).toBe(kind === 'cohere' ? 'probability' : 'undeclared');
    },
  );

  it('the version that a base URL names takes the place of a route’s own', async () => {
    await router.ask({ model: 'any-rank', query: 'q', documents: ['a'] }, { path: '/v2/rerank' });
    expect(echo.requests.at(-1)!.path).toBe('/api/v3/rerank');
  });

  it('a dialect that the provider does not speak is refused, and nothing is sent', async () => {
    const reply = await router.ask(message('gpt-5-mini'), { path: MESSAGES });
    expect(reply.status).toBe(400);
    expect(errorOf(reply).message).toContain('openai (does not speak anthropic-messages)');
    expect(openai.requests).toEqual([]);
  });
});

describe('what comes back', () => {
  it('reply headers pass by the kind’s list alone; ids and accounts never do', async () => {
    const { headers } = await router.ask(chat('gpt-5-mini'));
    expect(headers['openai-processing-ms']).toMatch(/^\d+$/);
    expect(headers['openai-version']).toBe('2020-10-01');
    expect(headers['x-request-id']).toMatch(/^req_[0-9a-f]{32}$/);
    for (const name of ['openai-organization', 'openai-project', 'set-cookie', 'x-ratelimit-limit-requests'])
      expect(headers).not.toHaveProperty(name);
    const claudes = (await router.ask(message('claude-opus-5-5'), { path: MESSAGES })).headers;
    expect(Object.keys(claudes).filter((name) => /^(anthropic|cf)-/.test(name))).toEqual([]);
    expect(claudes['request-id']).toBe(claudes['x-request-id']);
  });

  it('and by the policy’s list where it has one, streamed or not', async () => {
    const { headers } = await router.ask(chat('vendor/x'));
    expect(headers['x-trace']).toBe('up-7');
    expect(headers['x-request-id']).not.toBe('theirs');
    expect(headers).not.toHaveProperty('x-other');
    const streamed = await router.ask(chat('gpt-5-mini', { stream: true }));
    expect(streamed.headers['openai-version']).toBe('2020-10-01');
    expect(streamed.body.toString()).toContain('data: [DONE]');
  });

  it('the zone of the provider is told', async () => {
    expect((await router.ask(chat('gpt-5-mini'))).headers['x-spillway-zone']).toBe('eu');
    expect((await router.ask(chat('vendor/x'))).headers).not.toHaveProperty('x-spillway-zone');
  });

  it('a failing pool gives way: to the same model hosted elsewhere without a word, to another one with it', async () => {
    const same = await router.ask(chat('support'), { headers: { 'x-spillway-degrade': 'never' } });
    expect(same.status).toBe(200);
    expect(same.headers).toMatchObject({ 'x-spillway-rung': '2', 'x-spillway-served': 'openai/gpt-4o-mini' });
    expect(same.headers).not.toHaveProperty('x-spillway-degraded');
    expect((await router.ask(chat('helped'))).headers['x-spillway-degraded']).toBe('failing');
    const never = await router.ask(chat('helped'), { headers: { 'x-spillway-degrade': 'never' } });
    expect(never.status).toBeGreaterThanOrEqual(500);
  });
});
