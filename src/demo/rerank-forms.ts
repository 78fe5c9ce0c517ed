// How each rerank server is asked and answers: paths, fields, scores, errors. For rerank workers, which wear one form.
import type { RerankForm } from '../core/names.ts';
import { type Call, checkModel } from './call.ts';
import { badRequest, errorBody, jsonRefusal, openAiRefusal, type Refusal, WorkerError } from './errors.ts';
import { flagOf, isObject } from './fields.ts';
import type { Ranked } from './rerank.ts';
import { documentsQuestion, type RerankQuestion, requireModel, textField, textsField } from './rerank-fields.ts';

export interface RerankFacts {
  readonly id: string;
  readonly model: string;
  readonly tokens: number;
  readonly characters: number;
  readonly documents: number;
  readonly tookMs: number;
}

export interface DescribedForm {
  readonly paths: readonly string[];
  /** Throws a WorkerError when the request is not one of this form. */
  readonly read: (call: Call) => RerankQuestion;
  readonly reply: (ranked: readonly Ranked[], question: RerankQuestion, facts: RerankFacts) => unknown;
  readonly headers?: (facts: RerankFacts) => Readonly<Record<string, string>>;
  readonly refusal: Refusal;
}

/** Below every score that a shared word gives; the logarithm of 0 is no JSON. */
const LEAST_SCORE = 1e-9;
/** TEI's default `max_client_batch_size`. */
const TEI_MOST_TEXTS = 32;

const squashed = (score: number) => score / (1 + score);
const relevance = ({ index, score }: Ranked) => ({ index, relevance_score: squashed(score) });

/** Says 400 as `status`, as servers do that check the form of a body apart. */
const refusedAs =
  (status: number, bodyOf: (error: WorkerError) => unknown): Refusal =>
  (error) => ({
    status: error.status === 400 ? status : error.status,
    contentType: 'application/json',
    body: JSON.stringify(bodyOf(error)),
  });

const vllm: DescribedForm = {
  paths: ['/rerank', '/v1/rerank', '/v2/rerank'],
  read: (call) => {
    const question = documentsQuestion(call.body, 'top_n', true);
    checkModel(call);
    return question;
  },
  reply: (ranked, _question, { id, model, tokens }) => ({
    id: `rerank-${id}`,
    model,
    usage: { total_tokens: tokens },
    results: ranked.map((one) => ({
      index: one.index,
      document: { text: one.text },
      relevance_score: squashed(one.score),
    })),
  }),
  refusal: openAiRefusal,
};

const cohere: DescribedForm = {
  paths: ['/v2/rerank'],
  read: (call) => {
    requireModel(call);
    return documentsQuestion(call.body, 'top_n');
  },
  reply: (ranked, _question, { id, documents }) => ({
    id,
    results: ranked.map(relevance),
    // A search unit is one query over at most a hundred documents.
    meta: { api_version: { version: '2' }, billed_units: { search_units: Math.ceil(documents / 100) } },
  }),
  refusal: jsonRefusal(({ message }) => JSON.stringify({ message })),
};

const jina: DescribedForm = {
  paths: ['/v1/rerank'],
  read: (call) => {
    requireModel(call);
    const question = documentsQuestion(call.body, 'top_n', true);
    return { ...question, texts: call.body['return_documents'] !== false };
  },
  reply: (ranked, { texts }, { model, tokens }) => ({
    model,
    object: 'list',
    usage: { total_tokens: tokens },
    results: ranked.map((one) => ({ ...relevance(one), ...(texts ? { document: { text: one.text } } : {}) })),
  }),
  refusal: refusedAs(422, ({ message }) => ({ detail: message })),
};

const VOYAGE_FIELDS = ['query', 'documents', 'model', 'top_k', 'return_documents', 'truncation'];

const voyage: DescribedForm = {
  paths: ['/v1/rerank'],
  read: (call) => {
    requireModel(call);
    for (const key of Object.keys(call.body)) {
      if (!VOYAGE_FIELDS.includes(key)) throw badRequest(`Argument '${key}' is not supported by our API.`, key);
    }
    return documentsQuestion(call.body, 'top_k');
  },
  reply: (ranked, { texts }, { model, tokens }) => ({
    object: 'list',
    data: ranked.map((one) => ({ ...relevance(one), ...(texts ? { document: one.text } : {}) })),
    model,
    usage: { total_tokens: tokens },
  }),
  refusal: refusedAs(400, ({ message }) => ({ detail: message })),
};

const TEI_TYPES: Record<number, string> = { 413: 'Validation', 422: 'Tokenizer', 429: 'Overloaded', 503: 'Unhealthy' };

/** A body that does not fit TEI's types is refused before TEI sees it, in plain text. */
const teiRefusal: Refusal = (error) => {
  const { message, status, type } = error;
  if (status === 400 && type !== 'Empty') {
    const text = `Failed to deserialize the JSON body into the target type: ${message}`;
    return { status: 422, contentType: 'text/plain; charset=utf-8', body: text };
  }
  const named = type === 'Empty' ? type : (TEI_TYPES[status] ?? 'Backend');
  return {
    status,
    contentType: 'application/json',
    body: JSON.stringify({ error: message, error_type: named }),
  };
};

const tei: DescribedForm = {
  paths: ['/rerank'],
  read: ({ body }) => {
    if (Array.isArray(body['texts']) && body['texts'].length === 0) {
      throw new WorkerError(400, 'Empty', '`texts` cannot be empty');
    }
    const documents = textsField(body, 'texts');
    if (documents.length > TEI_MOST_TEXTS) {
      const text = `batch size ${documents.length} > maximum allowed batch size ${TEI_MOST_TEXTS}`;
      throw new WorkerError(413, 'Validation', text);
    }
    const texts = flagOf(body, 'return_text');
    return { query: textField(body, 'query'), documents, top: 0, texts, raw: flagOf(body, 'raw_scores') };
  },
  reply: (ranked, { texts, raw }) =>
    ranked.map(({ index, text, score }) => ({
      index,
      ...(texts ? { text } : {}),
      score: raw ? score : squashed(score),
    })),
  headers: ({ tokens, characters, tookMs }) => ({
    'x-compute-type': 'cpu',
    'x-compute-time': String(tookMs),
    'x-compute-characters': String(characters),
    'x-compute-tokens': String(tokens),
    'x-total-time': String(tookMs),
    'x-tokenization-time': '0',
    'x-queue-time': '0',
    'x-inference-time': String(tookMs),
  }),
  refusal: teiRefusal,
};

const infinity: DescribedForm = {
  paths: ['/rerank'],
  read: (call) => {
    const question = documentsQuestion(call.body, 'top_n');
    checkModel(call);
    return question;
  },
  reply: (ranked, { texts, raw }, { id, model, tokens }) => ({
    object: 'rerank',
    results: ranked.map(({ index, text, score }) => ({
      relevance_score: raw ? score : squashed(score),
      index,
      document: texts ? text : null,
    })),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
    id: `infinity-${id}`,
  }),
  refusal: refusedAs(422, (error) =>
    error.status === 400
      ? { detail: [{ type: 'value_error', loc: ['body', error.param], msg: error.message }] }
      : JSON.parse(errorBody(error)),
  ),
};

const LLAMA_TYPES: Record<number, string> = { 400: 'invalid_request_error', 503: 'unavailable_error' };

const llamaCpp: DescribedForm = {
  paths: ['/v1/rerank', '/rerank', '/reranking', '/v1/reranking'],
  // One server, one model: whatever name is asked, it answers.
  read: ({ body }) => documentsQuestion(body, 'top_n'),
  reply: (ranked, _question, { model, tokens }) => ({
    model,
    object: 'list',
    usage: { prompt_tokens: tokens, total_tokens: tokens },
    results: ranked.map(({ index, score }) => ({ index, relevance_score: score })),
  }),
  refusal: jsonRefusal(({ status, message }) =>
    JSON.stringify({ error: { code: status, message, type: LLAMA_TYPES[status] ?? 'server_error' } }),
  ),
};

const nim: DescribedForm = {
  paths: ['/v1/ranking'],
  read: (call) => {
    const { query, passages } = call.body;
    if (!isObject(query)) throw badRequest('query must be an object with a text.', 'query');
    if (!Array.isArray(passages) || passages.some((one) => !isObject(one))) {
      throw badRequest('passages must be a list of objects with a text.', 'passages');
    }
    requireModel(call);
    const documents = textsField(call.body, 'passages', true);
    return { query: textField(query, 'text'), documents, top: 0, texts: false, raw: true };
  },
  reply: (ranked) => ({
    rankings: ranked.map(({ index, score }) => ({ index, logit: Math.log(Math.max(score, LEAST_SCORE)) })),
  }),
  refusal: refusedAs(422, ({ message, type }) => ({ object: 'error', message, detail: {}, type })),
};

export const RERANK_FORM_TABLE: Readonly<Record<RerankForm, DescribedForm>> = {
  vllm,
  cohere,
  jina,
  voyage,
  tei,
  infinity,
  'llama-cpp': llamaCpp,
  nim,
};
