// APIs that rerank in forms of their own. For operators with an account there.
import { kind } from './kind.ts';

/** Scores lie between 0 and 1. */
export const cohere = kind('cohere', {
  baseUrl: 'https://api.cohere.com',
  versioned: false,
  auth: 'bearer',
  speaks: ['rerank'],
  rerank: { form: 'cohere', scores: 'probability' },
  maxItems: 1000,
  replyHeaders: [],
});

/** What its scores mean depends on the model. */
export const jina = kind('jina', {
  baseUrl: 'https://api.jina.ai/v1',
  versioned: true,
  auth: 'bearer',
  speaks: ['rerank'],
  rerank: { form: 'jina', scores: 'undeclared' },
  maxItems: null,
  replyHeaders: [],
});

/** What its scores mean is not said. */
export const voyage = kind('voyage', {
  baseUrl: 'https://api.voyageai.com/v1',
  versioned: true,
  auth: 'bearer',
  speaks: ['rerank'],
  rerank: { form: 'voyage', scores: 'undeclared' },
  maxItems: 1000,
  replyHeaders: [],
});
