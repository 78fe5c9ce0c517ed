// How a request of the Messages API reads as one of chat completions. For /v1/messages and its count_tokens.
import { badRequest, WorkerError } from './errors.ts';
import { type Body, isObject, optionalWhole, textList } from './fields.ts';

/** Claude Code's attribution line changes with every call and would defeat the prefix cache: vLLM drops it, too. */
const ATTRIBUTION = 'x-anthropic-billing-header';

function blocksOf(content: unknown, key: string): Body[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) throw badRequest(`${key}: must be a string or a list of blocks.`, key);
  return content.map((block: unknown) => {
    if (isObject(block) && typeof block['type'] === 'string') return block;
    throw badRequest(`${key}: each block must have a type.`, key);
  });
}

function systemText(content: unknown, key: string): string {
  return blocksOf(content, key)
    .map((block) => (typeof block['text'] === 'string' ? block['text'] : ''))
    .filter((text) => !text.startsWith(ATTRIBUTION))
    .join('');
}

const systemMessage = (content: unknown, key: string): Body[] => {
  const text = systemText(content, key);
  return text === '' ? [] : [{ role: 'system', content: text }];
};

function toolResult(block: Body): Body {
  const content = block['content'];
  const text =
    content === undefined || content === null
      ? ''
      : blocksOf(content, 'tool_result.content')
          .map((part) => (typeof part['text'] === 'string' ? part['text'] : `<|${part['type']}|>`))
          .join('\n');
  return { role: 'tool', tool_call_id: block['tool_use_id'], content: text };
}

const toolCall = (block: Body): Body => ({
  id: block['id'],
  type: 'function',
  function: { name: block['name'], arguments: JSON.stringify(block['input'] ?? {}) },
});

/** Results of tools are messages of their own and come first, as they answer the turn before. */
function userMessages(blocks: readonly Body[]): Body[] {
  const results = blocks.filter(({ type }) => type === 'tool_result').map(toolResult);
  const content = blocks.filter(({ type }) => type !== 'tool_result');
  return content.length === 0 ? results : [...results, { role: 'user', content }];
}

function assistantMessage(blocks: readonly Body[]): Body {
  const content = blocks.filter(({ type }) => type === 'text');
  const calls = blocks.filter(({ type }) => type === 'tool_use').map(toolCall);
  return { role: 'assistant', content, ...(calls.length > 0 ? { tool_calls: calls } : {}) };
}

function messagesOf({ messages }: Body): Body[] {
  if (!Array.isArray(messages)) throw badRequest('messages: must be a list.', 'messages');
  return messages.flatMap((message: unknown, at) => {
    const role = isObject(message) ? message['role'] : undefined;
    const content = isObject(message) ? message['content'] : undefined;
    const key = `messages.${at}.content`;
    if (role === 'system') return systemMessage(content, key);
    if (role === 'user') return userMessages(blocksOf(content, key));
    if (role === 'assistant') return [assistantMessage(blocksOf(content, key))];
    throw badRequest(`messages.${at}.role: must be user, assistant or system.`, 'messages');
  });
}

/** Tools that the server itself would run have no schema here and are never called. */
function toolsOf({ tools }: Body): Body[] {
  if (tools === undefined || tools === null) return [];
  if (!Array.isArray(tools)) throw badRequest('tools: must be a list.', 'tools');
  return tools.flatMap((tool: unknown) => {
    if (!isObject(tool) || typeof tool['name'] !== 'string') throw badRequest('tools: each must have a name.', 'tools');
    const { name, description, input_schema: parameters } = tool;
    return isObject(parameters) ? [{ type: 'function', function: { name, description, parameters } }] : [];
  });
}

function toolChoiceOf({ tool_choice: choice }: Body, tools: readonly Body[]): Body {
  if (choice === undefined || choice === null) return {};
  const type = isObject(choice) ? choice['type'] : undefined;
  if (!isObject(choice) || !['auto', 'any', 'tool', 'none'].includes(String(type))) {
    throw badRequest('tool_choice.type: must be auto, any, tool or none.', 'tool_choice');
  }
  const parallel = { parallel_tool_calls: choice['disable_parallel_tool_use'] !== true };
  if (type === 'tool') return { ...parallel, tool_choice: { type: 'function', function: { name: choice['name'] } } };
  if (type === 'any') return { ...parallel, tool_choice: 'required' };
  return tools.length === 0 ? {} : { ...parallel, tool_choice: type };
}

function formatOf({ output_config: config }: Body): Body {
  const format = isObject(config) ? config['format'] : undefined;
  if (!isObject(format)) return {};
  return { response_format: { type: 'json_schema', json_schema: { name: 'output', schema: format['schema'] } } };
}

/** What the prompt is made of; `model` must be said. */
export function promptFields(body: Body): Body {
  if (typeof body['model'] !== 'string' || body['model'] === '') throw badRequest('model: field required.', 'model');
  const { system } = body;
  const tools = toolsOf(body);
  const first = system === undefined || system === null ? [] : systemMessage(system, 'system');
  return { messages: [...first, ...messagesOf(body)], ...(tools.length > 0 ? { tools } : {}) };
}

/**
 * A thread is kept by Anthropic's servers: its next turn comes without the ones before. Overlooked, it would lose them in
 * silence; refused in these words, the official client sends the whole conversation instead.
 */
function refuseThread({ thread }: Body): void {
  if (thread === undefined || thread === null) return;
  throw new WorkerError(400, 'invalid_request_error', 'thread: message threads are not kept here.', 'thread', {
    details: { error_code: 'thread_unsupported_request', unsupported: ['model'] },
  });
}

export function chatFields(body: Body): Body {
  refuseThread(body);
  const prompt = promptFields(body);
  const most = optionalWhole(body, 'max_tokens', 1);
  if (most === undefined) throw badRequest('max_tokens: field required.', 'max_tokens');
  const { stream, temperature, top_p, cache_salt } = body;
  return {
    ...prompt,
    ...toolChoiceOf(body, (prompt['tools'] as Body[] | undefined) ?? []),
    ...formatOf(body),
    max_tokens: most,
    stop: textList(body, 'stop_sequences'),
    stream,
    temperature,
    top_p,
    cache_salt,
  };
}
