// The inbound protocols that the router speaks, one line each. For the http routes and every other way in.
import type { Dialect } from '../core/dialect.ts';
import { anthropicCountTokens } from './anthropic-count-tokens.ts';
import { anthropicMessages } from './anthropic-messages.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiCompletions } from './openai-completions.ts';
import { openaiEmbeddings } from './openai-embeddings.ts';
import { openaiResponses } from './openai-responses.ts';
import { rerankBare, rerankV1, rerankV2 } from './rerank.ts';

export const dialects = {
  'anthropic-count-tokens': anthropicCountTokens,
  'anthropic-messages': anthropicMessages,
  'openai-chat': openaiChat,
  'openai-completions': openaiCompletions,
  'openai-responses': openaiResponses,
  'openai-embeddings': openaiEmbeddings,
  'rerank-v2': rerankV2,
  'rerank-v1': rerankV1,
  rerank: rerankBare,
} as const satisfies Record<string, Dialect>;
