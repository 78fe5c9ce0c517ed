// The Messages API as the official client sees it. For src/demo/messages.ts and messages-request.ts.
import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import type { DemoWorkerOptions } from '../../src/demo/index.ts';
import { started } from './started.ts';

const weather = {
  name: 'get_weather',
  description: 'Weather of a city',
  input_schema: {
    type: 'object' as const,
    properties: { city: { type: 'string' }, unit: { enum: ['celsius', 'fahrenheit'] } },
    required: ['city', 'unit'],
  },
};
const clock = { name: 'get_time', input_schema: { type: 'object' as const, properties: {} } };
const WEATHER_INPUT = { city: 'demo city', unit: 'celsius' };

const say = (content: Anthropic.MessageParam['content'], more: object = {}) => ({
  model: 'demo-large',
  max_tokens: 256,
  messages: [{ role: 'user' as const, content }],
  ...more,
});

async function worker(options: DemoWorkerOptions = {}) {
  const one = await started(options);
  return { ...one, claude: new Anthropic({ baseURL: one.worker.url, apiKey: options.apiKey ?? 'any', maxRetries: 0 }) };
}

const textOf = ({ content }: Anthropic.Message) =>
  content.map((block) => (block.type === 'text' ? block.text : '')).join('');

describe('messages', () => {
  it('answer with all fields that clients read, and say what they are', async () => {
    const { claude } = await worker();
    const reply = await claude.messages.create(say('What is a spillway?'));
    expect(reply).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'demo-large',
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { cache_read_input_tokens: 0 },
    });
    expect(textOf(reply)).toMatch(
      /^This is demo-large, a demo worker of Spillway.*You asked: "What is a spillway\?"\./,
    );
    expect(reply.usage.input_tokens).toBeGreaterThan(0);
    expect(reply.usage.output_tokens).toBeGreaterThanOrEqual(64);
  });

  it('stream the answer that they give whole', async () => {
    const { claude } = await worker({ cacheBlocks: 0 });
    const whole = await claude.messages.create(say('Same?'));
    const pieces: string[] = [];
    const stream = claude.messages.stream(say('Same?')).on('text', (piece) => pieces.push(piece));
    const streamed = await stream.finalMessage();
    expect(textOf(streamed)).toBe(textOf(whole));
    expect(streamed.usage).toMatchObject(whole.usage);
    expect(pieces).toHaveLength(whole.usage.output_tokens);
  });

  it.each([false, true])('call tools with inputs that fit their schema (stream: %s)', async (stream) => {
    const { claude } = await worker();
    const body = say('use get_weather, then get_time', { tools: [weather, clock] });
    const reply = stream ? await claude.messages.stream(body).finalMessage() : await claude.messages.create(body);
    expect(reply.stop_reason).toBe('tool_use');
    expect(reply.content).toMatchObject([
      { type: 'tool_use', name: 'get_weather', input: WEATHER_INPUT },
      { type: 'tool_use', name: 'get_time', input: {} },
    ]);
  });

  it('end the tool loop of a real agent by speaking of the result, without the thread that it would rather keep', async () => {
    const { claude } = await worker();
    const asked: unknown[] = [];
    const run = (input: unknown) => `18 degrees in ${asked.push(input)} city`;
    const tool = { ...weather, run, parse: (input: unknown) => input };
    const body = {
      ...say([]),
      messages: [{ role: 'user' as const, content: 'call get_weather please' }],
      tools: [tool],
    };
    const last = await claude.beta.messages.toolRunner(body).runUntilDone();
    expect(last.content).toMatchObject([
      { type: 'text', text: expect.stringContaining('The tool get_weather returned: "18 degrees in 1 city".') },
    ]);
    expect(asked).toEqual([WEATHER_INPUT]);
    const thread = claude.beta.messages.thread({ model: 'demo-large', max_tokens: 9 });
    await expect(thread.send({ role: 'user', content: 'Hi' })).rejects.toMatchObject({
      status: 400,
      error: { error: { details: { error_code: 'thread_unsupported_request' } } },
    });
  });

  it.each<[string, object, string[]]>([
    ['any', { type: 'any' }, ['get_weather']],
    ['tool', { type: 'tool', name: 'get_time' }, ['get_time']],
    ['none', { type: 'none' }, []],
    ['auto, without a name in the text', { type: 'auto' }, []],
  ])('obey tool_choice %s', async (_name, choice, names) => {
    const { claude } = await worker();
    const reply = await claude.messages.create(say('hello', { tools: [weather, clock], tool_choice: choice }));
    expect(reply.content.flatMap((block) => (block.type === 'tool_use' ? [block.name] : []))).toEqual(names);
  });

  it('call one tool where parallel calls are forbidden, and none that the server would have to run', async () => {
    const { claude } = await worker();
    const one = { type: 'auto', disable_parallel_tool_use: true };
    const text = 'use get_time, get_weather and web_search';
    const search = { type: 'web_search_20250305', name: 'web_search' };
    const reply = await claude.messages.create(say(text, { tools: [weather, search, clock], tool_choice: one }));
    expect(reply.content).toMatchObject([{ type: 'tool_use', name: 'get_time' }]);
    const none = await claude.messages.create(say('use web_search', { tools: [search] }));
    expect(none.stop_reason).toBe('end_turn');
  });

  it('stop at the length and at a stop sequence, and say so', async () => {
    const { claude } = await worker();
    const short = await claude.messages.create(say('Hi', { max_tokens: 5 }));
    expect(short).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 5 } });
    const stopped = await claude.messages.create(say('Hi', { stop_sequences: ['language', ' worker'] }));
    expect(stopped).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: ' worker' });
    expect(textOf(stopped)).toBe('This is demo-large, a demo');
    const cut = await claude.messages.create(
      say('x', { tools: [weather], tool_choice: { type: 'any' }, max_tokens: 4 }),
    );
    expect(cut).toMatchObject({ stop_reason: 'max_tokens', content: [{ type: 'tool_use', input: {} }] });
  });

  it('answer in JSON when asked to', async () => {
    const { claude } = await worker();
    const schema = { type: 'object', properties: { score: { type: 'integer', minimum: 3 } }, required: ['score'] };
    const reply = await claude.messages.create(
      say('Hi', { output_config: { format: { type: 'json_schema', schema } } }),
    );
    expect(JSON.parse(textOf(reply))).toEqual({ score: 3 });
  });

  it('take what agents send: system blocks, system turns, pictures, thinking, unknown fields', async () => {
    const { post, claude } = await worker();
    const body = {
      ...say([
        { type: 'text', text: 'See' },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(9000) } },
      ]),
      system: [
        { type: 'text', text: 'x-anthropic-billing-header: cch=1;' },
        { type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } },
      ],
      thinking: { type: 'adaptive' },
      context_management: { edits: [] },
      metadata: { user_id: 'u' },
    };
    body.messages.push(
      { role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: 's' }] } as never,
      { role: 'system', content: 'Remember.' } as never,
      { role: 'user', content: 'Go on' },
    );
    const reply = (await (await post('/v1/messages?beta=true', body)).json()) as Anthropic.Message;
    expect(textOf(reply)).toContain('You asked: "Go on"');
    expect(reply.usage.input_tokens).toBeLessThan(60);
    const plain = await claude.messages.countTokens({
      model: 'demo-large',
      system: 'Be brief.',
      messages: body.messages,
    });
    expect(plain.input_tokens).toBe(reply.usage.input_tokens);
  });

  it('read cached tokens from the cache that all surfaces share', async () => {
    const { claude, client } = await worker();
    const system = 'You are careful. '.repeat(100);
    const asked = say('One', { system });
    const first = await claude.messages.create(asked);
    const turn = [...asked.messages, { role: 'assistant' as const, content: first.content }, ...say('Two').messages];
    const second = await claude.messages.stream({ ...asked, messages: turn }).finalMessage();
    const { input_tokens: fresh, cache_read_input_tokens: read } = second.usage;
    expect(read).toBeGreaterThan(first.usage.input_tokens);
    const counted = await claude.messages.countTokens({ model: 'demo-large', system, messages: turn });
    expect(counted.input_tokens).toBe(fresh + read!);
    const messages = [{ role: 'system' as const, content: system }, ...asked.messages] as never;
    const chat = await client.chat.completions.create({ model: 'demo-large', messages });
    expect(chat.usage?.prompt_tokens_details?.cached_tokens).toBeGreaterThan(200);
  });

  it('count the tokens of tools, too', async () => {
    const { claude } = await worker();
    const body = { model: 'demo-large', messages: say('x').messages };
    const [bare, tooled] = [
      await claude.messages.countTokens(body),
      await claude.messages.countTokens({ ...body, tools: [weather] }),
    ];
    const reply = await claude.messages.create(say('x', { tools: [weather] }));
    expect(tooled.input_tokens).toBe(reply.usage.input_tokens);
    expect(tooled.input_tokens).toBeGreaterThan(bare.input_tokens);
  });
});

describe('refusals of messages', () => {
  const messages = say('Hi').messages;
  it.each<[string, unknown, number, string]>([
    ['an unknown model', say('Hi', { model: 'other' }), 404, 'NotFoundError'],
    ['no model', { messages, max_tokens: 1 }, 400, 'BadRequestError'],
    ['no max_tokens', { model: 'demo-large', messages }, 400, 'BadRequestError'],
    ['no messages', { model: 'demo-large', max_tokens: 1 }, 400, 'BadRequestError'],
    ['empty messages', say('Hi', { messages: [] }), 400, 'BadRequestError'],
    ['an unknown role', say('Hi', { messages: [{ role: 'tool', content: '' }] }), 400, 'BadRequestError'],
    ['a block without type', say([{ text: 'x' }] as never), 400, 'BadRequestError'],
    ['an unknown tool choice', say('Hi', { tools: [clock], tool_choice: { type: 'some' } }), 400, 'BadRequestError'],
    [
      'a tool that is not there',
      say('Hi', { tools: [clock], tool_choice: { type: 'tool', name: 'x' } }),
      400,
      'BadRequestError',
    ],
    ['too long a prompt', say('word '.repeat(400)), 400, 'BadRequestError'],
    ['no JSON', '{"model":', 400, 'Bad Request'],
  ])("%s, in Anthropic's shape", async (_name, body, status, type) => {
    const { post } = await worker({ maxModelLen: 300 });
    const response = await post('/v1/messages', body);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ type: 'error', error: { type, message: expect.any(String) } });
  });

  it('reach the official client as its own errors', async () => {
    const { claude } = await worker({ apiKey: 'secret' });
    await expect(claude.messages.create(say('Hi', { model: 'x' }))).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    const stranger = claude.withOptions({ apiKey: 'wrong' });
    await expect(stranger.messages.create(say('Hi'))).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
  });
});
