// LangChain.js, unchanged, by OpenAI's and Anthropic's integrations, against demo workers and managed APIs, behind a key.
import { ChatAnthropic } from '@langchain/anthropic';
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessageChunk, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stage, startStage } from './stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());

const MANAGED = 'Hello from the managed API.';
const openai = (model: string, key = stage.key, useResponsesApi = false) =>
  new ChatOpenAI({ model, apiKey: key, configuration: { baseURL: stage.baseURL }, useResponsesApi, maxRetries: 0 });
const anthropic = (model: string, key = stage.key) =>
  new ChatAnthropic({ model, apiKey: key, anthropicApiUrl: stage.origin, maxRetries: 0 });

const WAYS: readonly (readonly [string, (key?: string) => BaseChatModel, string])[] = [
  ['ChatOpenAI, demo worker', (key) => openai('demo-large', key), 'demo worker'],
  ['ChatOpenAI on responses, demo worker', (key) => openai('demo-large', key, true), 'demo worker'],
  ['ChatAnthropic, demo worker', (key) => anthropic('demo-large', key), 'demo worker'],
  ['ChatOpenAI, managed API', (key) => openai('gpt-5-mini', key), MANAGED],
  ['ChatAnthropic, managed API', (key) => anthropic('claude-opus-5-5', key), MANAGED],
];
const TOOLS = [
  {
    type: 'function' as const,
    function: {
      name: 'weather',
      description: 'The weather of a city',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
];

describe.each(WAYS)('%s', (_, model, says) => {
  it('invoke: text and usage', async () => {
    const reply = await model().invoke('Say hello.');
    expect(reply.text).toContain(says);
    expect(reply).toMatchObject({ usage_metadata: { output_tokens: expect.toSatisfy((n: number) => n > 0) } });
  });

  it('stream: the same text, in pieces', async () => {
    const whole = await model().invoke('Say hello.');
    const pieces: string[] = [];
    for await (const chunk of await model().stream('Say hello.')) if (chunk.text !== '') pieces.push(chunk.text);
    expect(pieces.join('')).toBe(whole.text);
    expect(pieces.length).toBeGreaterThan(1);
  });

  it.each(['invoke', 'stream'])('%s: a tool call, its result, and the answer to it', async (how) => {
    const bound = model().bindTools!(TOOLS);
    const question = new HumanMessage('Ask weather about Lisbon.');
    let first = new AIMessageChunk('');
    if (how === 'invoke') first = (await bound.invoke([question])) as AIMessageChunk;
    else for await (const chunk of await bound.stream([question])) first = first.concat(chunk as AIMessageChunk);
    const [call] = first.tool_calls!;
    expect([first.tool_calls!.length, call!.name, typeof call!.args['city']]).toEqual([1, 'weather', 'string']);
    const result = new ToolMessage({ content: 'sunny', tool_call_id: call!.id! });
    const second = await bound.invoke([question, first, result]);
    expect(second.text).toContain(says === MANAGED ? MANAGED : 'sunny');
  });

  it('a key that nobody made is an error of 401, which is not tried again', async () => {
    const stranger = model('sk-nobody');
    await expect(stranger.invoke('x')).rejects.toMatchObject({ status: 401 });
    await expect(stranger.stream('x')).rejects.toMatchObject({ status: 401 });
  });
});

it('an object by schema', async () => {
  const schema = {
    title: 'person',
    ...{ type: 'object', properties: { age: { type: 'integer' } }, required: ['age'] },
  };
  for (const model of [openai('demo-large'), anthropic('demo-large')] as readonly BaseChatModel[]) {
    const person = await model.withStructuredOutput<{ age: number }>(schema).invoke('Somebody.');
    expect(Number.isInteger(person.age)).toBe(true);
  }
});

it('vectors, from a demo worker and a managed API', async () => {
  for (const [model, length] of [
    ['demo-embed', 384],
    ['text-embedding-3-small', 8],
  ] as const) {
    const embeddings = new OpenAIEmbeddings({
      model,
      apiKey: stage.key,
      configuration: { baseURL: stage.baseURL },
      maxRetries: 0,
    });
    const many = await embeddings.embedDocuments(['one', 'two']);
    expect([...many, await embeddings.embedQuery('three')].map((one) => one.length)).toEqual([length, length, length]);
  }
});
