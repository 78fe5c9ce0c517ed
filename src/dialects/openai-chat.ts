// POST /v1/chat/completions. For clients that speak OpenAI's chat dialect.
import type { Dialect } from '../core/dialect.ts';
import type { Capability } from '../core/names.ts';
import { isText, memberAt } from '../wire/entries.ts';
import { fieldOf } from '../wire/json-view.ts';
import { conversationPrint, newestMessage } from './conversation.ts';
import { errorShape } from './openai-errors.ts';
import { GenerateCall, type GenerateForm } from './openai-generate.ts';
import type { HasContent } from './openai-stream.ts';
import type { PromptForm } from './prompt.ts';

const some = (value: unknown): boolean =>
  typeof value === 'string' || Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null;
const CONTENT_PARTS = [
  'content',
  'reasoning_content',
  'reasoning',
  'reasoning_details',
  'refusal',
  'function_call',
  'audio',
] as const;

const hasContent: HasContent = (choice) => {
  const delta = choice['delta'];
  if (typeof delta !== 'object' || delta === null) return false;
  const parts = delta as Record<string, unknown>;
  const calls = parts['tool_calls'];
  if (Array.isArray(calls) && calls.length > 0) return true;
  return CONTENT_PARTS.some((part) => some(parts[part]));
};

const filled = (value: unknown): boolean => Array.isArray(value) && value.length > 0;

function needs(call: GenerateCall): readonly Capability[] {
  const found: Capability[] = [];
  if (filled(call.value('tools')) || filled(call.value('functions'))) found.push('tools');
  const format = call.value('response_format');
  if (typeof format === 'object' && format !== null && (format as { type?: unknown }).type === 'json_schema')
    found.push('schema');
  if (call.value('logprobs') === true) found.push('logprobs');
  const messages = call.value('messages');
  if (hasPart(messages, 'image_url')) found.push('vision');
  if (hasPart(messages, 'input_audio')) found.push('audio');
  return found;
}

function hasPart(messages: unknown, type: string): boolean {
  if (!Array.isArray(messages)) return false;
  return messages.some((message: { content?: unknown } | null) => {
    const content = message?.content;
    return Array.isArray(content) && content.some((part: { type?: unknown } | null) => part?.type === type);
  });
}

const prompt: PromptForm = {
  read: ['messages', 'tools', 'functions'],
  grows: 'messages',
  answersTool(scan) {
    const role = memberAt(scan, newestMessage(scan, fieldOf(scan, 'messages')), 'role');
    return isText(scan, role, 'tool') || isText(scan, role, 'function');
  },
  print: (scan) =>
    conversationPrint(scan, {
      tools: [fieldOf(scan, 'tools'), fieldOf(scan, 'functions')],
      system: undefined,
      messages: fieldOf(scan, 'messages'),
    }),
};

const form: GenerateForm = { path: '/v1/chat/completions', required: 'messages', needs, hasContent, prompt };

export const openaiChat: Dialect = {
  name: 'openai-chat',
  class: 'chat',
  routes: ['/v1/chat/completions'],
  parse: (body, limits) => new GenerateCall(body, limits, form),
  ...errorShape,
};
