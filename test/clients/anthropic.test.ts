// The official Anthropic client, unchanged, against demo workers and a managed API, behind a key.
import Anthropic, { type APIError, AuthenticationError, BadRequestError, NotFoundError } from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stage, served, startStage } from './stage.ts';

let stage: Stage;
let client: Anthropic;

beforeAll(async () => {
  stage = await startStage();
  client = new Anthropic({ baseURL: stage.origin, apiKey: stage.key, maxRetries: 0 });
});
afterAll(() => stage.close());

const MODELS = [
  ['demo-large', 'demo-large/demo-large', 'demo worker'],
  ['claude-opus-5-5', 'anthropic/claude-opus-5-5', 'Hello from the managed API.'],
] as const;
const WEATHER = {
  name: 'weather',
  description: 'The weather of a city',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] },
};
const ask = (model: string, content = 'Say hello.') => ({
  model,
  max_tokens: 256,
  messages: [{ role: 'user' as const, content }],
});
const textOf = (message: Anthropic.Message) =>
  message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');

describe.each(MODELS)('%s', (model, target, says) => {
  it('a whole message, with disclosure', async () => {
    const { data, response } = await client.messages.create(ask(model)).withResponse();
    expect([data.type, data.role, data.stop_reason]).toEqual(['message', 'assistant', 'end_turn']);
    expect(textOf(data)).toContain(says);
    expect(data.usage.output_tokens).toBeGreaterThan(0);
    expect(served(response.headers)).toBe(target);
    expect(response.headers.get('request-id')).toMatch(/^req_[0-9a-f]{32}$/);
  });

  it('the same message streamed, by events and by the helper', async () => {
    const whole = textOf(await client.messages.create(ask(model)));
    let text = '';
    const types: string[] = [];
    for await (const event of await client.messages.create({ ...ask(model), stream: true })) {
      types.push(event.type);
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text;
    }
    expect(text).toBe(whole);
    expect([types[0], types.at(-1)]).toEqual(['message_start', 'message_stop']);
    const final = await client.messages.stream(ask(model)).finalMessage();
    expect(textOf(final)).toBe(whole);
    expect(final.usage.output_tokens).toBeGreaterThan(0);
  });

  it('a tool call, its result, and the answer to it, streamed and not', async () => {
    const asked = { ...ask(model, 'Ask weather about Lisbon.'), tools: [WEATHER] };
    const first = await client.messages.create(asked);
    const streamed = await client.messages.stream(asked).finalMessage();
    for (const message of [first, streamed]) {
      expect(message.stop_reason).toBe('tool_use');
      const call = message.content.find((block) => block.type === 'tool_use')!;
      expect([call.name, typeof (call.input as { city: unknown }).city]).toEqual(['weather', 'string']);
    }
    const call = first.content.find((block) => block.type === 'tool_use')!;
    const second = await client.messages.create({
      ...asked,
      messages: [
        ...asked.messages,
        { role: 'assistant', content: first.content },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'sunny' }] },
      ],
    });
    expect(second.stop_reason).toBe('end_turn');
    expect(textOf(second)).toContain(model === 'demo-large' ? 'sunny' : says);
  });

  it('counts tokens, by the beta route too', async () => {
    const { max_tokens: _, ...prompt } = ask(model);
    const counted = await client.messages.countTokens(prompt);
    expect(counted.input_tokens).toBeGreaterThan(0);
    expect(await client.beta.messages.countTokens(prompt)).toMatchObject(counted);
  });

  it('beta messages', async () => {
    const message = await client.beta.messages.create({ ...ask(model), betas: ['context-1m-2025-08-07'] });
    expect(message.stop_reason).toBe('end_turn');
  });
});

it('the managed API sees its own key, the caller’s version and flags, and nothing of the caller’s key', () => {
  const { requests } = stage.anthropic;
  const flagged = requests.filter(({ headers }) => headers['anthropic-beta']?.includes('context-1m-2025-08-07'));
  expect(flagged).toHaveLength(1);
  for (const { headers } of requests) {
    expect(headers['x-api-key']).toMatch(/^sk-operator-/);
    expect(headers['anthropic-version']).toMatch(/^20\d\d-/);
    expect(JSON.stringify(headers)).not.toContain(stage.key);
  }
});

it('the runner of tools goes through both turns of a managed API', async () => {
  const seen: unknown[] = [];
  const tool = {
    ...WEATHER,
    type: 'custom' as const,
    parse: (input: unknown) => input,
    run: (input: unknown) => {
      seen.push(input);
      return 'sunny';
    },
  };
  const final = await client.beta.messages.toolRunner({ ...ask('claude-opus-5-5', 'Ask weather now.'), tools: [tool] });
  expect(seen).toEqual([{ city: 'value' }]);
  expect(final.stop_reason).toBe('end_turn');
});

it('lists models in Anthropic’s form, page by page, and retrieves one', async () => {
  const ids: string[] = [];
  for await (const model of client.models.list({ limit: 2 })) ids.push(model.id);
  expect(ids).toEqual(expect.arrayContaining(['demo-large', 'demo-embed', 'demo-rerank']));
  expect(await client.models.retrieve('demo-large')).toMatchObject({ type: 'model', id: 'demo-large' });
});

it('either position of the key is as good, and a key that nobody made is not', async () => {
  const { max_tokens: _, ...prompt } = ask('demo-large');
  const plain = { baseURL: stage.origin, maxRetries: 0 };
  const byHeader = new Anthropic({
    ...plain,
    apiKey: 'x',
    defaultHeaders: { authorization: null, 'x-api-key': stage.key },
  });
  const byToken = new Anthropic({ ...plain, apiKey: null, authToken: stage.key });
  for (const each of [byHeader, byToken])
    expect((await each.messages.countTokens(prompt)).input_tokens).toBeGreaterThan(0);
  const stranger = new Anthropic({ ...plain, apiKey: 'sk-ant-nobody' });
  for (const refused of [
    () => stranger.messages.create(ask('demo-large')),
    () => stranger.messages.stream(ask('claude-opus-5-5')).finalMessage(),
    () => stranger.messages.countTokens(prompt),
    () => stranger.models.list(),
  ]) {
    await expect(refused()).rejects.toBeInstanceOf(AuthenticationError);
  }
});

describe('the tool runner', () => {
  it('hears that a worker keeps no message threads, and goes on without one', async () => {
    const asked: unknown[] = [];
    const { name, description, input_schema } = WEATHER;
    const run = (input: unknown) => {
      asked.push(input);
      return '18 degrees';
    };
    const tool = {
      type: 'custom' as const,
      name,
      description,
      input_schema,
      run,
      parse: (content: unknown) => content,
    };
    const last = await client.beta.messages
      .toolRunner({ ...ask('demo-large', 'call weather please'), tools: [tool] })
      .runUntilDone();
    expect(asked).toHaveLength(1);
    expect(JSON.stringify(last.content)).toContain('18 degrees');
  });
});

describe('refusals', () => {
  it('of the router: NotFoundError and BadRequestError, in Anthropic’s form, not to be retried', async () => {
    const patient = client.withOptions({ maxRetries: 2 });
    const unknown = await patient.messages.create(ask('nobody')).catch((thrown: unknown) => thrown);
    expect(unknown).toBeInstanceOf(NotFoundError);
    expect(unknown).toMatchObject({ type: 'not_found_error', requestID: expect.stringMatching(/^req_/) });
    const { max_tokens: _, ...unlimited } = ask('demo-large');
    const bad = await patient.messages.create(unlimited as Anthropic.MessageCreateParamsNonStreaming).catch((e) => e);
    expect(bad).toBeInstanceOf(BadRequestError);
    expect((bad as APIError).headers!.get('x-should-retry')).toBe('false');
  });

  it('of a managed API: the client’s own tries get through once it is well', async () => {
    const before = stage.anthropic.requests.length;
    stage.anthropic.fail({ status: 500 }, 1);
    const message = await client.withOptions({ maxRetries: 2 }).messages.create(ask('claude-opus-5-5'));
    expect(textOf(message)).toBe('Hello from the managed API.');
    expect(stage.anthropic.requests.length - before).toBe(2);
  });
});
