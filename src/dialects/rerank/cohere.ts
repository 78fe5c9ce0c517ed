// Cohere's v2 form: results without texts, billed in search units. For callers of /v2/rerank and for Cohere's API.
import { part } from '../values.ts';
import type { CallerForm, WorkerForm } from './form.ts';

export const cohereCaller: CallerForm = {
  form: 'cohere',
  list: 'documents',
  cut: { key: 'top_n', min: 1 },
  echo: null,
  answer: { list: 'results', counts: 'meta' },
  options: { max_tokens_per_doc: 'maxTokensPerDocument' },
  write: ({ id, ranked, tokens }) => ({
    ...(id === null ? {} : { id }),
    results: ranked.map(({ index, score }) => ({ index, relevance_score: score })),
    ...(tokens === null ? {} : { meta: { tokens: { input_tokens: tokens } } }),
  }),
};

export const cohereWorker: WorkerForm = {
  path: '/v2/rerank',
  namesModel: true,
  ask: (query, documents) => ({ query, documents: documents.json() }),
  tell: {
    // It cuts documents that are too long, always, and its scores lie in 0 to 1, always.
    truncate: (cuts) => (cuts ? {} : null),
    rawScores: (raw) => (raw ? null : {}),
    maxTokensPerDocument: (tokens) => ({ max_tokens_per_doc: `${tokens}` }),
  },
  extras: ['max_tokens_per_doc'],
  list: (reply) => part(reply, 'results'),
  score: 'relevance_score',
  tokens(reply) {
    const meta = part(reply, 'meta');
    return part(part(meta, 'tokens'), 'input_tokens') ?? part(part(meta, 'billed_units'), 'input_tokens');
  },
};
