// The AI SDK, unchanged, by its four providers' ways in, against demo workers and managed APIs, behind a key.
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import {
  APICallError,
  embedMany,
  generateText,
  isStepCount,
  jsonSchema,
  type LanguageModel,
  Output,
  streamText,
  tool,
} from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stage, served, startStage } from './stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());

const compatible = (key = stage.key) =>
  createOpenAICompatible({
    name: 'spillway',
    baseURL: stage.baseURL,
    apiKey: key,
    supportsStructuredOutputs: true,
    includeUsage: true,
  });
const openai = (key = stage.key) => createOpenAI({ baseURL: stage.baseURL, apiKey: key });
const anthropic = (key = stage.key) => createAnthropic({ baseURL: stage.baseURL, apiKey: key });

/** Of every call; without a limit, a model that Anthropic's provider does not know is warned about. */
const CALL = { maxRetries: 0, maxOutputTokens: 512 };

const MANAGED = 'Hello from the managed API.';
type Way = readonly [name: string, model: (key?: string) => LanguageModel, says: string];
const WAYS: readonly Way[] = [
  ['@ai-sdk/openai-compatible, demo worker', (key) => compatible(key)('demo-large'), 'demo worker'],
  ['@ai-sdk/openai chat, demo worker', (key) => openai(key).chat('demo-large'), 'demo worker'],
  ['@ai-sdk/openai responses, demo worker', (key) => openai(key).responses('demo-large'), 'demo worker'],
  ['@ai-sdk/anthropic, demo worker', (key) => anthropic(key)('demo-large'), 'demo worker'],
  ['@ai-sdk/openai chat, managed API', (key) => openai(key).chat('gpt-5-mini'), MANAGED],
  ['@ai-sdk/anthropic, managed API', (key) => anthropic(key)('claude-opus-5-5'), MANAGED],
];
const isDemo = (says: string) => says !== MANAGED;

describe.each(WAYS)('%s', (_, model, says) => {
  const weather = (asked: unknown[]) =>
    tool({
      description: 'The weather of a city',
      inputSchema: jsonSchema<{ city: string }>({
        type: 'object',
        properties: { city: { type: 'string' } },
        required: ['city'],
        additionalProperties: false,
      }),
      execute: (input) => {
        asked.push(input);
        return 'sunny';
      },
    });

  it('generateText: text, a finish reason, usage and the disclosure', async () => {
    const { text, finishReason, usage, response } = await generateText({
      model: model(),
      prompt: 'Say hello.',
      ...CALL,
    });
    expect(text).toContain(says);
    expect(finishReason).toBe('stop');
    expect(usage.outputTokens).toBeGreaterThan(0);
    expect(served(response.headers!)).toMatch(isDemo(says) ? /^demo-large\// : /^(openai|anthropic)\//);
  });

  it('streamText: the same text, in pieces', async () => {
    const whole = await generateText({ model: model(), prompt: 'Say hello.', ...CALL });
    const stream = streamText({ model: model(), prompt: 'Say hello.', ...CALL });
    const pieces: string[] = [];
    for await (const piece of stream.textStream) pieces.push(piece);
    expect(pieces.join('')).toBe(whole.text);
    expect(pieces.length).toBeGreaterThan(1);
    expect(await stream.finishReason).toBe('stop');
    expect((await stream.usage).outputTokens).toBeGreaterThan(0);
  });

  it.each(['generateText', 'streamText'])('%s: a tool is called and its result answered', async (how) => {
    const asked: { city: string }[] = [];
    const call = {
      model: model(),
      prompt: 'Ask weather about Lisbon.',
      tools: { weather: weather(asked) },
      stopWhen: isStepCount(3),
      ...CALL,
    };
    const result = how === 'streamText' ? streamText(call) : await generateText(call);
    expect(await result.text).toContain(isDemo(says) ? 'sunny' : says);
    expect((await result.steps).map(({ finishReason }) => finishReason)).toEqual(['tool-calls', 'stop']);
    expect(asked.map(({ city }) => typeof city)).toEqual(['string']);
  });

  it('a key that nobody made is an APICallError of 401, which is not tried again', async () => {
    const refused = await generateText({ model: model('sk-nobody'), ...CALL, prompt: 'x', maxRetries: 2 }).catch(
      (e: unknown) => e,
    );
    expect(refused).toBeInstanceOf(APICallError);
    expect(refused).toMatchObject({
      statusCode: 401,
      isRetryable: false,
      message: expect.stringContaining('No valid key'),
    });
  });
});

describe.each(WAYS.filter(([, , says]) => isDemo(says)))('%s', (_, model) => {
  it('an object by schema', async () => {
    const schema = jsonSchema<{ name: string; age: number }>({
      type: 'object',
      properties: { name: { type: 'string' }, age: { type: 'integer' } },
      required: ['name', 'age'],
      additionalProperties: false,
    });
    const { output } = await generateText({
      model: model(),
      prompt: 'Somebody.',
      output: Output.object({ schema }),
      ...CALL,
    });
    expect([typeof output.name, Number.isInteger(output.age)]).toEqual(['string', true]);
  });
});

it('embedMany, from a demo worker and a managed API', async () => {
  const models = [
    [compatible().embeddingModel('demo-embed'), 384],
    [openai().embedding('demo-embed'), 384],
    [openai().embedding('text-embedding-3-small'), 8],
  ] as const;
  for (const [model, length] of models) {
    const { embeddings } = await embedMany({ model, values: ['one', 'two'], maxRetries: 0 });
    expect(embeddings.map((one) => one.length)).toEqual([length, length]);
  }
});
