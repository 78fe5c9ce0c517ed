// The forms of servers that no caller speaks as such: vLLM, Infinity, llama.cpp and NIM. For pools of such workers.
import { part } from '../values.ts';
import { usageTokens, type WorkerForm } from './form.ts';

/** Also SGLang's, which answers with the bare list. The texts come back whatever is asked. */
export const vllmWorker: WorkerForm = {
  path: '/v1/rerank',
  namesModel: true,
  ask: (query, documents) => ({ query, documents: documents.json() }),
  tell: {
    // -1 is the model's own maximum; unless told, vLLM refuses what is too long.
    truncate: (cuts): Record<string, string> => (cuts ? { truncate_prompt_tokens: '-1' } : {}),
    rawScores: (raw) => ({ use_activation: `${!raw}` }),
  },
  // Not `priority`: a worker without priority scheduling refuses the whole call for it.
  extras: ['truncate_prompt_tokens', 'use_activation', 'activation', 'softmax', 'mm_processor_kwargs'],
  list: (reply) => (Array.isArray(reply) ? reply : part(reply, 'results')),
  score: 'relevance_score',
  tokens: usageTokens,
};

export const infinityWorker: WorkerForm = {
  path: '/rerank',
  namesModel: true,
  ask: (query, documents) => ({ query, documents: documents.json() }),
  tell: { rawScores: (raw) => ({ raw_scores: `${raw}` }) },
  extras: ['raw_scores'],
  list: (reply) => part(reply, 'results'),
  score: 'relevance_score',
  tokens: usageTokens,
};

export const llamaCppWorker: WorkerForm = {
  path: '/v1/rerank',
  namesModel: true,
  ask: (query, documents) => ({ query, documents: documents.json() }),
  // Its scores are raw, always.
  tell: { rawScores: (raw) => (raw ? {} : null) },
  extras: [],
  list: (reply) => part(reply, 'results'),
  score: 'relevance_score',
  tokens: usageTokens,
};

export const nimWorker: WorkerForm = {
  path: '/v1/ranking',
  namesModel: true,
  ask: (query, documents) => ({
    query: `{"text":${query}}`,
    passages: JSON.stringify(documents.texts().map((text) => ({ text }))),
  }),
  tell: {
    truncate: (cuts) => ({ truncate: cuts ? '"END"' : '"NONE"' }),
    // Its scores are logits, always.
    rawScores: (raw) => (raw ? {} : null),
  },
  extras: ['truncate'],
  list: (reply) => part(reply, 'rankings'),
  score: 'logit',
  tokens: usageTokens,
};
