// Which replies of rerank workers are refused, in every pair of forms: no caller ever gets a ranking that is not one.
// For src/dialects/rerank.
import { describe, expect, it } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import { RERANK_FORMS, type RerankForm } from '../../src/core/names.ts';
import { bytesOf } from './json-bodies.ts';
import { asked, CALLERS, type Caller, parseRerank, ROUTE_OF, targetOf } from './rerank-forms.ts';

const PAIRS = CALLERS.flatMap((caller) => RERANK_FORMS.map((form) => [caller, form] as const));
const SCORE: Readonly<Record<RerankForm, string>> = {
  cohere: 'relevance_score',
  jina: 'relevance_score',
  voyage: 'relevance_score',
  tei: 'score',
  vllm: 'relevance_score',
  infinity: 'relevance_score',
  'llama-cpp': 'relevance_score',
  nim: 'logit',
};
const LIST: Readonly<Partial<Record<RerankForm, string>>> = { voyage: 'data', nim: 'rankings' };

/** A reply of this form; each result is given as the JSON text of its index and of its score. */
function replyText(form: RerankForm, results: readonly (readonly [string, string])[]): string {
  const list = results.map(([index, score]) => `{"index":${index},"${SCORE[form]}":${score},"document":{"text":"a"}}`);
  return form === 'tei' ? `[${list.join()}]` : `{"${LIST[form] ?? 'results'}":[${list.join()}]}`;
}

function check(caller: Caller, form: RerankForm, reply: string, cut: number | null = null): RouterError | null {
  const wish = { query: 'q', texts: ['a', 'b', 'c'], cut, echo: true };
  const upstream = parseRerank(ROUTE_OF[caller], asked(caller, wish)).toward(targetOf(form), 'served');
  try {
    upstream.check(bytesOf(reply), {});
    return null;
  } catch (thrown) {
    if (thrown instanceof RouterError) return thrown;
    throw thrown;
  }
}

const good = [
  ['2', '0.9'],
  ['0', '0.5'],
  ['1', '-1e-7'],
] as const;
const HOSTILE: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  ['an index beyond the documents', [...good.slice(0, 2), ['3', '0.1']]],
  ['a negative index', [...good.slice(0, 2), ['-1', '0.1']]],
  ['a broken index', [...good.slice(0, 2), ['1.5', '0.1']]],
  ['an index that is text', [...good.slice(0, 2), ['"1"', '0.1']]],
  ['no index', [...good.slice(0, 2), ['null', '0.1']]],
  ['one document twice', [...good.slice(0, 2), ['0', '0.1']]],
  ['NaN as null', [...good.slice(0, 2), ['1', 'null']]],
  ['NaN as text', [...good.slice(0, 2), ['1', '"NaN"']]],
  ['NaN itself', [...good.slice(0, 2), ['1', 'NaN']]],
  ['an infinite score', [...good.slice(0, 2), ['1', '1e999']]],
  ['a score that is a number as text', [...good.slice(0, 2), ['1', '"0.1"']]],
  ['a document left out', good.slice(0, 2)],
  ['none at all', []],
  ['more results than documents', [...good, ['2', '0.1']]],
];
const WHOLE: readonly (readonly [string, string])[] = [
  ['no ranking', '{"object":"list"}'],
  ['a list of another name', '{"items":[]}'],
  ['a ranking that is an object', '{"results":{},"data":{},"rankings":{}}'],
  ['results that are no objects', '{"results":[1,2,3],"data":[1,2,3],"rankings":[1,2,3]}'],
  ['null', 'null'],
  ['half a reply', '{"results":[{"index":0,'],
  ['nothing', ''],
  ['HTML', '<html>'],
  ['an error inside a 200', '{"error":{"message":"secret","type":"server_error"},"results":[]}'],
  ['an error text inside a 200', '{"error":"secret","error_type":"Backend"}'],
];

describe.each(PAIRS)('%s form in, a worker of the form %s', (caller, form) => {
  it('takes the good reply', () => {
    expect(check(caller, form, replyText(form, good))).toBe(null);
  });

  it.each(HOSTILE)('refuses %s', (_name, results) => {
    const error = check(caller, form, replyText(form, results));
    expect([error?.code, error?.blame, error?.retryable]).toEqual(['upstream_error', 'worker', true]);
  });

  it.each(WHOLE)('refuses %s', (_name, reply) => {
    const error = check(caller, form, reply);
    expect([error?.code, error?.blame]).toEqual(['upstream_error', 'worker']);
    expect(error?.message).not.toContain('secret');
  });

  it('knows an overload that is told inside a 200', () => {
    expect(check(caller, form, '{"error":{"code":503,"message":"x"}}')?.code).toBe('worker_full');
    expect(check(caller, form, '{"error":"x","error_type":"Overloaded"}')?.code).toBe('worker_full');
  });
});

it.each(['cohere', 'jina', 'voyage'] as const)(
  'a cut %s reply to its own form has as many results as asked',
  (form) => {
    expect(check(form, form, replyText(form, good.slice(0, 2)), 2)).toBe(null);
    expect(check(form, form, replyText(form, good.slice(0, 1)), 2)?.code).toBe('upstream_error');
    expect(check(form, form, replyText(form, good), 2)?.code).toBe('upstream_error');
  },
);

it('tokens that are no number, or an absurd one, are not metered', () => {
  const upstream = parseRerank('/v1/rerank', asked('jina', { query: 'q', texts: ['a'] })).toward(targetOf('nim'), 's');
  const usage = (total: string) =>
    upstream.check(bytesOf(`{"rankings":[{"index":0,"logit":1}],"usage":{"total_tokens":${total}}}`), {}).usage;
  for (const total of ['-1', '"9"', '1e300', 'null', '{}']) expect(usage(total)).toBe(null);
  expect(usage('7')?.uncachedTokens).toBe(7);
  const tei = parseRerank('/rerank', asked('tei', { query: 'q', texts: ['a'] })).toward(targetOf('tei'), 's');
  const counted = (said: string) => tei.check(bytesOf('[{"index":0,"score":1}]'), { 'x-compute-tokens': said }).usage;
  for (const said of ['', '-1', '1e9', '7 ', '9'.repeat(30)]) expect(counted(said)).toBe(null);
  expect(counted('7')?.uncachedTokens).toBe(7);
});
