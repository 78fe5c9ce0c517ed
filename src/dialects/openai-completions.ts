// POST /v1/completions. For clients that speak OpenAI's text completion dialect.
import type { Dialect } from '../core/dialect.ts';
import { fieldOf } from '../wire/json-view.ts';
import { finishedPrint, printSpan } from '../wire/print.ts';
import { errorShape } from './openai-errors.ts';
import { GenerateCall, type GenerateForm } from './openai-generate.ts';
import type { PromptForm } from './prompt.ts';

/** What prompts made from one template have in common at least; shorter prompts are not worth gathering. */
const SHARED_BYTES = 1024;

const prompt: PromptForm = {
  read: ['prompt', 'suffix'],
  grows: 'prompt',
  answersTool: () => false,
  print(scan) {
    const text = fieldOf(scan, 'prompt');
    if (text?.kind !== 'string' || text.end - text.start < SHARED_BYTES + 2) return null;
    const from = text.start + 1;
    return { common: finishedPrint(printSpan(0, scan.bytes, from, from + SHARED_BYTES)), opening: 0 };
  },
};

const form: GenerateForm = {
  path: '/v1/completions',
  required: 'prompt',
  needs: () => [],
  hasContent: (choice) => typeof choice['text'] === 'string' && choice['text'] !== '',
  prompt,
};

export const openaiCompletions: Dialect = {
  name: 'openai-completions',
  class: 'chat',
  routes: ['/v1/completions'],
  parse: (body, limits) => new GenerateCall(body, limits, form),
  ...errorShape,
};
