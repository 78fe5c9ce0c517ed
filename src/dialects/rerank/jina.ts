// Jina's form, which most own servers copy: results with the texts unless refused. For callers of /v1/rerank and /rerank,
// and for Jina's API.
import { part } from '../values.ts';
import { type CallerForm, usageOf, usageTokens, type WorkerForm } from './form.ts';

export const jinaCaller: CallerForm = {
  form: 'jina',
  list: 'documents',
  // Clients of vLLM say 0 for all.
  cut: { key: 'top_n', min: 0 },
  echo: { key: 'return_documents', unsaid: true },
  answer: { list: 'results', counts: 'usage' },
  options: {},
  write: ({ id, model, ranked, tokens, text }) => ({
    ...(id === null ? {} : { id }),
    object: 'list',
    model,
    ...usageOf(tokens),
    results: ranked.map(({ index, score }) => {
      const document = text(index);
      return document === null
        ? { index, relevance_score: score }
        : { index, relevance_score: score, document: { text: document } };
    }),
  }),
};

export const jinaWorker: WorkerForm = {
  path: '/v1/rerank',
  namesModel: true,
  ask: (query, documents) => ({ query, documents: documents.json(), return_documents: 'false' }),
  tell: { rawScores: (raw) => (raw ? null : {}) },
  extras: [],
  list: (reply) => part(reply, 'results'),
  score: 'relevance_score',
  tokens: usageTokens,
};
