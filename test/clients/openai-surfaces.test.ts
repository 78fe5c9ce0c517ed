// The official OpenAI client, unchanged, on the surfaces beside chat, and at a managed API, behind a key.
import OpenAI, { AuthenticationError, NotFoundError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stage, served, startStage } from './stage.ts';

let stage: Stage;
let client: OpenAI;

beforeAll(async () => {
  stage = await startStage();
  client = new OpenAI({ baseURL: stage.baseURL, apiKey: stage.key, maxRetries: 0 });
});
afterAll(() => stage.close());

const WEATHER = {
  type: 'function' as const,
  name: 'weather',
  strict: true,
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
};

describe('responses on demo workers', () => {
  const ask = { model: 'demo-large', input: 'Say hello.' };

  it('whole: a completed response with text, usage and disclosure', async () => {
    const { data, response } = await client.responses.create(ask).withResponse();
    expect(data.status).toBe('completed');
    expect(data.output_text).toContain('demo worker');
    expect(data.usage!.output_tokens).toBeGreaterThan(0);
    expect(served(response.headers)).toBe('demo-large/demo-large');
  });

  it('streamed: the same text, ended by response.completed', async () => {
    const whole = await client.responses.create(ask);
    let text = '';
    const types: string[] = [];
    for await (const event of await client.responses.create({ ...ask, stream: true })) {
      types.push(event.type);
      if (event.type === 'response.output_text.delta') text += event.delta;
    }
    expect(text).toBe(whole.output_text);
    expect([types[0], types.at(-1)]).toEqual(['response.created', 'response.completed']);
  });

  it('a tool call and its output, streamed and not', async () => {
    const asked = { ...ask, input: 'Ask weather about Lisbon.', tools: [WEATHER] };
    const first = await client.responses.create(asked);
    const streamed = await client.responses.stream(asked).finalResponse();
    for (const output of [first.output, streamed.output as typeof first.output]) {
      const call = output.find((item) => item.type === 'function_call')!;
      expect(call.name).toBe('weather');
      expect(JSON.parse(call.arguments)).toHaveProperty('city');
    }
    const call = first.output.find((item) => item.type === 'function_call')!;
    const second = await client.responses.create({
      model: ask.model,
      tools: [WEATHER],
      input: [
        { role: 'user', content: asked.input },
        call,
        { type: 'function_call_output', call_id: call.call_id, output: 'sunny' },
      ],
    });
    expect(second.output_text).toContain('sunny');
  });

  it('goes on with a stored response', async () => {
    const first = await client.responses.create(ask);
    const second = await client.responses.create({ ...ask, input: 'And now?', previous_response_id: first.id });
    expect(second.output_text).toContain('And now?');
    expect(second.usage!.input_tokens).toBeGreaterThan(first.usage!.input_tokens);
  });

  it('keeps to a schema', async () => {
    const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };
    const format = { type: 'json_schema' as const, name: 'number', strict: false, schema };
    const { output_text } = await client.responses.create({ ...ask, text: { format } });
    expect(Number.isInteger((JSON.parse(output_text) as { n: unknown }).n)).toBe(true);
  });
});

describe('a managed API', () => {
  const messages = [{ role: 'user' as const, content: 'Say hello.' }];
  const chat = { model: 'gpt-5-mini', messages };

  it('chat, whole and streamed, with the API’s own model and its id', async () => {
    const { data, response } = await client.chat.completions.create(chat).withResponse();
    expect(data.choices[0]!.message.content).toBe('Hello from the managed API.');
    expect(data.model).toBe('gpt-5-mini-2026-08-07');
    expect(served(response.headers)).toBe('openai/gpt-5-mini');
    let text = '';
    for await (const { choices } of await client.chat.completions.create({ ...chat, stream: true }))
      text += choices[0]?.delta.content ?? '';
    expect(text).toBe('Hello from the managed API.');
  });

  it('a tool call and its output', async () => {
    const args: unknown[] = [];
    const tool = {
      type: 'function' as const,
      function: {
        name: 'weather',
        description: 'The weather of a city',
        parameters: WEATHER.parameters,
        parse: JSON.parse,
        function: (given: object) => {
          args.push(given);
          return 'sunny';
        },
      },
    };
    const runner = client.chat.completions.runTools({ ...chat, tools: [tool], stream: true });
    expect(await runner.finalContent()).toBe('Hello from the managed API.');
    expect(args).toEqual([{ city: 'value' }]);
  });

  it('completions and vectors', async () => {
    const completion = await client.completions.create({ model: 'gpt-5-mini', prompt: 'Hello' });
    expect(completion.choices[0]!.text).toBe('Hello from the managed API.');
    const vectors = await client.embeddings.create({ model: 'text-embedding-3-small', input: ['a', 'b'] });
    expect(vectors.data.map(({ embedding }) => embedding.length)).toEqual([8, 8]);
  });

  it('sees its own key, and nothing of the caller’s', () => {
    for (const { headers } of stage.openai.requests) {
      expect(headers['authorization']).toMatch(/^Bearer sk-operator-/);
      expect(JSON.stringify(headers)).not.toContain(stage.key);
    }
  });

  it('an unknown model is a NotFoundError of the router, a key that nobody made an AuthenticationError', async () => {
    await expect(client.chat.completions.create({ ...chat, model: 'nobody' })).rejects.toBeInstanceOf(NotFoundError);
    const stranger = client.withOptions({ apiKey: 'sk-nobody' });
    for (const refused of [
      () => stranger.chat.completions.create(chat),
      () => stranger.responses.create({ model: 'demo-large', input: 'x' }),
      () => stranger.embeddings.create({ model: 'demo-embed', input: 'x' }),
      () => stranger.models.list(),
    ]) {
      await expect(refused()).rejects.toBeInstanceOf(AuthenticationError);
    }
  });
});
