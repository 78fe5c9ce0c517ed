// POST /v1/completions. For clients that speak OpenAI's text completion dialect.
import type { Dialect } from '../core/dialect.ts';
import { errorShape } from './openai-errors.ts';
import { GenerateCall, type GenerateForm } from './openai-generate.ts';

const form: GenerateForm = {
  path: '/v1/completions',
  required: 'prompt',
  needs: () => [],
  hasContent: (choice) => typeof choice['text'] === 'string' && choice['text'] !== '',
};

export const openaiCompletions: Dialect = {
  name: 'openai-completions',
  class: 'chat',
  routes: ['/v1/completions'],
  parse: (body, limits) => new GenerateCall(body, limits, form),
  ...errorShape,
};
