// The official clients through the router to managed APIs: nothing but base URL and key changes, streamed and not, with tools.
// For providers.
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AnthropicApi, startAnthropicApi } from '../fakes/anthropic-api.ts';
import { agentTools } from '../fakes/chat-fixtures.ts';
import { type OpenAiApi, startOpenAiApi } from '../fakes/openai-api.ts';
import { type Managed, PROMPT, PROVIDER_KEY, startManaged } from './managed.ts';

let api: OpenAiApi;
let claudeApi: AnthropicApi;
let router: Managed;
let openai: OpenAI;
let claude: Anthropic;

beforeAll(async () => {
  api = await startOpenAiApi({ keys: [PROVIDER_KEY] });
  claudeApi = await startAnthropicApi({ keys: [PROVIDER_KEY] });
  router = await startManaged({
    providers: {
      openai: { kind: 'openai', baseUrl: api.url, apiKey: '$KEY' },
      anthropic: { kind: 'anthropic', baseUrl: claudeApi.url, apiKey: '$KEY' },
    },
    models: { 'gpt-*': { ladder: [{ provider: 'openai' }] }, 'claude-*': { ladder: [{ provider: 'anthropic' }] } },
  });
  openai = new OpenAI({ baseURL: router.baseURL, apiKey: router.key, maxRetries: 0 });
  claude = new Anthropic({ baseURL: router.baseURL.replace(/\/v1$/, ''), apiKey: router.key, maxRetries: 0 });
});
afterAll(async () => {
  await router.closeClean();
  await api.close();
  await claudeApi.close();
});

const messages = [{ role: 'user' as const, content: PROMPT }];
const ask = { model: 'claude-opus-5-5', max_tokens: 64, messages };
const read = { name: 'read', input_schema: { type: 'object' as const, required: ['path'] } };

describe('OpenAI’s client', () => {
  it.each([true, false])('chats, and calls a tool (stream: %s)', async (stream) => {
    const tools = agentTools(2, 50) as OpenAI.ChatCompletionFunctionTool[];
    const body = { model: 'gpt-5-mini', messages, tools };
    const completion = stream
      ? await openai.chat.completions.stream(body).finalChatCompletion()
      : await openai.chat.completions.create(body);
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ function: { name: 'bash', arguments: '{"filePath":"value"}' } }] },
    });
    expect(api.requests.at(-1)!.headers['authorization']).toBe(`Bearer ${PROVIDER_KEY}`);
  });
});

describe('Anthropic’s client', () => {
  it.each([true, false])('chats, and calls a tool (stream: %s)', async (stream) => {
    const body = { ...ask, tools: [read] };
    const reply = await (stream ? claude.messages.stream(body).finalMessage() : claude.messages.create(body));
    expect(reply.stop_reason).toBe('tool_use');
    expect(reply.content[0]).toMatchObject({ type: 'tool_use', name: 'read', input: { path: 'value' } });
    const { headers } = claudeApi.requests.at(-1)!;
    expect([headers['x-api-key'], headers['authorization']]).toEqual([PROVIDER_KEY, undefined]);
    const plain = await (stream ? claude.messages.stream(ask).finalMessage() : claude.messages.create(ask));
    expect(plain.content).toEqual([{ type: 'text', text: 'Hello from the managed API.', citations: null }]);
  });

  it('counts tokens', async () => {
    const direct = new Anthropic({ baseURL: claudeApi.url, apiKey: PROVIDER_KEY, maxRetries: 0 });
    const { model } = ask;
    expect(await claude.messages.countTokens({ model, messages })).toEqual(
      await direct.messages.countTokens({ model, messages }),
    );
  });

  it('hears of an account without money as of an error that no retry cures', async () => {
    const patient = new Anthropic({ baseURL: router.baseURL.replace(/\/v1$/, ''), apiKey: router.key, maxRetries: 2 });
    const before = claudeApi.requests.length;
    claudeApi.fail({ status: 402 }, 9);
    await expect(patient.messages.create(ask)).rejects.toMatchObject({ status: 502 });
    expect(claudeApi.requests.length - before).toBe(1);
  });
});
