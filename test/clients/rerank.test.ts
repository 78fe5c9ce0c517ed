// Rerank callers of every form, cohere-ai unchanged among them, against demo workers that wear every form, as processes of
// their own.
import { CohereClientV2, CohereError } from 'cohere-ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RERANK_FORMS } from '../../src/core/names.ts';
import { ranked } from '../../src/demo/rerank.ts';
import { asked, CALLERS, type Caller, CUTS, listOf, ROUTE_OF, type Wish } from '../dialects/rerank-forms.ts';
import { eventually, eventuallyHolds } from '../fakes/eventually.ts';
import { startTestRouter, type TestRouter } from '../fakes/running-router.ts';

const PAIRS = CALLERS.flatMap((caller) => RERANK_FORMS.map((form) => [caller, form] as const));
const QUERY = 'When does the cat eat?';
const TEXTS = ['Dogs sleep.', 'The cat will eat at noon.', 'A cat.', '', 'Dogs sleep.', 'Cats "eat" \u{1f431}'];
const ORDER = ranked(QUERY, TEXTS).map(({ index }) => index);
const meaningOf = (form: string) => (form === 'nim' || form === 'llama-cpp' ? 'logit' : 'probability');

const POLICY = [
  'version: 1',
  'pools:',
  ...RERANK_FORMS.flatMap((form) => [
    `  ${form}:`,
    '    engine: vllm',
    '    serves: demo-rerank',
    `    rerank: { form: ${form}, scores: ${meaningOf(form)} }`,
    `    workers: [ { demo: rerank, rerankForm: ${form}, prefillTokensPerSecond: 0 } ]`,
  ]),
  'models:',
  ...RERANK_FORMS.map((form) => `  by-${form}: { class: rerank, ladder: [ { pool: ${form} } ] }`),
  'classes:',
  '  rerank: { default: by-tei }',
  '',
].join('\n');

let router: TestRouter;
let client: CohereClientV2;

beforeAll(async () => {
  router = await startTestRouter({ policy: POLICY });
  client = new CohereClientV2({ environment: origin(), token: 'any', maxRetries: 0 });
  await eventually(() => router.running.router.status().pools.every(({ condition }) => condition === 'ready'), {
    deadlineMs: 30_000,
  });
}, 40_000);
afterAll(async () => {
  await eventuallyHolds(() => {
    const status = router.running.router.status();
    expect(status.openCalls).toBe(0);
    expect(status.pools.map(({ inFlight, waiting }) => inFlight + waiting)).toEqual(RERANK_FORMS.map(() => 0));
  });
  await router.close();
  expect(router.log.of('fault')).toEqual([]);
});

const origin = () => `http://127.0.0.1:${router.port}`;

const post = (path: string, body: unknown) =>
  fetch(origin() + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer any' },
    body: JSON.stringify(body),
  });

const send = (caller: Caller, form: string, wish: Wish) =>
  post(ROUTE_OF[caller], { ...asked(caller, wish), model: `by-${form}` });

describe.each(PAIRS)('%s form in, a demo worker of the form %s', (caller, form) => {
  it('answers best first, with the texts that were asked, and says what the scores mean', async () => {
    const wish = { query: QUERY, texts: TEXTS, cut: 3, echo: true };
    const response = await send(caller, form, wish);
    expect(response.status).toBe(200);
    expect(response.headers.get('x-spillway-served')).toBe(`${form}/demo-rerank`);
    expect(response.headers.get('x-spillway-scores')).toBe(meaningOf(form));
    expect(response.headers.has('x-spillway-dropped')).toBe(false);
    const list = listOf(caller, await response.json()) as Record<string, unknown>[];
    const order = CUTS[caller] === null ? ORDER : ORDER.slice(0, 3);
    expect(list.map(({ index }) => index)).toEqual(order);
    const scores = list.map((one) => (one['relevance_score'] ?? one['score']) as number);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    const texts = list.map(({ document, text }) => (document as { text?: unknown })?.text ?? document ?? text);
    expect(texts).toEqual(caller === 'cohere' ? order.map(() => undefined) : order.map((index) => TEXTS[index]));
  });
});

describe('cohere-ai', () => {
  it.each(RERANK_FORMS)('is served by a worker of the form %s', async (form) => {
    const { data, rawResponse } = await client
      .rerank({ model: `by-${form}`, query: QUERY, documents: [...TEXTS], topN: 2, maxTokensPerDoc: 512 })
      .withRawResponse();
    expect(data.results.map(({ index }) => index)).toEqual(ORDER.slice(0, 2));
    for (const { relevanceScore } of data.results) expect(Number.isFinite(relevanceScore)).toBe(true);
    expect(rawResponse.headers.get('x-spillway-dropped')).toBe(form === 'cohere' ? null : 'max_tokens_per_doc');
    if (form === 'cohere') expect(data.meta?.billedUnits?.searchUnits).toBe(1);
    else if (form === 'nim') expect(data.meta).toBe(undefined);
    else expect(data.meta?.tokens?.inputTokens).toBeGreaterThan(0);
  });

  it('gets a refusal as the error it knows, with the text of the router', async () => {
    const refused = client.rerank({ model: 'by-tei', query: QUERY, documents: [] });
    await expect(refused).rejects.toMatchObject({
      statusCode: 400,
      body: { id: expect.stringMatching(/^req_/), message: '"documents" is empty: give at least one.' },
    });
    const unknown = client.rerank({ model: 'nobody', query: QUERY, documents: ['a'] });
    await expect(unknown).rejects.toBeInstanceOf(CohereError);
    await expect(unknown).rejects.toMatchObject({ statusCode: 404 });
  });
});

describe('the class', () => {
  it("without a model, as TEI's form allows, the class's default one answers", async () => {
    const response = await post('/rerank', { query: QUERY, texts: TEXTS });
    expect(response.headers.get('x-spillway-asked')).toBe('by-tei');
    expect(((await response.json()) as { index: number }[]).map(({ index }) => index)).toEqual(ORDER);
    const documents = await post('/rerank', { query: QUERY, documents: TEXTS, top_n: 1 });
    expect(await documents.json()).toMatchObject({
      results: [{ index: ORDER[0], document: { text: TEXTS[ORDER[0]!] } }],
    });
  });

  it('a refusal of the worker is the caller\u2019s, in the shape of the route', async () => {
    // The demo worker takes at most 32 texts in TEI's form, as TEI does by default.
    const many = Array.from({ length: 33 }, (_, at) => `text ${at}`);
    const response = await post('/rerank', { query: QUERY, texts: many });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error_type: 'Validation' });
  });
});
