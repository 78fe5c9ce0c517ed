// Every refusal in vLLM's shape. For src/demo/routes.ts and the readers of fields.
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { ask, started } from './started.ts';

const CHAT = '/v1/chat/completions';
const user = { messages: [{ role: 'user', content: 'Hi' }] };

describe('refusals', () => {
  it.each<[string, string, unknown, number, string, string | null]>([
    ['an unknown model', CHAT, { ...user, model: 'other' }, 404, 'NotFoundError', 'model'],
    ['no messages', CHAT, { model: 'demo-large' }, 400, 'BadRequestError', 'messages'],
    ['empty messages', CHAT, { messages: [] }, 400, 'BadRequestError', 'messages'],
    ['a message without role', CHAT, { messages: [{ content: 'x' }] }, 400, 'BadRequestError', 'messages'],
    ['max_tokens of zero', CHAT, { ...user, max_tokens: 0 }, 400, 'BadRequestError', 'max_tokens'],
    ['max_tokens of text', CHAT, { ...user, max_tokens: '9' }, 400, 'BadRequestError', 'max_tokens'],
    ['a wrong stop', CHAT, { ...user, stop: [1] }, 400, 'BadRequestError', 'stop'],
    [
      'stream options without a stream',
      CHAT,
      { ...user, stream_options: {} },
      400,
      'BadRequestError',
      'stream_options',
    ],
    ['a tool choice without tools', CHAT, { ...user, tool_choice: 'auto' }, 400, 'BadRequestError', 'tool_choice'],
    ['a tool without name', CHAT, { ...user, tools: [{}] }, 400, 'BadRequestError', 'tools'],
    [
      'a schema format without schema',
      CHAT,
      { ...user, response_format: { type: 'json_schema' } },
      400,
      'BadRequestError',
      'response_format',
    ],
    ['log probabilities', CHAT, { ...user, logprobs: true }, 400, 'BadRequestError', 'logprobs'],
    ['a prompt of the wrong type', '/v1/completions', { prompt: { a: 1 } }, 400, 'BadRequestError', 'prompt'],
    ['a body that is no object', CHAT, [], 400, 'BadRequestError', null],
    ['a body that is no JSON', CHAT, '{"model":', 400, 'Bad Request', null],
  ])('%s', async (_name, path, body, status, type, param) => {
    const { post } = await started();
    const response = await post(path, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: { message: expect.any(String), type, param, code: status } });
  });

  it('says in vLLM words that a prompt is too long, with or without room for the answer', async () => {
    const { client } = await started({ maxModelLen: 100 });
    const tooLong = async (more: object) =>
      client.chat.completions.create(ask('word '.repeat(80), more)).catch((error) => error);
    expect(await tooLong({ max_tokens: 50 })).toMatchObject({
      status: 400,
      param: 'input_tokens',
      type: 'BadRequestError',
    });
    const error = await client.chat.completions.create(ask('word '.repeat(200))).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(String(error)).toContain(
      "This model's maximum context length is 100 tokens. However, you requested 0 output tokens",
    );
  });

  it('wants the key on /v1/* and nowhere else, when there is one', async () => {
    const { client, get, post } = await started({ apiKey: 'secret' });
    expect((await client.models.list()).data).toHaveLength(1);
    const refused = await get('/v1/models', { headers: { authorization: 'Bearer wrong' } });
    expect([refused.status, await refused.json()]).toEqual([401, { error: 'Unauthorized' }]);
    expect((await post(CHAT, user)).status).toBe(401);
    expect((await get('/health')).status).toBe(200);
    expect((await get('/metrics')).status).toBe(200);
  });

  it('knows which routes it has', async () => {
    const { get, post } = await started();
    const unknown = await get('/v2/nothing');
    expect([unknown.status, await unknown.json()]).toEqual([404, { detail: 'Not Found' }]);
    expect((await get(CHAT)).status).toBe(405);
    expect((await post('/v1/embeddings', { input: 'x' })).status).toBe(404);
  });

  it('takes nothing but JSON', async () => {
    const { post } = await started();
    const response = await post(CHAT, JSON.stringify(user), { headers: { 'content-type': 'text/plain' } });
    expect(response.status).toBe(400);
  });

  it('answers on under the request id it was given, unless that is no plain id', async () => {
    const { post } = await started();
    const named = await post(CHAT, user, { headers: { 'x-request-id': 'abc-1' } });
    expect([named.headers.get('x-request-id'), ((await named.json()) as { id: string }).id]).toEqual([
      'abc-1',
      'chatcmpl-abc-1',
    ]);
    const odd = await post(CHAT, user, { headers: { 'x-request-id': 'a b"c' } });
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
  });
});
