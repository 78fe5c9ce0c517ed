// The form of Text Embeddings Inference: `texts` in, a bare list out. For callers of /rerank that say `texts`, and for its servers.
import { headerOf } from '../../core/transport.ts';
import type { CallerForm, WorkerForm } from './form.ts';

const DIGITS = /^\d{1,15}$/;

export const teiCaller: CallerForm = {
  form: 'tei',
  list: 'texts',
  cut: null,
  echo: { key: 'return_text', unsaid: false },
  answer: { list: null, counts: null },
  options: { truncate: 'truncate', raw_scores: 'rawScores' },
  write: ({ ranked, text }) =>
    ranked.map(({ index, score }) => {
      const document = text(index);
      return document === null ? { index, score } : { index, text: document, score };
    }),
};

export const teiWorker: WorkerForm = {
  path: '/rerank',
  namesModel: false,
  ask: (query, documents) => ({ query, texts: documents.json() }),
  tell: {
    truncate: (cuts) => ({ truncate: `${cuts}` }),
    rawScores: (raw) => ({ raw_scores: `${raw}` }),
  },
  extras: ['truncate', 'truncation_direction', 'raw_scores'],
  list: (reply) => reply,
  score: 'score',
  tokens(_reply, headers) {
    const said = headerOf(headers, 'x-compute-tokens');
    return said !== null && DIGITS.test(said) ? Number(said) : undefined;
  },
};
