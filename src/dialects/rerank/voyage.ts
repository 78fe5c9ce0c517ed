// Voyage's form: `top_k`, `truncation`, and the list in `data`. For callers of /v1/rerank that use its keys, and for Voyage's API.
import { part } from '../values.ts';
import { type CallerForm, usageOf, usageTokens, type WorkerForm } from './form.ts';

export const voyageCaller: CallerForm = {
  form: 'voyage',
  list: 'documents',
  cut: { key: 'top_k', min: 1 },
  echo: { key: 'return_documents', unsaid: false },
  answer: { list: 'data', counts: 'usage' },
  options: { truncation: 'truncate' },
  write: ({ model, ranked, tokens, text }) => ({
    object: 'list',
    data: ranked.map(({ index, score }) => {
      const document = text(index);
      return document === null ? { relevance_score: score, index } : { relevance_score: score, index, document };
    }),
    model,
    ...usageOf(tokens),
  }),
};

export const voyageWorker: WorkerForm = {
  path: '/v1/rerank',
  namesModel: true,
  ask: (query, documents) => ({ query, documents: documents.json() }),
  tell: {
    truncate: (cuts) => ({ truncation: `${cuts}` }),
    rawScores: (raw) => (raw ? null : {}),
  },
  extras: [],
  list: (reply) => part(reply, 'data'),
  score: 'relevance_score',
  tokens: usageTokens,
};
