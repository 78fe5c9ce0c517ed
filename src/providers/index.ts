// The kinds of managed API that a policy may name. For policy's schema and the router.
import { anthropic } from './anthropic.ts';
import { openai } from './openai.ts';
import { openaiCompatible } from './openai-compatible.ts';
import { cohere, jina, voyage } from './rerankers.ts';

export const providers = {
  openai,
  anthropic,
  'openai-compatible': openaiCompatible,
  cohere,
  jina,
  voyage,
} as const;
