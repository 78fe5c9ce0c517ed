// Decides how the managed Anthropic API answers messages and token counts: keys, versions, headers, shapes, refusals,
// for tests of providers and of drop-in behaviour; it keeps every request it got.

import type Anthropic from '@anthropic-ai/sdk';
import { type ApiAnswer, type ApiFailure, type ApiRequest, type ManagedApi, startManagedApi } from './managed-api.ts';

export type AnthropicApi = Omit<ManagedApi, 'origin'> & {
  /** Without a version, as the SDKs want it. */
  readonly url: string;
};

export type AnthropicApiOptions = { keys?: readonly string[]; models?: readonly string[]; text?: string };

type Body = {
  model?: unknown;
  max_tokens?: unknown;
  messages?: { role?: unknown; content?: unknown }[];
  stream?: unknown;
  tools?: { name: string; input_schema?: { required?: string[] } }[];
};

/** The error body of the API. */
export const anthropicError = (type: string, message: string, more: object = {}) => ({
  type: 'error',
  error: { type, message, ...more },
  request_id: 'req_011CSHoEeqs5C35K2UUqR7Fy',
});

const refusal = (status: number, type: string, message: string): ApiAnswer => ({
  status,
  json: anthropicError(type, message),
});

export const anthropicFrame = (event: { readonly type: string }): string =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

const tokensOf = (value: unknown) => Math.max(1, Math.ceil(JSON.stringify(value ?? '').length / 4));

function usageOf(inputTokens: number, outputTokens: number): Anthropic.Usage {
  return {
    cache_creation: null,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    inference_geo: null,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    output_tokens_details: null,
    server_tool_use: null,
    service_tier: 'standard',
    speed: null,
  };
}

function replyTo(body: Body, text: string): Anthropic.Message {
  const last = body.messages?.at(-1)?.content;
  const answered = Array.isArray(last) && last.some((part: { type?: string }) => part.type === 'tool_result');
  const tool = answered ? undefined : body.tools?.[0];
  const input = Object.fromEntries((tool?.input_schema?.required ?? []).map((name) => [name, 'value']));
  const content: Anthropic.ContentBlock[] =
    tool === undefined
      ? [{ type: 'text', text, citations: null }]
      : [{ type: 'tool_use', id: 'toolu_01', name: tool.name, input, caller: { type: 'direct' } }];
  return {
    id: 'msg_01XFDUDYJgAACzvnptvVoYEL',
    type: 'message',
    role: 'assistant',
    model: String(body.model) as Anthropic.Model,
    content,
    container: null,
    diagnostics: null,
    stop_details: null,
    stop_reason: tool === undefined ? 'end_turn' : 'tool_use',
    stop_sequence: null,
    usage: usageOf(tokensOf(body.messages), tokensOf(content)),
  };
}

/** The events of a message, each text and each input in two pieces. */
export function messageEvents(message: Anthropic.Message): string[] {
  const [block] = message.content;
  const events: { type: string }[] = [];
  const add = (event: Anthropic.RawMessageStreamEvent | { type: 'ping' }) => events.push(event);
  const { stop_reason, usage } = message;
  add({
    type: 'message_start',
    message: { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } },
  });
  if (block?.type === 'text') {
    const middle = Math.ceil(block.text.length / 2);
    add({ type: 'content_block_start', index: 0, content_block: { ...block, text: '' } });
    add({ type: 'ping' });
    for (const text of [block.text.slice(0, middle), block.text.slice(middle)])
      add({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } });
  } else if (block?.type === 'tool_use') {
    const json = JSON.stringify(block.input);
    const middle = Math.ceil(json.length / 2);
    add({ type: 'content_block_start', index: 0, content_block: { ...block, input: {} } });
    for (const partial_json of [json.slice(0, middle), json.slice(middle)])
      add({ type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json } });
  }
  add({ type: 'content_block_stop', index: 0 });
  add({
    type: 'message_delta',
    delta: { container: null, stop_details: null, stop_reason, stop_sequence: null },
    usage: {
      cache_creation_input_tokens: null,
      cache_read_input_tokens: null,
      input_tokens: null,
      output_tokens: usage.output_tokens,
      output_tokens_details: null,
      server_tool_use: null,
    },
  });
  add({ type: 'message_stop' });
  return events.map(anthropicFrame);
}

function answer(request: ApiRequest, { keys, models, text }: Required<AnthropicApiOptions>): ApiAnswer {
  const { headers, method } = request;
  // Newer clients send the key as a bearer; the API takes both.
  const given = headers['x-api-key'] ?? /^Bearer (.+)$/.exec(headers['authorization'] ?? '')?.[1];
  if (given === undefined) return refusal(401, 'authentication_error', 'x-api-key header is required');
  if (!keys.includes(given)) return refusal(401, 'authentication_error', 'invalid x-api-key');
  if (headers['anthropic-version'] === undefined)
    return refusal(400, 'invalid_request_error', 'anthropic-version: header is required');
  const path = request.path.split('?', 1)[0];
  if (path !== '/v1/messages' && path !== '/v1/messages/count_tokens')
    return refusal(404, 'not_found_error', 'Not Found');
  if (method !== 'POST') return refusal(405, 'invalid_request_error', 'Method Not Allowed');
  let body: Body;
  try {
    body = JSON.parse(request.body) as Body;
  } catch {
    return refusal(400, 'invalid_request_error', 'The request body is not valid JSON');
  }
  if (typeof body.model !== 'string' || !models.includes(body.model))
    return refusal(404, 'not_found_error', `model: ${String(body.model)}`);
  if (!Array.isArray(body.messages)) return refusal(400, 'invalid_request_error', 'messages: Field required');
  if (path.endsWith('/count_tokens')) return { status: 200, json: { input_tokens: tokensOf(body.messages) } };
  if (typeof body.max_tokens !== 'number') return refusal(400, 'invalid_request_error', 'max_tokens: Field required');
  const message = replyTo(body, text);
  return body.stream === true ? { status: 200, events: messageEvents(message) } : { status: 200, json: message };
}

export async function startAnthropicApi(options: AnthropicApiOptions = {}): Promise<AnthropicApi> {
  const settings: Required<AnthropicApiOptions> = {
    keys: options.keys ?? ['sk-ant-test'],
    models: options.models ?? ['claude-opus-5-5', 'claude-haiku-5-5'],
    text: options.text ?? 'Hello from the managed API.',
  };
  const api = await startManagedApi({
    answer: (request) => answer(request, settings),
    headers: (number) => ({
      'request-id': `req_${String(number).padStart(24, '0')}`,
      'anthropic-organization-id': '0a1b2c3d-org-test',
      'anthropic-ratelimit-requests-limit': '4000',
      'anthropic-ratelimit-requests-remaining': String(Math.max(0, 4000 - number)),
      'anthropic-ratelimit-requests-reset': '2026-11-22T12:00:00Z',
      'anthropic-ratelimit-input-tokens-limit': '2000000',
      'anthropic-ratelimit-input-tokens-remaining': '1999000',
      'anthropic-ratelimit-input-tokens-reset': '2026-11-22T12:00:00Z',
      'cf-ray': '8f1c2ab90d7e-FRA',
    }),
  });
  const serverError = anthropicError('api_error', 'Internal server error');
  const fail = (failure: ApiFailure, times?: number, only?: string) =>
    api.fail(failure.events === undefined ? { body: serverError, ...failure } : failure, times, only);
  return { url: api.origin, requests: api.requests, fail, close: api.close };
}
