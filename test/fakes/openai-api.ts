// Decides how the managed OpenAI API answers: keys, headers, shapes and refusals,
// for tests of providers and of drop-in behaviour; it keeps every request it got.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  chatReply,
  chatStream,
  completionReply,
  completionStream,
  embeddingReply,
  type StreamOptions,
} from './chat-fixtures.ts';

export type ApiRequest = { method: string; path: string; headers: Record<string, string>; body: string };
export type ApiFailure = { status: number; body?: unknown; headers?: Record<string, string> };

export type OpenAiApi = {
  /** Ends in /v1, as the SDKs want it. */
  readonly url: string;
  readonly requests: ApiRequest[];
  /** The next `times` calls, whichever they are, get this answer. */
  fail(failure: ApiFailure, times?: number): void;
  close(): Promise<void>;
};

export type OpenAiApiOptions = { keys?: readonly string[]; models?: readonly string[]; text?: string };

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

type Answer = { status: number; json?: unknown; events?: readonly Buffer[]; headers?: Record<string, string> };

/** The error body of the API; type, param and code are the API's own words. */
export const apiError = (
  message: string,
  type = 'invalid_request_error',
  param: string | null = null,
  code: string | null = null,
) => ({ error: { message, type, param, code } });

const refusal = (status: number, ...error: Parameters<typeof apiError>): Answer => ({
  status,
  json: apiError(...error),
});

const tokensOf = (value: unknown) => Math.max(1, Math.ceil(JSON.stringify(value ?? '').length / 4));

function chat(body: Body, text: string): Answer {
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

function completion(body: Body, text: string): Answer {
  if (body.prompt === undefined) return refusal(400, "Missing required parameter: 'prompt'.", undefined, 'prompt');
  const usage = { prompt: tokensOf(body.prompt), completion: tokensOf(text) };
  const options: StreamOptions = { vendor: 'openai', model: String(body.model), text, usage };
  return body.stream === true
    ? { status: 200, events: completionStream(options) }
    : { status: 200, json: completionReply(options) };
}

function embeddings(body: Body): Answer {
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

function answer(request: ApiRequest, { keys, models, text }: Required<OpenAiApiOptions>): Answer {
  const given = /^Bearer (.+)$/.exec(request.headers['authorization'] ?? '')?.[1];
  if (given === undefined) return refusal(401, "You didn't provide an API key.");
  if (!keys.includes(given)) {
    return refusal(401, `Incorrect API key provided: ${given.slice(0, 3)}***.`, undefined, null, 'invalid_api_key');
  }
  const path = request.path.split('?', 1)[0];
  if (request.method === 'GET' && path === '/v1/models') {
    const data = models.map((id) => ({ id, object: 'model', created: 1_795_000_000, owned_by: 'system' }));
    return { status: 200, json: { object: 'list', data } };
  }
  const handlers: Record<string, (body: Body, text: string) => Answer> = {
    '/v1/chat/completions': chat,
    '/v1/completions': completion,
    '/v1/embeddings': embeddings,
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

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

export async function startOpenAiApi(options: OpenAiApiOptions = {}): Promise<OpenAiApi> {
  const settings: Required<OpenAiApiOptions> = {
    keys: options.keys ?? ['sk-test'],
    models: options.models ?? ['gpt-5-mini', 'gpt-4o-mini', 'text-embedding-3-small'],
    text: options.text ?? 'Hello from the managed API.',
  };
  const requests: ApiRequest[] = [];
  const failures: ApiFailure[] = [];
  const limit = 10_000;

  const respond = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const startedMs = performance.now();
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value);
    const { method = '', url: path = '' } = incoming;
    const request: ApiRequest = { method, path, headers, body: await bodyOf(incoming) };
    requests.push(request);
    const failure = failures.shift();
    const serverError = apiError('The server had an error while processing your request.', 'server_error');
    const {
      status,
      json,
      events,
      headers: more,
    }: Answer = failure ? { json: failure.body ?? serverError, ...failure } : answer(request, settings);
    outgoing.writeHead(status, {
      'content-type': events ? 'text/event-stream; charset=utf-8' : 'application/json',
      'x-request-id': `req_${String(requests.length).padStart(32, '0')}`,
      'openai-organization': 'org-test',
      'openai-version': '2020-10-01',
      'openai-processing-ms': String(Math.max(1, Math.round(performance.now() - startedMs))),
      'x-ratelimit-limit-requests': String(limit),
      'x-ratelimit-remaining-requests': String(Math.max(0, limit - requests.length)),
      'x-ratelimit-reset-requests': '6ms',
      'x-ratelimit-limit-tokens': '200000',
      'x-ratelimit-remaining-tokens': String(Math.max(0, 200_000 - requests.length * 100)),
      'x-ratelimit-reset-tokens': '30ms',
      ...more,
    });
    for (const one of events ?? []) outgoing.write(one);
    outgoing.end(events ? undefined : typeof json === 'string' ? json : JSON.stringify(json));
  };

  const server = createServer((incoming, outgoing) => {
    // A caller that leaves while its body is read has nobody to answer to.
    respond(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    fail(failure, times = 1) {
      for (let i = 0; i < times; i++) failures.push(failure);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
