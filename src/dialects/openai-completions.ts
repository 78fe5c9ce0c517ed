// POST /v1/completions. For clients that speak OpenAI's text completion dialect.
import type { Dialect } from '../core/dialect.ts';
import { errorBody, streamError } from './openai-errors.ts';
import { checkChoices, GenerateCall } from './openai-generate.ts';
import { createChunkJudge } from './openai-stream.ts';

export const openaiCompletions: Dialect = {
  name: 'openai-completions',
  class: 'chat',
  routes: ['/v1/completions'],
  upstreamPath: '/v1/completions',
  parse: (body, limits) => new GenerateCall(body, limits, 'prompt', () => []),
  judge: ({ usageAsked, choices, maxOutputTokens }) =>
    createChunkJudge({
      usageAsked,
      choices,
      maxOutputTokens,
      hasContent: (choice) => typeof choice['text'] === 'string' && choice['text'] !== '',
    }),
  check: checkChoices,
  errorBody,
  streamError,
};
