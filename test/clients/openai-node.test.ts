// The official OpenAI SDK, unchanged, against the default policy: demo workers as processes of their own.
import { readFile } from 'node:fs/promises';
import OpenAI, { APIUserAbortError, BadRequestError, NotFoundError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, eventuallyHolds } from '../fakes/eventually.ts';
import { startTestRouter, type TestRouter } from '../fakes/running-router.ts';

let router: TestRouter;
let client: OpenAI;
const messages = [{ role: 'user' as const, content: 'Say hello.' }];
const chat = { model: 'demo-large', messages, max_tokens: 12 };

beforeAll(async () => {
  const policy = await readFile(new URL('../../policies/default.yaml', import.meta.url), 'utf8');
  router = await startTestRouter({ policy });
  client = new OpenAI({ baseURL: router.baseURL, apiKey: 'any', maxRetries: 0 });
  await eventually(() => router.running.router.status().pools.every(({ condition }) => condition === 'ready'), {
    deadlineMs: 15_000,
  });
});
afterAll(async () => {
  await eventuallyHolds(() => {
    const status = router.running.router.status();
    expect(status.openCalls).toBe(0);
    expect(status.pools.map(({ inFlight, waiting }) => inFlight + waiting)).toEqual([0, 0, 0, 0]);
  });
  await router.close();
  expect(router.log.of('fault')).toEqual([]);
});

describe('chat', () => {
  it('buffered, with the disclosure in headers', async () => {
    const { data, response, request_id } = await client.chat.completions.create(chat).withResponse();
    expect(data.choices[0]!.message.content!.length).toBeGreaterThan(0);
    expect(data.choices[0]!.finish_reason).toBe('length');
    expect(data.usage).toMatchObject({ completion_tokens: 12 });
    expect(request_id).toMatch(/^req_[0-9a-f]{32}$/);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-spillway-asked': 'demo-large',
      'x-spillway-served': 'demo-large/demo-large',
      'x-spillway-rung': '1',
      'x-spillway-attempts': '1',
    });
    expect(response.headers.has('x-spillway-degraded')).toBe(false);
  });

  it('streamed: no usage event that was not asked for, and the same text as buffered', async () => {
    const whole = await client.chat.completions.create({ ...chat, seed: 7 });
    const stream = await client.chat.completions.create({ ...chat, seed: 7, stream: true });
    let text = '';
    let finish: string | null = null;
    for await (const chunk of stream) {
      expect(chunk.choices).toHaveLength(1);
      expect(chunk.usage ?? null).toBe(null);
      text += chunk.choices[0]!.delta.content ?? '';
      finish = chunk.choices[0]!.finish_reason ?? finish;
    }
    expect(text).toBe(whole.choices[0]!.message.content);
    expect(finish).toBe('length');
  });

  it('streamed with usage: exactly one usage event, the last', async () => {
    const stream = await client.chat.completions.create({
      ...chat,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const withUsage = chunks.filter(({ usage }) => usage != null);
    expect(withUsage).toEqual([chunks.at(-1)]);
    expect(withUsage[0]!.usage).toMatchObject({ completion_tokens: 12 });
  });

  it('the .stream() helper', async () => {
    const runner = client.chat.completions.stream(chat);
    let deltas = '';
    runner.on('content', (delta) => {
      deltas += delta;
    });
    expect(await runner.finalContent()).toBe(deltas);
    expect(deltas.length).toBeGreaterThan(0);
  });

  it('several choices', async () => {
    const stream = await client.chat.completions.create({ ...chat, n: 3, stream: true });
    const finished = new Set<number>();
    for await (const { choices } of stream) {
      for (const { index, finish_reason } of choices) if (finish_reason) finished.add(index);
    }
    expect([...finished].sort()).toEqual([0, 1, 2]);
  });
});

describe('tools and schemas', () => {
  const tool = {
    type: 'function' as const,
    function: {
      name: 'weather',
      description: 'The weather of a city',
      parameters: {
        type: 'object',
        properties: { city: { type: 'string' } },
        required: ['city'],
        additionalProperties: false,
      },
    },
  };

  it('runTools calls the function and goes on with its result', async () => {
    const seen: unknown[] = [];
    const note = (args: object) => {
      seen.push(args);
      return 'sunny';
    };
    const runner = client.chat.completions.runTools({
      model: 'demo-large',
      messages: [{ role: 'user', content: 'Ask weather about Lisbon.' }],
      tools: [
        {
          ...tool,
          function: { ...tool.function, parse: JSON.parse, function: note },
        },
      ],
    });
    const text = await runner.finalContent();
    expect(text!.length).toBeGreaterThan(0);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toHaveProperty('city');
    expect(runner.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant']);
  });

  it('a streamed tool call arrives in parts that make valid JSON', async () => {
    const runner = client.chat.completions.stream({
      model: 'demo-large',
      messages,
      tools: [tool],
      tool_choice: 'required',
    });
    const final = await runner.finalChatCompletion();
    expect(final.choices[0]!.finish_reason).toBe('tool_calls');
    const [call] = final.choices[0]!.message.tool_calls!;
    if (call?.type !== 'function') throw new Error('no function call');
    expect(call.function.name).toBe('weather');
    expect(JSON.parse(call.function.arguments)).toHaveProperty('city');
  });

  it('json_schema answers hold to the schema', async () => {
    const schema = {
      type: 'object',
      properties: { name: { type: 'string' }, age: { type: 'integer' } },
      required: ['name', 'age'],
      additionalProperties: false,
    };
    const { choices } = await client.chat.completions.create({
      model: 'demo-large',
      messages,
      response_format: { type: 'json_schema', json_schema: { name: 'person', strict: true, schema } },
    });
    const person = JSON.parse(choices[0]!.message.content!) as { name: unknown; age: unknown };
    expect([typeof person.name, Number.isInteger(person.age)]).toEqual(['string', true]);
  });
});

describe('the other routes', () => {
  it('text completions, buffered and streamed', async () => {
    const ask = { model: 'demo-small', prompt: 'Once upon a time', max_tokens: 8, seed: 1 };
    const whole = await client.completions.create(ask);
    let text = '';
    for await (const chunk of await client.completions.create({ ...ask, stream: true })) text += chunk.choices[0]!.text;
    expect(text).toBe(whole.choices[0]!.text);
    expect(whole.usage).toMatchObject({ completion_tokens: 8 });
  });

  it('embeddings: base64 as the SDK asks by default, and floats, are the same numbers', async () => {
    const input = ['one', 'two'];
    const packed = await client.embeddings.create({ model: 'demo-embed', input });
    const plain = await client.embeddings.create({ model: 'demo-embed', input, encoding_format: 'float' });
    expect(packed.data).toHaveLength(2);
    for (const [at, { embedding }] of packed.data.entries()) {
      expect(embedding).toHaveLength(384);
      for (const [i, value] of embedding.entries()) expect(value).toBeCloseTo(plain.data[at]!.embedding[i]!, 6);
    }
  });

  it('models: listed and retrieved', async () => {
    const ids: string[] = [];
    for await (const model of client.models.list()) ids.push(model.id);
    expect(ids).toEqual(['demo-large', 'demo-small', 'demo-embed', 'demo-rerank']);
    expect(await client.models.retrieve('demo-embed')).toMatchObject({ id: 'demo-embed', object: 'model' });
    await expect(client.models.retrieve('acme/none')).rejects.toBeInstanceOf(NotFoundError);
  });
});

describe('refusals', () => {
  it('an unknown model is a NotFoundError that lists the known', async () => {
    const error = await client.chat.completions.create({ ...chat, model: 'gpt-9' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error).toMatchObject({ code: 'model_not_found', param: 'model', type: 'invalid_request_error' });
    expect((error as NotFoundError).message).toContain('demo-large, demo-small, demo-embed');
  });

  it('a prompt that is too long is a BadRequestError of the code that agents look for', async () => {
    const long = { role: 'user' as const, content: 'word '.repeat(40_000) };
    const error = await client.chat.completions
      .create({ ...chat, model: 'demo-small', messages: [long] })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ code: 'context_length_exceeded' });
    expect((error as BadRequestError).message).toMatch(/maximum context length/);
  });

  it('a base URL with /v1 twice is told so', async () => {
    const wrong = client.withOptions({ baseURL: `${router.baseURL}/v1` });
    await expect(wrong.chat.completions.create(chat)).rejects.toThrow(/remove \/v1/);
  });

  it('F078 an abort in the middle of a stream frees the worker', async () => {
    const controller = new AbortController();
    const stream = await client.chat.completions.create(
      { ...chat, max_tokens: 4_000, ignore_eos: true, stream: true } as typeof chat & { stream: true },
      { signal: controller.signal },
    );
    let seen = 0;
    for await (const _ of stream) if (++seen === 3) controller.abort();
    expect(seen).toBeGreaterThanOrEqual(3);
    await eventuallyHolds(() => {
      const { openCalls, pools } = router.running.router.status();
      expect([openCalls, pools[0]!.inFlight]).toEqual([0, 0]);
    });
    expect(router.log.of('call').at(-1)!.fields).toMatchObject({ how: 'client_gone' });
    const gone = client.chat.completions.create(chat, { signal: AbortSignal.abort() });
    await expect(gone).rejects.toBeInstanceOf(APIUserAbortError);
  });
});
