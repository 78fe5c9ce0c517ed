// Decides how the managed OpenAI API answers: keys, headers, shapes and refusals,
// for tests of providers and of drop-in behaviour; it keeps every request it got.

import {
  chatReply,
  chatStream,
  completionReply,
  completionStream,
  embeddingReply,
  type StreamOptions,
} from './chat-fixtures.ts';
import { type ApiAnswer, type ApiRequest, type ManagedApi, startManagedApi } from './managed-api.ts';

export type { ApiRequest } from './managed-api.ts';

export type OpenAiApi = Omit<ManagedApi, 'origin'> & {
  /** Ends in /v1, as the SDKs want it. */
  readonly url: string;
};

export type OpenAiApiOptions = {
  keys?: readonly string[];
  models?: readonly string[];
  text?: string;
  /** What stands before the routes; Gemini's is /v1beta/openai. */
  base?: string;
};

type Body = {
  model?: unknown;
  stream?: unknown;
  stream_options?: { include_usage?: unknown };
  messages?: unknown;
  prompt?: unknown;
  input?: unknown;
  encoding_format?: unknown;
  dimensions?: unknown;
  tools?: { function: { name: string; parameters?: { required?: string[] } } }[];
  tool_choice?: unknown;
};

/** The error body of the API; type, param and code are the API's own words. */
export const apiError = (
  message: string,
  type = 'invalid_request_error',
  param: string | null = null,
  code: string | null = null,
) => ({ error: { message, type, param, code } });

const refusal = (status: number, ...error: Parameters<typeof apiError>): ApiAnswer => ({
  status,
  json: apiError(...error),
});

const tokensOf = (value: unknown) => Math.max(1, Math.ceil(JSON.stringify(value ?? '').length / 4));

function chat(body: Body, text: string): ApiAnswer {
  if (!Array.isArray(body.messages)) {
    return refusal(400, "Missing required parameter: 'messages'.", undefined, 'messages', 'missing_required_parameter');
  }
  const last = body.messages.at(-1) as { role?: string } | undefined;
  const tool = body.tool_choice === 'none' || last?.role === 'tool' ? undefined : body.tools?.[0]?.function;
  const args = Object.fromEntries((tool?.parameters?.required ?? []).map((name) => [name, 'value']));
  const usage = { prompt: tokensOf(body.messages), completion: tokensOf(text), cached: 0, reasoning: 0 };
  const options: StreamOptions = { vendor: 'openai', model: `${body.model}-2026-08-07`, usage };
  const content = tool ? { toolCalls: [{ name: tool.name, arguments: args }] } : { text };
  if (body.stream !== true) return { status: 200, json: chatReply({ ...options, ...content }) };
  const usageEvents = body.stream_options?.include_usage === true ? 'last' : 'none';
  return { status: 200, events: chatStream({ ...options, ...content, usageEvents }) };
}

function completion(body: Body, text: string): ApiAnswer {
  if (body.prompt === undefined) return refusal(400, "Missing required parameter: 'prompt'.", undefined, 'prompt');
  const usage = { prompt: tokensOf(body.prompt), completion: tokensOf(text) };
  const options: StreamOptions = { vendor: 'openai', model: String(body.model), text, usage };
  return body.stream === true
    ? { status: 200, events: completionStream(options) }
    : { status: 200, json: completionReply(options) };
}

function embeddings(body: Body): ApiAnswer {
  const { input, model, dimensions } = body;
  if (input === undefined || input === '') return refusal(400, "'$.input' is invalid.", undefined, 'input');
  const inputs = Array.isArray(input) && typeof input[0] !== 'number' ? input.length : 1;
  return {
    status: 200,
    json: embeddingReply({
      inputs,
      model: String(model),
      encoding: body.encoding_format === 'base64' ? 'base64' : 'float',
      dimensions: typeof dimensions === 'number' ? dimensions : 8,
      promptTokens: tokensOf(input),
    }),
  };
}

function answer(request: ApiRequest, { keys, models, text, base }: Required<OpenAiApiOptions>): ApiAnswer {
  const given = /^Bearer (.+)$/.exec(request.headers['authorization'] ?? '')?.[1];
  if (given === undefined) return refusal(401, "You didn't provide an API key.");
  if (!keys.includes(given)) {
    return refusal(401, `Incorrect API key provided: ${given.slice(0, 3)}***.`, undefined, null, 'invalid_api_key');
  }
  const path = request.path.split('?', 1)[0];
  if (request.method === 'GET' && path === `${base}/models`) {
    const data = models.map((id) => ({ id, object: 'model', created: 1_795_000_000, owned_by: 'system' }));
    return { status: 200, json: { object: 'list', data } };
  }
  const handlers: Record<string, (body: Body, text: string) => ApiAnswer> = {
    [`${base}/chat/completions`]: chat,
    [`${base}/completions`]: completion,
    [`${base}/embeddings`]: embeddings,
  };
  const handler = handlers[path ?? ''];
  if (handler === undefined) return refusal(404, `Invalid URL (${request.method} ${path})`);
  if (request.method !== 'POST') return refusal(405, `Not allowed to ${request.method} on ${path}.`);
  let body: Body;
  try {
    body = JSON.parse(request.body) as Body;
  } catch {
    return refusal(400, 'We could not parse the JSON body of your request.');
  }
  if (typeof body.model !== 'string') return refusal(400, 'you must provide a model parameter');
  if (!models.includes(body.model)) {
    const message = `The model \`${body.model}\` does not exist or you do not have access to it.`;
    return refusal(404, message, undefined, null, 'model_not_found');
  }
  return handler(body, text);
}

export async function startOpenAiApi(options: OpenAiApiOptions = {}): Promise<OpenAiApi> {
  const settings: Required<OpenAiApiOptions> = {
    keys: options.keys ?? ['sk-test'],
    models: options.models ?? ['gpt-5-mini', 'gpt-4o-mini', 'text-embedding-3-small'],
    text: options.text ?? 'Hello from the managed API.',
    base: options.base ?? '/v1',
  };
  const limit = 10_000;
  const api = await startManagedApi({
    answer: (request) => answer(request, settings),
    headers: (number, tookMs) => ({
      'x-request-id': `req_${String(number).padStart(32, '0')}`,
      'openai-organization': 'org-test',
      'openai-project': 'proj_test',
      'openai-version': '2020-10-01',
      'openai-processing-ms': String(Math.max(1, Math.round(tookMs))),
      'set-cookie': '__cf_bm=canary; path=/',
      'x-ratelimit-limit-requests': String(limit),
      'x-ratelimit-remaining-requests': String(Math.max(0, limit - number)),
      'x-ratelimit-reset-requests': '6ms',
      'x-ratelimit-limit-tokens': '200000',
      'x-ratelimit-remaining-tokens': String(Math.max(0, 200_000 - number * 100)),
      'x-ratelimit-reset-tokens': '30ms',
    }),
  });
  const serverError = apiError('The server had an error while processing your request.', 'server_error');
  return {
    url: api.origin + settings.base,
    requests: api.requests,
    fail: (failure, times, only) =>
      api.fail(failure.events === undefined ? { body: serverError, ...failure } : failure, times, only),
    close: api.close,
  };
}
