// The inbound protocols that the router speaks, one line each. For the http routes and every other way in.
import type { Dialect } from '../core/dialect.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiCompletions } from './openai-completions.ts';
import { openaiEmbeddings } from './openai-embeddings.ts';
import { openaiResponses } from './openai-responses.ts';

export const dialects = {
  'openai-chat': openaiChat,
  'openai-completions': openaiCompletions,
  'openai-responses': openaiResponses,
  'openai-embeddings': openaiEmbeddings,
} as const satisfies Record<string, Dialect>;
