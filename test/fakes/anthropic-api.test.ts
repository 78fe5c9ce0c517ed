// Shows that the official SDK takes the fake Anthropic API for the real one.
import Anthropic, { type APIError } from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AnthropicApi, anthropicError, startAnthropicApi } from './anthropic-api.ts';

let api: AnthropicApi;
let client: Anthropic;
beforeAll(async () => {
  api = await startAnthropicApi();
  client = new Anthropic({ baseURL: api.url, apiKey: 'sk-ant-test', maxRetries: 0 });
});
afterAll(() => api.close());

const ask = { model: 'claude-opus-5-5', max_tokens: 64, messages: [{ role: 'user' as const, content: 'Say hello.' }] };
const read = { name: 'read', input_schema: { type: 'object' as const, required: ['path'] } };

describe('fake Anthropic API', () => {
  test('answers messages, streamed and not, with the headers of the API', async () => {
    const { data, response } = await client.messages.create(ask).withResponse();
    expect(data.content).toEqual([{ type: 'text', text: 'Hello from the managed API.', citations: null }]);
    for (const name of ['request-id', 'anthropic-organization-id', 'anthropic-ratelimit-requests-reset'])
      expect(response.headers.get(name)).toBeTruthy();
    const streamed = await client.messages.stream(ask).finalMessage();
    expect([streamed.content, streamed.usage.output_tokens]).toEqual([data.content, data.usage.output_tokens]);
    expect(api.requests.at(-1)!.headers['anthropic-version']).toMatch(/^\d{4}-\d\d-\d\d$/);
  });

  test.each([true, false])('calls a tool, then answers its result (stream: %s)', async (stream) => {
    const call = (body: Anthropic.MessageCreateParamsNonStreaming) =>
      stream ? client.messages.stream(body).finalMessage() : client.messages.create(body);
    const first = await call({ ...ask, tools: [read] });
    expect(first.stop_reason).toBe('tool_use');
    expect(first.content[0]).toMatchObject({ type: 'tool_use', name: 'read', input: { path: 'value' } });
    const result = { type: 'tool_result' as const, tool_use_id: 'toolu_01', content: 'done' };
    const messages: Anthropic.MessageParam[] = [
      ...ask.messages,
      { role: 'assistant', content: first.content },
      { role: 'user', content: [result] },
    ];
    expect((await call({ ...ask, messages, tools: [read] })).stop_reason).toBe('end_turn');
  });

  test('counts tokens, refuses as the API does, and fails on command', async () => {
    const { model, messages } = ask;
    expect((await client.messages.countTokens({ model, messages })).input_tokens).toBeGreaterThan(0);
    const outcome = (going: Promise<unknown>) => going.catch((error: APIError) => [error.status, error.type]);
    const wrong = new Anthropic({ baseURL: api.url, apiKey: 'wrong', maxRetries: 0 });
    expect(await outcome(wrong.messages.create(ask))).toEqual([401, 'authentication_error']);
    expect(await outcome(client.messages.create({ ...ask, model: 'claude-0' }))).toEqual([404, 'not_found_error']);
    expect(await outcome(client.messages.create({ model, messages } as never))).toEqual([400, 'invalid_request_error']);
    api.fail({ status: 529, body: anthropicError('overloaded_error', 'Overloaded') }, 1, 'claude-haiku-5-5');
    expect((await client.messages.create(ask)).stop_reason).toBe('end_turn');
    expect(await outcome(client.messages.create({ ...ask, model: 'claude-haiku-5-5' }))).toEqual([
      529,
      'overloaded_error',
    ]);
  });
});
