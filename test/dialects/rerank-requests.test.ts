// What is read of a rerank call, what is refused and in whose shape, and what a worker of another form is told of it.
// For src/dialects/rerank.
import { describe, expect, it } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import { DEFAULT_HTTP_LIMITS } from '../../src/core/limits.ts';
import { RERANK_FORMS, type RerankForm } from '../../src/core/names.ts';
import { dialects } from '../../src/dialects/index.ts';
import { textFrom } from './json-bodies.ts';
import { parseRerank, ROUTES, type Route, targetOf } from './rerank-forms.ts';

const routes = Object.keys(ROUTES) as Route[];
const plain = { model: 'm', query: 'q', documents: ['a', 'b'] };
const texts = { query: 'q', texts: ['a', 'b'] };

function refusal(route: Route, body: unknown, limits = DEFAULT_HTTP_LIMITS): RouterError {
  try {
    parseRerank(route, body, limits);
  } catch (thrown) {
    if (thrown instanceof RouterError) return thrown;
    throw thrown;
  }
  throw new Error(`accepted: ${JSON.stringify(body).slice(0, 80)}`);
}

/** The body that a worker of this form gets, and what is dropped on the way. */
function sent(route: Route, body: unknown, form: RerankForm) {
  const upstream = parseRerank(route, body).toward(targetOf(form), 'served');
  return { body: JSON.parse(textFrom(upstream.body)) as unknown, dropped: upstream.dropped };
}

describe('which form a call has', () => {
  const keys = (route: Route, body: object) => {
    const upstream = parseRerank(route, body).toward(targetOf('nim'), 'served');
    const nim = new TextEncoder().encode('{"rankings":[{"index":1,"logit":2},{"index":0,"logit":1}]}');
    return Object.keys(JSON.parse(textFrom(upstream.check(nim, {}).body)));
  };
  it.each([
    ['/v2/rerank', plain, ['results']],
    ['/v1/rerank', plain, ['object', 'model', 'results']],
    ['/v1/rerank', { ...plain, top_k: null }, ['object', 'data', 'model']],
    ['/v1/rerank', { ...plain, truncation: true }, ['object', 'data', 'model']],
    ['/rerank', texts, ['0', '1']],
    ['/rerank', plain, ['object', 'model', 'results']],
  ] as const)('%s with %o', (route, body, expected) => {
    expect(keys(route, body)).toEqual(expected);
  });
});

describe('the model', () => {
  it.each(['/v2/rerank', '/v1/rerank'] as const)('must be named on %s', (route) => {
    const { model: _, ...unnamed } = plain;
    const error = refusal(route, unnamed);
    expect([error.code, error.detail.param, error.status]).toEqual(['missing_field', 'model', 400]);
    expect(refusal(route, { ...plain, model: null }).code).toBe('invalid_value');
    expect(refusal(route, { ...plain, model: 'a\n' }).code).toBe('invalid_value');
  });

  it('may be left out on /rerank: the target is then told the one it serves, where its form has a place for it', () => {
    for (const model of [undefined, null]) {
      const { model: _, ...unnamed } = plain;
      for (const body of [
        { ...unnamed, model },
        { ...texts, model },
      ]) {
        expect(parseRerank('/rerank', body).model).toBe('');
        for (const form of RERANK_FORMS) {
          expect([null, undefined, 'served']).toContain(
            (sent('/rerank', body, form).body as { model?: unknown }).model,
          );
        }
        expect(sent('/rerank', body, 'vllm').body).toMatchObject({ model: 'served' });
        expect(sent('/rerank', body, 'tei').body).not.toMatchObject({ model: 'served' });
      }
    }
    expect(sent('/rerank', { ...texts, model: 'm' }, 'tei').body).toEqual({ ...texts, model: 'served' });
    expect(refusal('/rerank', { ...texts, model: '' }).code).toBe('invalid_value');
  });
});

describe('refusals', () => {
  const bad = [
    [{ query: undefined }, 'missing_field', 'query'],
    [{ query: 7 }, 'invalid_value', 'query'],
    [{ query: { text: 'q' } }, 'invalid_value', 'query'],
    [{ documents: undefined }, 'missing_field', 'documents'],
    [{ documents: [] }, 'missing_field', 'documents'],
    [{ documents: 'a' }, 'invalid_value', 'documents'],
    [{ documents: { text: 'a' } }, 'invalid_value', 'documents'],
    [{ documents: ['a', 1] }, 'invalid_value', 'documents'],
    [{ documents: [null] }, 'invalid_value', 'documents'],
    [{ documents: [['a']] }, 'invalid_value', 'documents'],
    [{ documents: ['a', { image: 'data:' }] }, 'invalid_value', 'documents'],
    [{ documents: [{ text: 1 }] }, 'invalid_value', 'documents'],
    [{ top_n: 1.5 }, 'invalid_value', 'top_n'],
    [{ top_n: -1 }, 'invalid_value', 'top_n'],
    [{ top_n: '1' }, 'invalid_value', 'top_n'],
    [{ stream: true }, 'invalid_value', 'stream'],
  ] as const;
  for (const route of routes) {
    it.each(bad)(`${route} with %o is a 400 that names the field`, (more, code, param) => {
      const error = refusal(route, { ...plain, ...more });
      expect([error.status, error.code, error.detail.param, error.blame]).toEqual([400, code, param, 'caller']);
      expect(error.message).toContain(`"${param}"`);
    });
  }

  it('a stream is refused with the reason, and `stream: false` is no more than silence', () => {
    expect(refusal('/v2/rerank', { ...plain, stream: true }).message).toMatch(/never streamed/);
    expect(sent('/v2/rerank', { ...plain, stream: false }, 'jina').dropped).toEqual([]);
  });

  it('the forms have their own least cut', () => {
    expect(refusal('/v2/rerank', { ...plain, top_n: 0 }).detail.param).toBe('top_n');
    expect(refusal('/v1/rerank', { ...plain, top_k: 0 }).detail.param).toBe('top_k');
    expect(refusal('/v1/rerank', { ...plain, top_k: 1, return_documents: 1 }).detail.param).toBe('return_documents');
    expect(refusal('/v2/rerank', { ...plain, max_tokens_per_doc: 0 }).detail.param).toBe('max_tokens_per_doc');
    expect(refusal('/rerank', { ...texts, raw_scores: 'yes' }).detail.param).toBe('raw_scores');
    // vLLM's clients say 0 for all; Jina's API knows no 0, so it is not told.
    expect(sent('/v1/rerank', { ...plain, top_n: 0 }, 'jina').body).not.toHaveProperty('top_n');
    expect(sent('/rerank', { ...plain, top_n: 0 }, 'vllm').body).toHaveProperty('top_n', 0);
  });

  it('F019 a key that stands twice is refused, also one that only some forms read', () => {
    expect(refusal('/rerank', '{"query":"q","texts":["a"],"texts":["b"]}').code).toBe('duplicate_key');
  });

  it('F022 more documents than the limit are a 400 that names it; their tokens do not count', () => {
    const limits = { ...DEFAULT_HTTP_LIMITS, maxTokens: 100 };
    const many = (count: number) => Array.from({ length: count }, () => 'a,]\\"');
    for (const route of routes) {
      expect(parseRerank(route, { ...plain, documents: many(2048) }, limits).model).toBe('m');
      const error = refusal(route, { ...plain, documents: many(2049) }, limits);
      expect([error.code, error.message]).toEqual(['too_many', '"documents" has 2049 entries; the limit is 2048.']);
    }
    expect(parseRerank('/rerank', { query: 'q', texts: many(2048) }, limits).model).toBe('');
    expect(refusal('/rerank', { query: 'q', texts: many(2049) }, limits).code).toBe('too_many');
    expect(refusal('/rerank', { ...texts, other: many(200) }, limits).code).toBe('too_complex');
  });
});

describe('errors have the shape of the route', () => {
  const bodyOf = (route: Route, error: RouterError): unknown =>
    JSON.parse(dialects[ROUTES[route]].errorBody(error, 'req_1'));
  const error = new RouterError('invalid_value', 'No.', { param: 'query' });

  it('Cohere, Jina and Voyage, TEI', () => {
    expect(bodyOf('/v2/rerank', error)).toEqual({ id: 'req_1', message: 'No.' });
    expect(bodyOf('/v1/rerank', error)).toEqual({ detail: 'No.', message: 'No.' });
    expect(bodyOf('/rerank', error)).toEqual({ error: 'No.', error_type: 'Validation', detail: 'No.' });
    for (const route of routes) expect(dialects[ROUTES[route]].errorStatus(error)).toBe(400);
  });

  it.each([
    ['Empty', refusal('/rerank', { query: 'q', texts: [] })],
    ['Validation', new RouterError('model_not_found', 'x')],
    ['Overloaded', new RouterError('capacity_contended', 'x')],
    ['Overloaded', new RouterError('server_is_overloaded', 'x')],
    ['Unhealthy', new RouterError('model_warming', 'x')],
    ['Unhealthy', new RouterError('draining', 'x')],
    ['Backend', new RouterError('upstream_error', 'x')],
    ['Backend', new RouterError('upstream_timeout', 'x')],
    ['Backend', new RouterError('internal_error', 'x')],
  ])("TEI's %s", (type, thrown) => {
    expect(bodyOf('/rerank', thrown)).toMatchObject({ error_type: type });
  });
});

describe('F131 what a worker of another form is told', () => {
  it.each([
    ['/v1/rerank', { ...plain, truncation: true }, 'tei', { truncate: true }, []],
    ['/v1/rerank', { ...plain, truncation: true }, 'nim', { truncate: 'END' }, []],
    ['/v1/rerank', { ...plain, truncation: false }, 'nim', { truncate: 'NONE' }, []],
    ['/v1/rerank', { ...plain, truncation: true }, 'vllm', { truncate_prompt_tokens: -1 }, []],
    ['/v1/rerank', { ...plain, truncation: true }, 'cohere', {}, []],
    ['/v1/rerank', { ...plain, truncation: false }, 'cohere', {}, ['truncation']],
    ['/v1/rerank', { ...plain, truncation: true }, 'infinity', {}, ['truncation']],
    ['/rerank', { ...texts, truncate: false }, 'voyage', { truncation: false }, []],
    ['/rerank', { ...texts, raw_scores: true }, 'infinity', { raw_scores: true }, []],
    ['/rerank', { ...texts, raw_scores: true }, 'vllm', { use_activation: false }, []],
    ['/rerank', { ...texts, raw_scores: true }, 'nim', {}, []],
    ['/rerank', { ...texts, raw_scores: false }, 'llama-cpp', {}, ['raw_scores']],
    ['/rerank', { ...texts, raw_scores: true }, 'cohere', {}, ['raw_scores']],
    ['/rerank', { ...texts, raw_scores: false }, 'cohere', {}, []],
    ['/rerank', { ...texts, truncation_direction: 'Left' }, 'nim', {}, ['truncation_direction']],
    ['/v2/rerank', { ...plain, max_tokens_per_doc: 9 }, 'vllm', {}, ['max_tokens_per_doc']],
    ['/v2/rerank', { ...plain, priority: 3, x_new: 1 }, 'vllm', {}, ['priority', 'x_new']],
    ['/v2/rerank', { ...plain, truncate_prompt_tokens: 9 }, 'vllm', { truncate_prompt_tokens: 9 }, []],
    ['/rerank', { ...texts, toString: 1, valueOf: true }, 'vllm', {}, ['toString', 'valueOf']],
    ['/v1/rerank', { ...plain, max_tokens_per_doc: 9 }, 'cohere', { max_tokens_per_doc: 9 }, []],
    ['/v1/rerank', { ...plain, truncation: true, top_n: 1 }, 'jina', {}, ['truncation', 'top_n']],
    [
      '/v1/rerank',
      { ...plain, documents: ['a', { text: 'b', id: 1, url: 2 }] },
      'cohere',
      {},
      ['documents[].id', 'documents[].url'],
    ],
    ['/v2/rerank', { ...plain, top_n: null, max_tokens_per_doc: null, x_new: null }, 'infinity', {}, []],
  ] as const)('%s with %o to %s', (route, body, form, more, dropped) => {
    const list = form === 'tei' ? { texts: ['a', 'b'] } : { documents: ['a', 'b'] };
    const core =
      form === 'nim' ? { query: { text: 'q' }, passages: [{ text: 'a' }, { text: 'b' }] } : { query: 'q', ...list };
    const quiet = form === 'jina' ? { return_documents: false } : {};
    const model = form === 'tei' ? {} : { model: 'served' };
    const out = sent(route, body, form);
    expect(out.body).toEqual({ ...model, ...core, ...quiet, ...more });
    expect(out.dropped).toEqual(dropped);
  });

  it("texts go on in the caller's own bytes where the worker takes a plain list", () => {
    const text = '{"model":"m","query":"\\u0071\\/","documents": [ "\\ud800", "\\u0061" ]}';
    const upstream = parseRerank('/v2/rerank', text).toward(targetOf('voyage'), 'm');
    expect(textFrom(upstream.body)).toBe('{"model":"m","query":"\\u0071\\/","documents":[ "\\ud800", "\\u0061" ]}');
  });

  it('the names of dropped fields fit a header, whatever and however many they are', () => {
    const odd = Object.fromEntries(
      Array.from({ length: 100 }, (_, at) => [`k${at},\r\n\u{1f44b}${'x'.repeat(99)}`, 1]),
    );
    const { dropped } = sent('/v2/rerank', { ...plain, ...odd }, 'tei');
    expect(dropped).toHaveLength(17);
    expect(dropped.at(-1)).toBe('84 more');
    for (const name of dropped) expect(name).toMatch(/^[\w.[\]? -]{1,64}$/);
  });
});
