// The Responses API as the official client sees it. For src/demo/responses.ts, responses-request.ts, responses-shape.ts.
import type OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { StoredConversations } from '../../src/demo/stored-conversations.ts';
import { started } from './started.ts';

const weather = {
  type: 'function' as const,
  name: 'get_weather',
  description: 'Weather of a city',
  strict: false,
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' }, unit: { enum: ['celsius', 'fahrenheit'] } },
    required: ['city', 'unit'],
  },
};
const WEATHER_ARGUMENTS = '{"city":"demo city","unit":"celsius"}';
const say = (input: OpenAI.Responses.ResponseInput | string, more: object = {}) => ({
  model: 'demo-large',
  input,
  ...more,
});

describe('responses', () => {
  it('answer with all fields that clients read, and say what they are', async () => {
    const { client } = await started();
    const reply = await client.responses.create(say('What is a spillway?', { instructions: 'Be brief.' }));
    expect(reply).toMatchObject({
      id: expect.stringMatching(/^resp_[0-9a-f]{32}$/),
      object: 'response',
      model: 'demo-large',
      status: 'completed',
      error: null,
      incomplete_details: null,
      instructions: 'Be brief.',
      output: [{ type: 'message', role: 'assistant', status: 'completed' }],
    });
    expect(reply.output_text).toMatch(/^This is demo-large.*You asked: "What is a spillway\?"\./);
    const usage = reply.usage!;
    expect(usage.total_tokens).toBe(usage.input_tokens + usage.output_tokens);
    expect(usage).toMatchObject({
      input_tokens_details: { cached_tokens: 0 },
      output_tokens_details: { reasoning_tokens: 0 },
    });
  });

  it('stream the answer that they give whole', async () => {
    const { client } = await started({ cacheBlocks: 0 });
    const whole = await client.responses.create(say('Same?'));
    const stream = client.responses.stream(say('Same?'));
    let deltas = 0;
    stream.on('response.output_text.delta', () => {
      deltas += 1;
    });
    const streamed = await stream.finalResponse();
    expect(streamed.output_text).toBe(whole.output_text);
    expect(streamed.usage).toEqual(whole.usage);
    expect(deltas).toBe(whole.usage?.output_tokens);
  });

  it.each([false, true])('call functions, and no tool of another type (stream: %s)', async (stream) => {
    const { client } = await started();
    const others = [{ type: 'web_search' }, { type: 'namespace', name: 'n', description: 'd', tools: [] }];
    const body = say('use web_search and get_weather', { tools: [...others, weather] });
    const reply = stream ? await client.responses.stream(body).finalResponse() : await client.responses.create(body);
    expect(reply.output).toMatchObject([
      { type: 'function_call', name: 'get_weather', arguments: WEATHER_ARGUMENTS, status: 'completed' },
    ]);
  });

  it('go on after a tool, with the items sent back or with the id alone', async () => {
    const { client } = await started();
    const asked = { role: 'user' as const, content: 'use get_weather' };
    const first = await client.responses.create(say([asked], { tools: [weather] }));
    const [made] = first.output as [OpenAI.Responses.ResponseFunctionToolCall];
    const output = { type: 'function_call_output' as const, call_id: made.call_id, output: '18 degrees' };
    const reasoning = { type: 'reasoning' as const, id: 'rs_1', summary: [], encrypted_content: 'x' };
    const sent = await client.responses.create(say([asked, reasoning, made, output], { tools: [weather] }));
    const kept = await client.responses.create(say([output], { tools: [weather], previous_response_id: first.id }));
    for (const reply of [sent, kept]) {
      expect(reply.output_text).toContain('The tool get_weather returned: "18 degrees".');
    }
    expect(kept.usage?.input_tokens).toBe(sent.usage?.input_tokens);
    expect(kept).toMatchObject({ previous_response_id: first.id });
  });

  it.each<[string, unknown, number]>([
    ['required', 'required', 1],
    ['a named function', { type: 'function', name: 'get_weather' }, 1],
    ['none', 'none', 0],
    ['a tool of the server', { type: 'web_search' }, 0],
  ])('obey tool_choice: %s', async (_name, tool_choice, calls) => {
    const { client } = await started();
    const reply = await client.responses.create(say('hello', { tools: [weather], tool_choice }));
    expect(reply.output.filter(({ type }) => type === 'function_call')).toHaveLength(calls);
  });

  it.each([false, true])('say that the length cut them (stream: %s)', async (stream) => {
    const { client } = await started();
    const body = say('Hi', { max_output_tokens: 5 });
    const reply = stream ? await client.responses.stream(body).finalResponse() : await client.responses.create(body);
    expect(reply).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [{ status: 'incomplete' }],
      usage: { output_tokens: 5 },
    });
  });

  it("satisfy the client's own reader of structured output", async () => {
    const { client } = await started();
    const schema = {
      type: 'object',
      properties: { title: { type: 'string' }, score: { type: 'integer', minimum: 3 } },
      required: ['title', 'score'],
    };
    const format = { type: 'json_schema' as const, name: 'verdict', schema, strict: true };
    const reply = await client.responses.parse(say('Hi', { text: { format } }));
    expect(JSON.parse(reply.output_text)).toEqual({ title: 'demo title', score: 3 });
    const plain = await client.responses.create(say('Hi', { text: { format: { type: 'json_object' } } }));
    expect(JSON.parse(plain.output_text)).toMatchObject({ demo: true });
  });

  it('keep a conversation unless told not to, and know its prefix', async () => {
    const { client } = await started();
    const first = await client.responses.create(say(`Hello. ${'Careful. '.repeat(100)}`));
    const second = await client.responses.create(say('And now?', { previous_response_id: first.id }));
    expect(second.usage?.input_tokens_details.cached_tokens).toBeGreaterThan(first.usage!.input_tokens - 17);
    const third = await client.responses.create(say('More', { previous_response_id: second.id, store: false }));
    expect(third.usage!.input_tokens).toBeGreaterThan(second.usage!.total_tokens);
    const lost = client.responses.create(say('More', { previous_response_id: third.id }));
    await expect(lost).rejects.toMatchObject({ status: 404, code: 'previous_response_not_found' });
  });

  it('forget the oldest of many conversations', () => {
    const stored = new StoredConversations();
    const turn = [{ role: 'user', content: 'x' }];
    for (let at = 0; at < 300; at += 1) stored.keep(`resp_${at}`, turn);
    expect(stored.size).toBe(256);
    expect([stored.get('resp_43'), stored.get('resp_44')]).toEqual([undefined, turn]);
  });
});

describe('refusals of responses', () => {
  it.each<[string, object, number, string | null]>([
    ['an unknown model', { model: 'other' }, 404, 'model'],
    ['no input', { input: undefined }, 400, 'input'],
    ['an input without messages', { input: [] }, 400, 'input'],
    ['a message without role', { input: [{ content: 'x' }] }, 400, 'input'],
    ['a background call', { background: true }, 400, 'background'],
    ['an unknown previous response', { previous_response_id: 'resp_x' }, 404, 'previous_response_id'],
    ['a length of zero', { max_output_tokens: 0 }, 400, 'max_output_tokens'],
    ['tools that are no list', { tools: 'x' }, 400, 'tools'],
    ['a schema format without schema', { text: { format: { type: 'json_schema' } } }, 400, 'response_format'],
  ])('%s', async (_name, more, status, param) => {
    const { post } = await started();
    const response = await post('/v1/responses', say('Hi', more));
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { message: expect.any(String), param } });
  });

  it('of an upgrade to a web socket', async () => {
    const { get } = await started();
    expect((await get('/v1/responses')).status).toBe(405);
  });
});
