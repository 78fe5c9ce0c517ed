// OpenAI's own API. For operators with an account there.
import { kind } from './kind.ts';

export const openai = kind('openai', {
  baseUrl: 'https://api.openai.com/v1',
  versioned: true,
  auth: 'bearer',
  speaks: ['openai-chat', 'openai-completions', 'openai-embeddings', 'openai-responses'],
  rerank: null,
  maxItems: 2048,
  // How long the model took and which version of the API answered. The account's limits and names are its owner's alone.
  replyHeaders: ['openai-processing-ms', 'openai-version'],
});
