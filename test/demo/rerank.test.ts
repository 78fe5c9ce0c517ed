// Rerank workers in every form they can wear. For src/demo/rerank.ts and rerank-forms.ts.
import { CohereClientV2 } from 'cohere-ai';
import { describe, expect, it } from 'vitest';
import { RERANK_FORMS, type RerankForm } from '../../src/core/names.ts';
import type { DemoWorkerOptions } from '../../src/demo/index.ts';
import { ranked } from '../../src/demo/rerank.ts';
import { started } from './started.ts';

const QUERY = 'When does the cat eat?';
const DOCUMENTS = ['Dogs sleep.', 'The cat will eat at noon.', 'A cat.'];
const MODEL = 'demo-rerank';
const [best, middle, last] = ranked(QUERY, DOCUMENTS).map(({ score }) => score) as [number, number, number];
const squashed = (score: number) => score / (1 + score);

const rerank = (rerankForm: RerankForm, more: DemoWorkerOptions = {}) =>
  started({ kind: 'rerank', rerankForm, ...more });

const plain = { model: MODEL, query: QUERY, documents: DOCUMENTS };
const objects = DOCUMENTS.map((text) => ({ text }));
const nimBody = { model: MODEL, query: { text: QUERY }, passages: objects };
const tokens = expect.any(Number);
const relevance = (scores: readonly number[]) =>
  scores.map((score, at) => ({ index: [1, 2, 0][at], relevance_score: score }));
const [first, second, third] = relevance([best, middle, last].map(squashed)) as [object, object, object];
const worded = (text: string) => ({ document: { text } });

type Row = [form: RerankForm, name: string, paths: readonly string[], body: object, reply: unknown];

const ROWS: readonly Row[] = [
  [
    'vllm',
    'texts always come back',
    ['/rerank', '/v1/rerank', '/v2/rerank'],
    { ...plain, documents: [DOCUMENTS[0], objects[1], objects[2]] },
    {
      id: expect.stringMatching(/^rerank-/),
      model: MODEL,
      usage: { total_tokens: tokens },
      results: [first, second, third].map((one, at) => ({ ...one, ...worded(DOCUMENTS[[1, 2, 0][at]!]!) })),
    },
  ],
  [
    'vllm',
    'top_n of 0 is all',
    ['/rerank'],
    { query: 'q', documents: ['a', 'b'], top_n: 0 },
    expect.objectContaining({ results: [0, 1].map((index) => expect.objectContaining({ index, relevance_score: 0 })) }),
  ],
  [
    'cohere',
    'top_n, search units',
    ['/v2/rerank'],
    { ...plain, top_n: 2 },
    {
      id: expect.any(String),
      results: [first, second],
      meta: { api_version: { version: '2' }, billed_units: { search_units: 1 } },
    },
  ],
  [
    'jina',
    'texts unless refused',
    ['/v1/rerank'],
    { ...plain, documents: objects, top_n: 1 },
    {
      model: MODEL,
      object: 'list',
      usage: { total_tokens: tokens },
      results: [{ ...first, ...worded(DOCUMENTS[1]!) }],
    },
  ],
  [
    'jina',
    'without texts',
    ['/v1/rerank'],
    { ...plain, return_documents: false },
    expect.objectContaining({ results: [first, second, third] }),
  ],
  [
    'voyage',
    'top_k, data, texts as strings',
    ['/v1/rerank'],
    { ...plain, top_k: 1, return_documents: true, truncation: true },
    {
      object: 'list',
      data: [{ ...first, document: DOCUMENTS[1] }],
      model: MODEL,
      usage: { total_tokens: tokens },
    },
  ],
  [
    'tei',
    'a bare list',
    ['/rerank'],
    { query: QUERY, texts: DOCUMENTS, return_text: true },
    [best, middle, last].map((score, at) => ({
      index: [1, 2, 0][at],
      text: DOCUMENTS[[1, 2, 0][at]!],
      score: squashed(score),
    })),
  ],
  [
    'tei',
    'raw scores',
    ['/rerank'],
    { query: QUERY, texts: DOCUMENTS, raw_scores: true },
    [best, middle, last].map((score, at) => ({ index: [1, 2, 0][at], score })),
  ],
  [
    'infinity',
    'texts as strings, or null',
    ['/rerank'],
    { ...plain, top_n: 2, raw_scores: true },
    {
      object: 'rerank',
      results: relevance([best, middle]).map((one) => ({ ...one, document: null })),
      model: MODEL,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
      id: expect.any(String),
    },
  ],
  [
    'llama-cpp',
    'raw scores, any model name',
    ['/v1/rerank', '/rerank', '/v1/reranking', '/reranking'],
    { ...plain, model: 'whatever', top_n: 2 },
    {
      model: MODEL,
      object: 'list',
      usage: { prompt_tokens: tokens, total_tokens: tokens },
      results: relevance([best, middle]),
    },
  ],
  [
    'nim',
    'logits',
    ['/v1/ranking'],
    nimBody,
    {
      rankings: [best, middle]
        .map((score, at) => ({ index: at + 1, logit: Math.log(score) }))
        .concat([{ index: 0, logit: Math.log(1e-9) }]),
    },
  ],
];

describe('the form of', () => {
  it.each(ROWS)('%s: %s', async (form, _name, paths, body, reply) => {
    const { post } = await rerank(form);
    for (const path of paths) {
      const response = await post(path, body);
      expect([response.status, await response.json()]).toEqual([200, reply]);
    }
  });

  it('tei counts in headers', async () => {
    const { post } = await rerank('tei');
    const { headers } = await post('/rerank', { query: QUERY, texts: DOCUMENTS });
    expect(Number(headers.get('x-compute-tokens'))).toBeGreaterThan(0);
    expect(Number(headers.get('x-compute-characters'))).toBe(3 * QUERY.length + DOCUMENTS.join('').length);
  });

  const PATHS = ['/rerank', '/v1/rerank', '/v2/rerank', '/v1/ranking', '/reranking'];
  it.each(RERANK_FORMS)('%s has its own paths and no others', async (form) => {
    const { post } = await rerank(form);
    const own = new Set(ROWS.filter(([name]) => name === form).flatMap(([, , paths]) => paths));
    for (const path of PATHS) expect((await post(path, {})).status === 404).toBe(!own.has(path));
  });
});

const detail = { detail: expect.any(String) };
const llama = { error: { code: 400, message: expect.any(String), type: 'invalid_request_error' } };
const unfit = expect.stringMatching(/^Failed to deserialize the JSON body/);
const teiBody = { query: QUERY, texts: DOCUMENTS };

describe('a request in another form is refused by', () => {
  it.each<[RerankForm, string, object, number, unknown]>([
    [
      'vllm',
      '/rerank',
      teiBody,
      400,
      { error: { message: expect.any(String), type: 'BadRequestError', param: 'documents', code: 400 } },
    ],
    ['vllm', '/rerank', { ...plain, model: 'other' }, 404, { error: expect.objectContaining({ code: 404 }) }],
    ['cohere', '/v2/rerank', { ...plain, documents: objects }, 400, { message: expect.any(String) }],
    ['cohere', '/v2/rerank', { query: QUERY, documents: DOCUMENTS }, 400, { message: expect.any(String) }],
    ['jina', '/v1/rerank', { ...teiBody, model: MODEL }, 422, detail],
    ['voyage', '/v1/rerank', { ...plain, top_n: 2 }, 400, { detail: "Argument 'top_n' is not supported by our API." }],
    ['voyage', '/v1/rerank', { ...plain, documents: objects }, 400, detail],
    ['tei', '/rerank', plain, 422, unfit],
    ['tei', '/rerank', { query: QUERY, texts: [] }, 400, { error: expect.any(String), error_type: 'Empty' }],
    [
      'tei',
      '/rerank',
      { query: QUERY, texts: Array(33).fill('x') },
      413,
      { error: expect.any(String), error_type: 'Validation' },
    ],
    [
      'infinity',
      '/rerank',
      teiBody,
      422,
      { detail: [{ type: 'value_error', loc: ['body', 'documents'], msg: expect.any(String) }] },
    ],
    ['infinity', '/rerank', { ...plain, model: 'other' }, 404, { error: expect.objectContaining({ code: 404 }) }],
    ['llama-cpp', '/v1/rerank', nimBody, 400, llama],
    ['nim', '/v1/ranking', plain, 422, expect.objectContaining({ object: 'error' })],
    ['nim', '/v1/ranking', { ...nimBody, passages: DOCUMENTS }, 422, expect.objectContaining({ object: 'error' })],
  ])('%s at %s: %j', async (form, path, body, status, reply) => {
    const { post } = await rerank(form);
    const response = await post(path, body);
    const text = await response.text();
    const json = response.headers.get('content-type') === 'application/json';
    expect([response.status, json ? JSON.parse(text) : text]).toEqual([status, reply]);
  });
});

describe('a rerank worker', () => {
  it('serves the official Cohere client', async () => {
    const { worker } = await rerank('cohere', { apiKey: 'secret' });
    const cohere = new CohereClientV2({ environment: worker.url, token: 'secret', maxRetries: 0 });
    const reply = await cohere.rerank({ model: MODEL, query: QUERY, documents: DOCUMENTS, topN: 2 });
    expect(reply.results.map(({ index }) => index)).toEqual([1, 2]);
    expect(reply.results[0]?.relevanceScore).toBe(squashed(best));
    expect(reply.meta?.billedUnits?.searchUnits).toBe(1);
    const stranger = new CohereClientV2({ environment: worker.url, token: 'wrong', maxRetries: 0 });
    await expect(stranger.rerank(plain)).rejects.toMatchObject({ statusCode: 401 });
  });

  it('serves it in the form of vLLM as well', async () => {
    const { worker } = await rerank('vllm');
    const cohere = new CohereClientV2({ environment: worker.url, token: 'any', maxRetries: 0 });
    const { results } = await cohere.rerank({ model: MODEL, query: QUERY, documents: DOCUMENTS });
    expect(results.map(({ index }) => index)).toEqual([1, 2, 0]);
  });

  it('has the plain routes of the others', async () => {
    const { client, get } = await rerank('nim');
    expect((await client.models.list()).data).toMatchObject([{ id: MODEL, object: 'model' }]);
    for (const path of ['/health', '/metrics', '/version', '/load']) expect((await get(path)).status).toBe(200);
  });

  it('says how it is where NIM says it, in that form alone and without a key', async () => {
    const { get, post } = await rerank('nim', { apiKey: 'secret' });
    expect((await get('/v1/health/ready')).status).toBe(200);
    await post('/sleep', '');
    expect((await get('/v1/health/ready')).status).toBe(503);
    expect((await (await rerank('vllm')).get('/v1/health/ready')).status).toBe(404);
  });

  it('wants its key on every route that reranks', async () => {
    for (const [form, , paths] of ROWS) {
      const { post } = await rerank(form, { apiKey: 'secret' });
      for (const path of paths) expect((await post(path, {})).status).toBe(401);
    }
  });

  it('refuses a pair that is longer than its context', async () => {
    const { post } = await rerank('vllm', { maxModelLen: 20 });
    expect((await post('/rerank', { ...plain, documents: ['short', 'word '.repeat(100)] })).status).toBe(400);
  });
});
