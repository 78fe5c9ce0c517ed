// Chat as the official client sees it. For src/demo/chat.ts.
import type OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { ask, eventsOf, started } from './started.ts';

const weather = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'Weather of a city',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, unit: { enum: ['celsius', 'fahrenheit'] } },
      required: ['city', 'unit'],
    },
  },
};
const clock = {
  type: 'function' as const,
  function: { name: 'get_time', parameters: { type: 'object', properties: {} } },
};

describe('chat', () => {
  it('answers with all fields that clients read, and says what it is', async () => {
    const { client } = await started();
    const reply = await client.chat.completions.create(ask('What is a spillway?'));
    expect(reply).toMatchObject({ object: 'chat.completion', model: 'demo-large', system_fingerprint: null });
    expect(reply.id).toMatch(/^chatcmpl-[0-9a-f]{32}$/);
    const [choice] = reply.choices;
    expect(choice).toMatchObject({ index: 0, finish_reason: 'stop', message: { role: 'assistant', refusal: null } });
    expect(choice?.message.content).toMatch(
      /^This is demo-large, a demo worker of Spillway, not a language model\. You asked: "What is a spillway\?"\./,
    );
    const usage = reply.usage!;
    expect(usage.completion_tokens).toBeGreaterThanOrEqual(64);
    expect(usage.total_tokens).toBe(usage.prompt_tokens + usage.completion_tokens);
    expect(usage.prompt_tokens_details?.cached_tokens).toBe(0);
  });

  it('gives equal requests equal answers', async () => {
    const [one, two] = [await started(), await started()];
    const texts = await Promise.all(
      [one, two, one].map(({ client }) => client.chat.completions.create(ask('Same?', { seed: 7 }))),
    );
    expect(new Set(texts.map((reply) => reply.choices[0]?.message.content)).size).toBe(1);
  });

  it('streams a role, one token a chunk, the end, the usage and the terminator', async () => {
    const { post, client } = await started();
    const body = ask('Hi', { stream: true, stream_options: { include_usage: true } });
    const response = await post('/v1/chat/completions', body);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const { events, done } = eventsOf(await response.text());
    expect(done).toBe(true);
    expect(events[0]).toMatchObject({ choices: [{ delta: { role: 'assistant', content: '' }, finish_reason: null }] });
    expect(events.at(-2)).toMatchObject({ choices: [{ delta: {}, finish_reason: 'stop' }] });
    const whole = await client.chat.completions.create(ask('Hi'));
    expect(events.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: whole.usage?.completion_tokens } });
    expect(events).toHaveLength(whole.usage!.completion_tokens + 3);
    const text = events
      .map((event) => (event as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? '')
      .join('');
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(new Set(events.map((event) => event['id'])).size).toBe(1);
  });

  it('sends no usage that nobody asked for', async () => {
    const { post } = await started();
    const { events } = eventsOf(await (await post('/v1/chat/completions', ask('Hi', { stream: true }))).text());
    expect(events.filter((event) => 'usage' in event)).toEqual([]);
  });

  it("satisfies the client's own stream reader", async () => {
    const { client } = await started();
    const stream = client.chat.completions.stream(ask('use get_weather and get_time', { tools: [weather, clock] }));
    const message = await stream.finalMessage();
    expect(message.tool_calls?.map((call) => call.type === 'function' && call.function.name)).toEqual([
      'get_weather',
      'get_time',
    ]);
    expect(await stream.finalChatCompletion()).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] });
  });

  it.each([false, true])('calls tools with arguments that fit their schema (stream: %s)', async (stream) => {
    const { client } = await started();
    const create = ask('hello', { tools: [weather, clock], tool_choice: 'required' as const });
    const completion = stream
      ? await client.chat.completions.stream(create).finalChatCompletion()
      : await client.chat.completions.create(create);
    const [choice] = completion.choices;
    expect(choice).toMatchObject({ finish_reason: 'tool_calls', message: { content: stream ? '' : null } });
    const [call] = choice!.message.tool_calls!;
    expect(call?.id).toMatch(/^call_/);
    expect(call?.type === 'function' && JSON.parse(call.function.arguments)).toEqual({
      city: 'demo city',
      unit: 'celsius',
    });
  });

  it('ends the tool loop of a real agent by speaking of the result', async () => {
    const { client } = await started();
    const asked: unknown[] = [];
    const tool = {
      ...weather,
      function: {
        ...weather.function,
        parse: JSON.parse,
        function: (args: object) => `18 degrees in ${asked.push(args)} city`,
      },
    };
    const runner = client.chat.completions.runTools({ ...ask('call get_weather please'), tools: [tool] });
    expect(await runner.finalContent()).toContain('The tool get_weather returned: "18 degrees in 1 city".');
    expect(asked).toEqual([{ city: 'demo city', unit: 'celsius' }]);
  });

  it('stops at the length, at a stop string, or goes on as told', async () => {
    const { client } = await started();
    const ends = async (more: object) => {
      const { choices, usage } = await client.chat.completions.create(ask('Hi', more));
      return { reason: choices[0]?.finish_reason, text: choices[0]?.message.content, tokens: usage?.completion_tokens };
    };
    expect(await ends({ max_tokens: 5 })).toMatchObject({ reason: 'length', tokens: 5 });
    expect(await ends({ max_completion_tokens: 6, max_tokens: 9 })).toMatchObject({ reason: 'length', tokens: 6 });
    expect(await ends({ stop: ['language', ' worker'] })).toMatchObject({
      reason: 'stop',
      text: 'This is demo-large, a demo',
    });
    expect(await ends({ stop: ' worker', include_stop_str_in_output: true })).toMatchObject({
      text: 'This is demo-large, a demo worker',
    });
    expect(await ends({ max_tokens: 500, ignore_eos: true })).toMatchObject({ reason: 'length', tokens: 500 });
    expect((await ends({ min_tokens: 200 })).tokens).toBeGreaterThanOrEqual(200);
  });

  it('makes n choices, each ended by itself', async () => {
    const { client, post } = await started();
    const reply = await client.chat.completions.create(ask('Hi', { n: 3 }));
    expect(reply.choices.map((choice) => choice.index)).toEqual([0, 1, 2]);
    expect(new Set(reply.choices.map((choice) => choice.message.content)).size).toBeGreaterThan(1);
    const { events } = eventsOf(await (await post('/v1/chat/completions', ask('Hi', { n: 3, stream: true }))).text());
    const choices = events.flatMap((event) => event['choices'] as { index: number; finish_reason: string | null }[]);
    expect(
      choices
        .filter((choice) => choice.finish_reason === 'stop')
        .map(({ index }) => index)
        .sort(),
    ).toEqual([0, 1, 2]);
  });

  it('answers in JSON when asked to', async () => {
    const { client } = await started();
    const json = async (response_format: OpenAI.ResponseFormatJSONObject | OpenAI.ResponseFormatJSONSchema) =>
      JSON.parse(
        (await client.chat.completions.create({ ...ask('Hi'), response_format })).choices[0]!.message.content!,
      );
    expect(await json({ type: 'json_object' })).toMatchObject({ demo: true });
    const schema = {
      type: 'object',
      properties: { title: { type: 'string' }, score: { type: 'integer', minimum: 3 } },
      required: ['title', 'score'],
    };
    expect(await json({ type: 'json_schema', json_schema: { name: 'x', schema } })).toEqual({
      title: 'demo title',
      score: 3,
    });
  });

  it('knows a prefix it has computed, and the turn it has answered itself', async () => {
    const { client } = await started();
    const system = { role: 'system' as const, content: 'You are careful. '.repeat(100) };
    const cached = async (messages: OpenAI.ChatCompletionMessageParam[], more: object = {}) => {
      const reply = await client.chat.completions.create({ model: 'demo-large', messages, ...more });
      const { prompt_tokens, prompt_tokens_details } = reply.usage!;
      return {
        prompt: prompt_tokens,
        cached: prompt_tokens_details!.cached_tokens!,
        text: reply.choices[0]!.message.content!,
      };
    };
    const first = await cached([system, { role: 'user', content: 'One' }]);
    expect(first.cached).toBe(0);
    const other = await cached([system, { role: 'user', content: 'Another' }]);
    expect(other.cached).toBeGreaterThan(200);
    const turn = [
      system,
      { role: 'user' as const, content: 'One' },
      { role: 'assistant' as const, content: first.text },
    ];
    const second = await cached([...turn, { role: 'user', content: 'Two' }]);
    expect(second.cached).toBeGreaterThan(first.prompt);
    expect(second.cached % 16).toBe(0);
    expect((await cached([...turn, { role: 'user', content: 'Two' }], { cache_salt: 'other' })).cached).toBe(0);
  });

  it('takes content parts and any further field', async () => {
    const { client } = await started();
    const parts = [
      { type: 'text' as const, text: 'See' },
      { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${'A'.repeat(9000)}` } },
    ];
    const reply = await client.chat.completions.create({
      model: 'demo-large',
      messages: [{ role: 'user', content: parts }],
      // @ts-expect-error vLLM knows more fields than the client's types
      top_k: 5,
    });
    expect(reply.usage?.prompt_tokens).toBeLessThan(40);
  });
});
