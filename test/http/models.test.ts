// How models are listed, in either vendor's form, and what a page of them is. For src/http/models and GET /v1/models.
import Anthropic, { NotFoundError } from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestRouter, type TestRouter } from '../fakes/running-router.ts';

const NAMES = ['a', 'b', 'acme/c', 'd', 'e'];
const policy = {
  version: 1,
  pools: { p: { workers: [{ url: 'http://127.0.0.1:1' }] } },
  models: {
    ...Object.fromEntries(NAMES.map((name) => [name, { aliases: name === 'e' ? ['f'] : [], ladder: [{ pool: 'p' }] }])),
    'g-*': { ladder: [{ pool: 'p' }] },
  },
};
const LISTED = [...NAMES, 'f'];
let router: TestRouter;
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  router = await startTestRouter({ policy: JSON.stringify(policy) });
  openai = new OpenAI({ baseURL: router.baseURL, apiKey: 'any', maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: router.baseURL.replace(/\/v1$/, ''), apiKey: 'any', maxRetries: 0 });
});
afterAll(() => router.close());

const get = (query: string, headers: Record<string, string> = { 'anthropic-version': '2023-06-01' }) =>
  fetch(`${router.baseURL}/models${query}`, { headers });
const page = async (query: string) => {
  const { data, ...rest } = (await (await get(query)).json()) as { data: { id: string }[] } & Record<string, unknown>;
  return { ids: data.map(({ id }) => id), ...rest };
};

describe("in OpenAI's form", () => {
  it('the list is whole, aliases are in it and patterns are not', async () => {
    const { data } = await openai.models.list();
    expect(data.map(({ id }) => id)).toEqual(LISTED);
    expect(data[0]).toEqual({
      id: 'a',
      object: 'model',
      created: expect.any(Number),
      owned_by: 'spillway',
      class: 'chat',
    });
    expect(await openai.models.retrieve('g-9')).toMatchObject({ id: 'g-9', object: 'model' });
  });

  it('takes no notice of queries that others use', async () => {
    const reply = (await (await get('?limit=1&beta=true', {})).json()) as { data: unknown[] };
    expect(reply.data).toHaveLength(LISTED.length);
  });
});

describe("in Anthropic's form, for whoever names a version of its API", () => {
  it('the official client pages through all of them', async () => {
    const ids: string[] = [];
    for await (const model of anthropic.models.list({ limit: 2 })) {
      expect(model).toMatchObject({ type: 'model', display_name: model.id });
      expect(Number.isNaN(Date.parse(model.created_at))).toBe(false);
      ids.push(model.id);
    }
    expect(ids).toEqual(LISTED);
  });

  it('a model is looked up by its name, slashes and patterns included', async () => {
    expect(await anthropic.models.retrieve('acme/c')).toMatchObject({ id: 'acme/c', type: 'model' });
    expect(await anthropic.models.retrieve('g-1')).toMatchObject({ id: 'g-1' });
    const refused = await anthropic.models.retrieve('none').catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(NotFoundError);
    expect(String(refused)).toContain('is not available to this key. Available: a, b, acme/c, d, e, f.');
  });

  it('pages go both ways', async () => {
    expect(await page('?limit=2')).toEqual({ ids: ['a', 'b'], has_more: true, first_id: 'a', last_id: 'b' });
    expect(await page('?limit=2&after_id=d')).toEqual({
      ids: ['e', 'f'],
      has_more: false,
      first_id: 'e',
      last_id: 'f',
    });
    expect(await page('?limit=2&before_id=d')).toEqual({
      ids: ['b', 'acme/c'],
      has_more: true,
      first_id: 'b',
      last_id: 'acme/c',
    });
    expect(await page('?before_id=b')).toEqual({ ids: ['a'], has_more: false, first_id: 'a', last_id: 'a' });
    expect(await page('?after_id=f')).toEqual({ ids: [], has_more: false, first_id: null, last_id: null });
    expect((await page('?limit=1000')).ids).toEqual(LISTED);
  });

  it.each(['?limit=0', '?limit=1001', '?limit=x', '?limit=1e2', '?after_id=none', '?before_id='])(
    '%s is a 400',
    async (query) => {
      const reply = await get(query);
      expect(reply.status).toBe(400);
      expect(await reply.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
    },
  );
});
