// Decides what may be asked before there is a key: own workers by anybody on this machine, managed APIs only by whoever sends
// a credential, and never by way of a ladder. For developers, and for those who pay the bill.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryKeys } from '../../src/stores/memory/keys.ts';
import { eventually } from '../fakes/eventually.ts';
import { type FaultUpstream, json, startFaultUpstream } from '../fakes/fault-upstream.ts';
import { getBytes, postBytes, rawRequest } from '../fakes/raw-client.ts';
import { startTestRouter, type TestRouter } from '../fakes/running-router.ts';
import { issued } from '../tenants/sample-keys.ts';
import { answerAll, bearer, CALLS } from './keys-stage.ts';

const PROVIDER_KEY = 'sk-canary-provider-0123456789';
let own: FaultUpstream;
let managed: FaultUpstream;
let router: TestRouter;
const store = createMemoryKeys();

beforeAll(async () => {
  [own, managed] = [await startFaultUpstream(), await startFaultUpstream()];
  const speaks = [
    'openai-chat',
    'openai-completions',
    'openai-responses',
    'anthropic-messages',
    'anthropic-count-tokens',
  ];
  const policy = {
    version: 1,
    pools: {
      mine: { serves: 'served', speaks, workers: Array(100).fill({ url: own.url }) },
      embed: { serves: 'served', workers: [{ url: own.url }] },
      rank: { serves: 'served', rerank: { form: 'cohere' }, workers: [{ url: own.url }] },
    },
    providers: {
      api: {
        kind: 'openai-compatible',
        baseUrl: managed.url,
        apiKey: '$PROVIDER_KEY',
        speaks: [...speaks, 'openai-embeddings'],
      },
    },
    models: {
      asked: { class: 'chat', ladder: [{ pool: 'mine' }, { provider: 'api/big', same: true }] },
      'costly-first': { class: 'chat', ladder: [{ provider: 'api/big' }, { pool: 'mine', same: true }] },
      costly: { class: 'chat', aliases: ['dear'], ladder: [{ provider: 'api/big' }] },
      'gpt-*': { class: 'chat', ladder: [{ provider: 'api' }] },
      vectors: { class: 'embed', ladder: [{ pool: 'embed' }] },
      'costly-vectors': { class: 'embed', ladder: [{ provider: 'api/vec' }] },
      ranks: { class: 'rerank', ladder: [{ pool: 'rank' }] },
    },
  };
  router = await startTestRouter({ policy: JSON.stringify(policy), more: { keys: store, env: { PROVIDER_KEY } } });
});
afterAll(async () => {
  expect(router.log.of('fault')).toEqual([]);
  await router.close();
  for (const one of [own, managed]) await one.close();
});
beforeEach(() => {
  for (const one of [own, managed]) one.behave(answerAll);
});

const ask = (path: string, more: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  rawRequest(router.port, postBytes(path, { ...CALLS[path], ...more }, headers));
const models = async (headers: Record<string, string> = {}) => {
  const { body } = await rawRequest(router.port, getBytes('/v1/models', headers));
  return (JSON.parse(body.toString()) as { data: { id: string }[] }).data.map(({ id }) => id).sort();
};
const CHAT_ROUTES = Object.keys(CALLS).filter((path) => CALLS[path]!['model'] === 'asked');
const CREDENTIALS: Record<string, string>[] = [bearer('local'), { 'x-api-key': 'anything' }];

describe('a caller without a credential', () => {
  it.each(Object.keys(CALLS))('is served by own workers on %s', async (path) => {
    const before = managed.served;
    expect((await ask(path)).status).toBe(200);
    expect(managed.served).toBe(before);
  });

  it.each(CHAT_ROUTES)('%s: models of a managed API are not available, by name, alias or pattern', async (path) => {
    const before = managed.served;
    for (const model of ['costly', 'dear', 'gpt-5', 'costly-vectors']) {
      const { status, body } = await ask(path, { model });
      expect([status, body.toString()]).toEqual([
        404,
        expect.stringContaining(`is not available to this key. Available: `),
      ]);
      expect(body.toString().replace(/Model .* is not/, '')).not.toMatch(/costly(?!-first)|dear|gpt/);
    }
    expect(managed.served).toBe(before);
  });

  it('does not see them in the list, nor one by one', async () => {
    expect(await models()).toEqual(['asked', 'costly-first', 'ranks', 'vectors']);
    for (const name of ['costly', 'dear', 'gpt-5', 'costly-vectors'])
      expect((await rawRequest(router.port, getBytes(`/v1/models/${name}`))).status).toBe(404);
  });

  it.each(CHAT_ROUTES)('%s: no ladder leads down to one, whatever befalls the workers above', async (path) => {
    const before = managed.served;
    for (const status of [500, 429, 503, 404, 401]) {
      own.behave(() => [json(status, { error: { message: 'no' } })]);
      expect((await ask(path)).status).toBeGreaterThanOrEqual(400);
    }
    const wants = { 'x-spillway-max-wait': '0', 'x-spillway-degrade': 'allow', 'x-spillway-priority': 'critical' };
    await ask(path, {}, wants);
    own.behave(answerAll);
    expect(managed.served).toBe(before);
  });

  it('is passed over a managed rung on top of a ladder', async () => {
    const before = managed.served;
    expect((await ask('/v1/chat/completions', { model: 'costly-first' })).status).toBe(200);
    expect(managed.served).toBe(before);
  });

  it('is not lifted by empty credentials, nor by ones in other places', async () => {
    const before = managed.served;
    const empty: Record<string, string>[] = [
      { authorization: '' },
      { authorization: 'Bearer ' },
      { authorization: 'Basic bG9jYWw6bG9jYWw=' },
      { 'x-api-key': '' },
      { 'api-key': 'local' },
      { cookie: 'authorization=local' },
      { 'x-spillway-require': 'tools' },
    ];
    for (const headers of empty)
      expect((await ask('/v1/chat/completions', { model: 'costly' }, headers)).status, JSON.stringify(headers)).toBe(
        404,
      );
    expect(managed.served).toBe(before);
  });
});

describe('a caller with any credential', () => {
  it('reaches managed APIs too, which never see that credential', async () => {
    for (const headers of CREDENTIALS) {
      for (const model of ['costly', 'dear', 'gpt-5', 'costly-first']) {
        const before = managed.served;
        expect((await ask('/v1/chat/completions', { model }, headers)).status, model).toBe(200);
        expect(managed.served).toBe(before + 1);
        const { headers: seen } = managed.requests.at(-1)!;
        expect(seen['authorization']).toBe(`Bearer ${PROVIDER_KEY}`);
        expect(JSON.stringify(seen)).not.toMatch(/local|anything/);
      }
      expect(await models(headers)).toEqual([
        'asked',
        'costly',
        'costly-first',
        'costly-vectors',
        'dear',
        'ranks',
        'vectors',
      ]);
    }
    expect(router.log.of('call').at(-1)!.fields['tenant']).toBe('development');
  });
});

describe('the first key', () => {
  it('ends it for everybody, on connections that are open as well', async () => {
    const { key, record } = await issued();
    await store.add(record);
    await eventually(async () => (await ask('/v1/messages')).status === 401, { deadlineMs: 5_000 });
    for (const headers of [{}, ...CREDENTIALS])
      expect((await ask('/v1/chat/completions', {}, headers)).status).toBe(401);
    expect((await ask('/v1/chat/completions', { model: 'costly' }, bearer(key))).status).toBe(200);
  });
});
