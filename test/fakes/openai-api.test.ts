// Shows that the official SDK accepts the fake API and every well-formed reply of the fixtures as it would the real one.

import OpenAI, { type APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  agentTools,
  chatReply,
  chatStream,
  completionReply,
  completionStream,
  embeddingReply,
  embeddingVector,
  langchainBody,
  type StreamOptions,
} from './chat-fixtures.ts';
import { type FaultUpstream, json, startFaultUpstream, streamHead, writeAll } from './fault-upstream.ts';
import { apiError, type OpenAiApi, startOpenAiApi } from './openai-api.ts';

let api: OpenAiApi;
let client: OpenAI;
let up: FaultUpstream;
let upClient: OpenAI;
beforeAll(async () => {
  api = await startOpenAiApi();
  client = new OpenAI({ baseURL: api.url, apiKey: 'sk-test', maxRetries: 0 });
  up = await startFaultUpstream();
  upClient = new OpenAI({ baseURL: `${up.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  await api.close();
  await up.close();
});
const messages = [{ role: 'user' as const, content: 'Say hello.' }];
const model = 'gpt-5-mini';

describe('fake OpenAI API', () => {
  test('answers chat with the headers of the API and records the call', async () => {
    const { data, response } = await client.chat.completions.create({ model, messages }).withResponse();
    expect(data.choices[0]?.message.content).toBe('Hello from the managed API.');
    expect(data.usage?.total_tokens).toBe(data.usage!.prompt_tokens + data.usage!.completion_tokens);
    const names = [
      'x-request-id',
      'openai-processing-ms',
      'x-ratelimit-remaining-requests',
      'x-ratelimit-reset-tokens',
    ];
    for (const name of names) expect(response.headers.get(name)).toBeTruthy();
    expect(api.requests.at(-1)?.headers['authorization']).toBe('Bearer sk-test');
    expect(JSON.parse(api.requests.at(-1)!.body)).toEqual({ model, messages });
  });

  test('streams chat, with usage where it is asked for', async () => {
    const runner = client.chat.completions.stream({ model, messages, stream_options: { include_usage: true } });
    const final = await runner.finalChatCompletion();
    expect(final.choices[0]?.message.content).toBe('Hello from the managed API.');
    expect((await runner.totalUsage()).total_tokens).toBeGreaterThan(0);
  });

  test.each([true, false])('calls a tool, then answers its result (stream: %s)', async (stream) => {
    const call = async (conversation: OpenAI.ChatCompletionMessageParam[]) => {
      const tools = agentTools(2, 50) as OpenAI.ChatCompletionFunctionTool[];
      const parameters = { model, messages: conversation, tools };
      if (!stream) return client.chat.completions.create(parameters);
      return client.chat.completions.stream(parameters).finalChatCompletion();
    };
    const choice = (await call(messages)).choices[0]!;
    expect(choice.finish_reason).toBe('tool_calls');
    const tool = choice.message.tool_calls![0]!;
    expect(tool).toMatchObject({ type: 'function', function: { name: 'bash', arguments: '{"filePath":"value"}' } });
    const result = { role: 'tool' as const, tool_call_id: tool.id, content: 'done' };
    expect((await call([...messages, choice.message, result])).choices[0]?.finish_reason).toBe('stop');
  });

  test('answers completions, embeddings and the list of models', async () => {
    const completion = await client.completions.create({ model, prompt: 'Say' });
    expect(completion.choices[0]?.text).toBe('Hello from the managed API.');
    let streamed = '';
    for await (const part of await client.completions.create({ model, prompt: 'Say', stream: true })) {
      streamed += part.choices[0]?.text ?? '';
    }
    expect(streamed).toBe('Hello from the managed API.');
    const made = await client.embeddings.create({ model: 'text-embedding-3-small', input: ['a', 'b'] });
    expect(made.data[1]?.embedding).toEqual([...embeddingVector(1, 8)]);
    expect(JSON.parse(api.requests.at(-1)!.body).encoding_format).toBe('base64');
    expect((await client.models.list()).data.map(({ id }) => id)).toContain('gpt-4o-mini');
  });

  test('refuses as the API does', async () => {
    const wrong = new OpenAI({ baseURL: api.url, apiKey: 'sk-wrong', maxRetries: 0 });
    const outcome = (going: Promise<unknown>) =>
      going.catch((error: APIError) => [error.status, error.code, error.param]);
    const chat = (body: object) => client.chat.completions.create(body as never);
    expect(await outcome(wrong.models.list())).toEqual([401, 'invalid_api_key', null]);
    expect(await outcome(chat({ model: 'gpt-2', messages }))).toEqual([404, 'model_not_found', null]);
    expect(await outcome(chat({ messages }))).toEqual([400, null, null]);
    expect(await outcome(chat({ model }))).toEqual([400, 'missing_required_parameter', 'messages']);
    expect((await fetch(`${api.url}/models`)).status).toBe(401);
    expect((await fetch(`${api.url}/nothing`, { headers: { authorization: 'Bearer sk-test' } })).status).toBe(404);
  });

  test('fails on command, and the SDK retries what it is told to', async () => {
    const limited = apiError('Rate limit reached', 'requests', null, 'rate_limit_exceeded');
    api.fail({ status: 429, body: limited, headers: { 'retry-after-ms': '1' } }, 2);
    const patient = new OpenAI({ baseURL: api.url, apiKey: 'sk-test', maxRetries: 2 });
    const before = api.requests.length;
    expect((await patient.chat.completions.create({ model, messages })).model).toBe('gpt-5-mini-2026-08-07');
    expect(api.requests.length - before).toBe(3);
    api.fail({ status: 500 });
    await expect(client.models.list()).rejects.toMatchObject({ status: 500, type: 'server_error' });
    await expect(client.models.list()).resolves.toBeDefined();
  });
});

describe('well-formed fixtures pass the SDK', () => {
  const streams: Record<string, StreamOptions> = {
    plain: {},
    openai: { vendor: 'openai' },
    'usage at the end': { usageEvents: 'last', usage: { prompt: 7, completion: 9, cached: 4 } },
    'usage in every event': { usageEvents: 'every' },
    'without [DONE]': { done: false },
    'lines end in CRLF': { eol: '\r\n' },
    'lines end in CR': { eol: '\r' },
    reasoning: { reasoning: 'Let me think.' },
    'many bytes a character': { tokens: ['naïve ', '👩‍👩‍👧 ', '漢字 ', '\u2028'] },
    length: { finishReason: 'length' },
  };
  test.each(Object.entries(streams))('chat stream: %s', async (_, options) => {
    up.next(streamHead(), writeAll(chatStream(options)));
    const final = await upClient.chat.completions.stream({ model, messages }).finalChatCompletion();
    const expected = options.tokens?.join('') ?? 'The quick brown fox jumps over the lazy dog.';
    expect(final.choices[0]).toMatchObject({
      finish_reason: options.finishReason ?? 'stop',
      message: { content: expected },
    });
    if (options.usageEvents === 'last') expect(final.usage).toMatchObject({ prompt_tokens: 7, total_tokens: 16 });
  });

  test('a chat stream without role frame still reads chunk by chunk', async () => {
    // The stream helper of the SDK refuses it ("missing role"), the plain iterator does not.
    up.next(streamHead(), writeAll(chatStream({ roleFrame: false, tokens: ['a', 'b'] })));
    let text = '';
    for await (const chunk of await upClient.chat.completions.create({ model, messages, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? '';
    }
    expect(text).toBe('ab');
  });

  test.each(['openai', 'vllm'] as const)('chat stream with two tool calls: %s', async (vendor) => {
    const calls = [
      { name: 'read', arguments: { path: '/a "b"' } },
      { name: 'bash', arguments: {} },
    ];
    up.next(streamHead(), writeAll(chatStream({ vendor, toolCalls: calls, text: 'On it.' })));
    const final = await upClient.chat.completions.stream(langchainBody() as never).finalChatCompletion();
    const seen = final.choices[0]!.message.tool_calls!.map((call) => (call.type === 'function' ? call.function : call));
    expect(seen).toMatchObject(calls.map((call) => ({ name: call.name, arguments: JSON.stringify(call.arguments) })));
    expect(final.choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: 'On it.' } });
  });

  test.each(['openai', 'vllm'] as const)('buffered replies and completions: %s', async (vendor) => {
    const calls = [{ name: 'read', arguments: { path: '/a' } }];
    up.next(json(200, chatReply({ vendor, toolCalls: calls })));
    const reply = await upClient.chat.completions.create({ model, messages });
    expect(reply.choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } });
    expect(reply.choices[0]?.message.tool_calls).toHaveLength(1);
    up.next(json(200, completionReply({ vendor, text: 'one two' })));
    expect((await upClient.completions.create({ model, prompt: 'x' })).choices[0]?.text).toBe('one two');
    up.next(streamHead(), writeAll(completionStream({ vendor, text: 'one two', usageEvents: 'last' })));
    let usage: unknown;
    for await (const part of await upClient.completions.create({ model, prompt: 'x', stream: true }))
      usage = part.usage;
    expect(usage).toMatchObject({ completion_tokens: 2 });
  });

  test.each(['float', 'base64'] as const)('embeddings: %s', async (encoding) => {
    up.next(json(200, embeddingReply({ inputs: 3, dimensions: 16, encoding })));
    // Given explicitly, base64 stays undecoded in the SDK; without it, it decodes by itself.
    const asked = encoding === 'float' ? { encoding_format: encoding } : {};
    const made = await upClient.embeddings.create({ model, input: ['a', 'b', 'c'], ...asked });
    expect(made.data.map(({ embedding }) => embedding)).toEqual([0, 1, 2].map((i) => [...embeddingVector(i, 16)]));
  });
});
