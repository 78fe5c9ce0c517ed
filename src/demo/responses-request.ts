// How a request of the Responses API reads as one of chat completions. For /v1/responses.
import { badRequest } from './errors.ts';
import { type Body, isObject, optionalWhole } from './fields.ts';

/** A call of a tool belongs to the assistant's message before it, so that the conversation reads as chat's does. */
function withCall(messages: Body[], item: Body): void {
  const call = {
    id: item['call_id'],
    type: 'function',
    function: { name: item['name'], arguments: item['arguments'] },
  };
  const last = messages.at(-1);
  if (last?.['role'] !== 'assistant') messages.push({ role: 'assistant', content: null, tool_calls: [call] });
  else last['tool_calls'] = [...((last['tool_calls'] as Body[] | undefined) ?? []), call];
}

/** The chat messages of an input; items that are neither a message nor a tool's business are no part of the prompt. */
export function inputMessages({ input }: Body): Body[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }];
  if (!Array.isArray(input)) throw badRequest('input must be a string or a list of items.', 'input');
  const messages: Body[] = [];
  for (const item of input as unknown[]) {
    if (!isObject(item)) throw badRequest('Each input item must be an object.', 'input');
    const { type, role, content } = item;
    if (type === 'function_call') withCall(messages, item);
    else if (type === 'function_call_output') {
      messages.push({ role: 'tool', tool_call_id: item['call_id'], content: item['output'] });
    } else if (type === 'message' || type === undefined) {
      if (typeof role !== 'string') throw badRequest('Each input message must have a role.', 'input');
      messages.push({ role, content });
    } else if (typeof type !== 'string') throw badRequest('Each input item must have a type.', 'input');
  }
  return messages;
}

/** Functions alone can be called; tools of any other type are taken and never used. */
function functionsOf({ tools }: Body): Body[] {
  if (tools === undefined || tools === null) return [];
  if (!Array.isArray(tools)) throw badRequest('tools must be a list.', 'tools');
  return tools.flatMap((tool: unknown) => {
    if (!isObject(tool) || typeof tool['type'] !== 'string') throw badRequest('Each tool must have a type.', 'tools');
    if (tool['type'] !== 'function') return [];
    const { name, description, parameters } = tool;
    return [{ type: 'function', function: { name, description, parameters } }];
  });
}

function toolChoiceOf({ tool_choice: choice }: Body, functions: readonly Body[]): Body {
  if (isObject(choice)) {
    const named = choice['type'] === 'function';
    return named ? { tool_choice: { type: 'function', function: { name: choice['name'] } } } : {};
  }
  if (choice === 'auto' && functions.length === 0) return {};
  return choice === undefined || choice === null ? {} : { tool_choice: choice };
}

function formatOf({ text }: Body): Body {
  const format = isObject(text) ? text['format'] : undefined;
  if (!isObject(format)) return {};
  const { type, name, schema } = format;
  return { response_format: type === 'json_schema' ? { type, json_schema: { name, schema } } : { type } };
}

const REFUSED = ['background', 'conversation', 'prompt'];

/** All of the request but its messages. */
export function chatFields(body: Body): Body {
  for (const key of REFUSED) {
    if (body[key] === undefined || body[key] === null || body[key] === false) continue;
    throw badRequest(`${key} is not available at a demo worker.`, key);
  }
  const tools = functionsOf(body);
  const { stream, temperature, top_p, cache_salt, parallel_tool_calls } = body;
  return {
    ...(tools.length > 0 ? { tools } : {}),
    ...toolChoiceOf(body, tools),
    ...formatOf(body),
    max_tokens: optionalWhole(body, 'max_output_tokens', 1),
    stream,
    temperature,
    top_p,
    cache_salt,
    parallel_tool_calls,
  };
}
