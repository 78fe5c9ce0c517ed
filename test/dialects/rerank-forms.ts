// Decides how callers of each form ask, how a worker of each form answers, and what a caller must be told, all of it written
// from the servers' documentation and none of it with the router's own code. For the tests of src/dialects/rerank.
import type { ParsedCall, UpstreamCall } from '../../src/core/dialect.ts';
import { DEFAULT_HTTP_LIMITS } from '../../src/core/limits.ts';
import type { RerankForm } from '../../src/core/names.ts';
import type { PoolTarget } from '../../src/core/plan.ts';
import type { HeaderView } from '../../src/core/transport.ts';
import { dialects } from '../../src/dialects/index.ts';
import { bytesOf, textFrom } from './json-bodies.ts';

export const CALLERS = ['cohere', 'jina', 'voyage', 'tei'] as const;
export type Caller = (typeof CALLERS)[number];

export const ROUTES = { '/v2/rerank': 'rerank-v2', '/v1/rerank': 'rerank-v1', '/rerank': 'rerank' } as const;
export type Route = keyof typeof ROUTES;
export const ROUTE_OF: Readonly<Record<Caller, Route>> = {
  cohere: '/v2/rerank',
  jina: '/v1/rerank',
  voyage: '/v1/rerank',
  tei: '/rerank',
};
/** Callers who say how many they want. */
export const CUTS: Readonly<Record<Caller, string | null>> = {
  cohere: 'top_n',
  jina: 'top_n',
  voyage: 'top_k',
  tei: null,
};

export const parseRerank = (route: Route, body: unknown, limits = DEFAULT_HTTP_LIMITS): ParsedCall =>
  dialects[ROUTES[route]].parse(bytesOf(typeof body === 'string' ? body : JSON.stringify(body)), limits, {
    path: route,
    query: '',
    headers: {},
  });

export function targetOf(form: RerankForm | null): PoolTarget {
  return {
    kind: 'pool',
    name: 'pool',
    serves: 'served',
    zone: null,
    capabilities: null,
    speaks: new Set(['rerank']),
    contextTokens: null,
    maxItems: null,
    rerank: form === null ? null : { form, scores: 'undeclared' },
  };
}

export interface Wish {
  readonly query: string;
  readonly texts: readonly string[];
  readonly cut?: number | null;
  readonly echo?: boolean;
}

/** What a caller of this form sends for a wish. */
export function asked(caller: Caller, { query, texts, cut = null, echo = false }: Wish): Record<string, unknown> {
  switch (caller) {
    case 'cohere':
      return { model: 'asked', query, documents: texts, ...(cut === null ? {} : { top_n: cut }) };
    case 'jina':
      return {
        model: 'asked',
        query,
        documents: texts,
        ...(cut === null ? {} : { top_n: cut }),
        ...(echo ? {} : { return_documents: false }),
      };
    case 'voyage':
      return { model: 'asked', query, documents: texts, top_k: cut, ...(echo ? { return_documents: true } : {}) };
    default:
      return { query, texts, ...(echo ? { return_text: true } : {}) };
  }
}

export type Score = (text: string, index: number) => number;
interface Place {
  readonly index: number;
  readonly text: string;
  readonly score: number;
}

function places(texts: readonly string[], score: Score): Place[] {
  const all = texts.map((text, index) => ({ index, text, score: score(text, index) }));
  return all.sort((a, b) => (a.score === b.score ? a.index - b.index : b.score - a.score));
}

/** What the reply must say, without the fields that depend on the worker. */
export function expected(caller: Caller, wish: Wish, score: Score): unknown {
  const { cut = null, echo = false } = wish;
  const best = places(wish.texts, score).slice(0, CUTS[caller] === null || cut === null ? undefined : cut);
  switch (caller) {
    case 'cohere':
      return best.map(({ index, score }) => ({ index, relevance_score: score }));
    case 'jina':
      return best.map(({ index, text, score }) => ({
        index,
        relevance_score: score,
        ...(echo ? { document: { text } } : {}),
      }));
    case 'voyage':
      return best.map(({ index, text, score }) => ({
        index,
        relevance_score: score,
        ...(echo ? { document: text } : {}),
      }));
    default:
      return best.map(({ index, text, score }) => ({ index, score, ...(echo ? { text } : {}) }));
  }
}

/** The list of a reply in the caller's form. */
export function listOf(caller: Caller, reply: unknown): unknown {
  if (caller === 'tei') return reply;
  return (reply as Record<string, unknown>)[caller === 'voyage' ? 'data' : 'results'];
}

export const WORKER_PATHS: Readonly<Record<RerankForm, string>> = {
  cohere: '/v2/rerank',
  jina: '/v1/rerank',
  voyage: '/v1/rerank',
  tei: '/rerank',
  vllm: '/v1/rerank',
  infinity: '/rerank',
  'llama-cpp': '/v1/rerank',
  nim: '/v1/ranking',
};

/** Fields that a server of this form knows. */
const KNOWN: Readonly<Record<RerankForm, readonly string[]>> = {
  cohere: ['model', 'query', 'documents', 'top_n', 'max_tokens_per_doc', 'priority'],
  jina: ['model', 'query', 'documents', 'top_n', 'return_documents'],
  voyage: ['model', 'query', 'documents', 'top_k', 'return_documents', 'truncation'],
  tei: ['query', 'texts', 'raw_scores', 'return_text', 'truncate', 'truncation_direction'],
  vllm: ['model', 'query', 'documents', 'top_n', 'truncate_prompt_tokens', 'use_activation', 'priority'],
  infinity: ['model', 'query', 'documents', 'top_n', 'return_documents', 'raw_scores'],
  'llama-cpp': ['model', 'query', 'documents', 'top_n'],
  nim: ['model', 'query', 'passages', 'truncate'],
};
export const TOKENS = 42;

export interface Reply {
  readonly body: unknown;
  readonly headers: HeaderView;
}

/** A server of this form: refuses what its form does not know, and answers what it was asked. */
export function answer(form: RerankForm, call: UpstreamCall, score: Score): Reply {
  const body = JSON.parse(textFrom(call.body)) as Record<string, unknown>;
  for (const key of Object.keys(body)) if (!KNOWN[form].includes(key)) throw new Error(`${form} knows no ${key}`);
  if (call.path !== WORKER_PATHS[form]) throw new Error(`${form} serves no ${call.path}`);
  if (form !== 'tei' && body['model'] !== 'served') throw new Error(`${form} serves no ${String(body['model'])}`);
  const query = form === 'nim' ? (body['query'] as { text: unknown }).text : body['query'];
  if (typeof query !== 'string') throw new Error('no query');
  const all = places(textsOf(form, body), score);
  const cut = (body['top_n'] ?? body['top_k'] ?? 0) as number;
  const best = cut === 0 ? all : all.slice(0, cut);
  const usage = { usage: { total_tokens: TOKENS } };
  const results = (echo: ((text: string) => unknown) | null) =>
    best.map(({ index, text, score }) => ({
      index,
      relevance_score: score,
      ...(echo === null ? {} : { document: echo(text) }),
    }));
  const object = (text: string) => ({ text });
  const said = (key: string, unsaid = false) => (body[key] ?? unsaid) === true;
  switch (form) {
    case 'cohere':
      return { body: { id: 'c-1', results: results(null), meta: { billed_units: { search_units: 1 } } }, headers: {} };
    case 'jina':
      return {
        body: {
          model: 'said',
          object: 'list',
          ...usage,
          results: results(said('return_documents', true) ? object : null),
        },
        headers: {},
      };
    case 'voyage':
      return {
        body: {
          object: 'list',
          data: results(said('return_documents') ? (text) => text : null),
          model: 'said',
          ...usage,
        },
        headers: {},
      };
    case 'tei':
      return {
        body: best.map(({ index, text, score }) => ({ index, ...(said('return_text') ? { text } : {}), score })),
        headers: { 'x-compute-tokens': `${TOKENS}` },
      };
    case 'vllm':
      return { body: { id: 'rerank-1', model: 'said', ...usage, results: results(object) }, headers: {} };
    case 'infinity': {
      const body = { object: 'rerank', results: results(() => null), model: 'said', ...usage, id: 'i-1', created: 1 };
      return { body, headers: {} };
    }
    case 'llama-cpp':
      return { body: { model: 'said', object: 'list', ...usage, results: results(null) }, headers: {} };
    default:
      return { body: { rankings: best.map(({ index, score }) => ({ index, logit: score })) }, headers: {} };
  }
}

function textsOf(form: RerankForm, body: Readonly<Record<string, unknown>>): readonly string[] {
  const list = body[form === 'tei' ? 'texts' : form === 'nim' ? 'passages' : 'documents'] as readonly unknown[];
  return list.map((entry) => {
    const text = form === 'nim' || typeof entry !== 'string' ? (entry as { text: unknown }).text : entry;
    if (typeof text !== 'string') throw new Error('no text');
    return text;
  });
}

/** The reply as the router gives it to the caller, with what was read of it. */
export function checked(call: UpstreamCall, { body, headers }: Reply) {
  const { body: out, usage, servedModel } = call.check(bytesOf(JSON.stringify(body)), headers);
  return { reply: JSON.parse(textFrom(out)) as unknown, text: textFrom(out), usage, servedModel };
}
