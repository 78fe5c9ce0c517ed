// Any API in OpenAI's form: Gemini, gateways, hosts of open models. For operators who give its base URL.
import { kind } from './kind.ts';

export const openaiCompatible = kind('openai-compatible', {
  baseUrl: null,
  versioned: true,
  auth: 'bearer',
  speaks: ['openai-chat', 'openai-completions', 'openai-embeddings'],
  rerank: null,
  maxItems: null,
  replyHeaders: [],
});
