// Text completions and the token routes as clients see them. For src/demo/completions.ts and tokens.ts.
import { describe, expect, it } from 'vitest';
import { encode } from '../../src/demo/index.ts';
import { eventsOf, started } from './started.ts';

describe('completions', () => {
  it('answers a text with sixteen tokens unless told otherwise', async () => {
    const { client } = await started();
    const reply = await client.completions.create({ model: 'demo-large', prompt: 'Once' });
    expect(reply).toMatchObject({
      object: 'text_completion',
      model: 'demo-large',
      choices: [{ index: 0, finish_reason: 'length', logprobs: null }],
    });
    expect(reply.id).toMatch(/^cmpl-/);
    expect(reply.usage).toMatchObject({ prompt_tokens: encode('Once').length, completion_tokens: 16 });
    expect(reply.choices[0]?.text).toMatch(/^This is demo-large, a demo worker of Spillway/);
  });

  it('takes texts, tokens and lists of tokens, with n choices of each', async () => {
    const { client } = await started();
    const indexes = async (prompt: string | string[] | number[] | number[][], n = 1) =>
      (await client.completions.create({ model: 'demo-large', prompt, n })).choices.map((choice) => choice.index);
    expect(await indexes(['a', 'b'], 2)).toEqual([0, 1, 2, 3]);
    expect(await indexes(encode('some text'))).toEqual([0]);
    expect(await indexes([encode('a'), [1, 2, 3]])).toEqual([0, 1]);
  });

  it('echoes the prompt ahead of the answer, streamed or not', async () => {
    const { client, post } = await started();
    const body = { model: 'demo-large', prompt: 'Say: ', echo: true, max_tokens: 3 };
    const whole = await client.completions.create(body);
    expect(whole.choices[0]?.text).toBe('Say: This is demo');
    const { events, done } = eventsOf(await (await post('/v1/completions', { ...body, stream: true })).text());
    expect(done).toBe(true);
    const texts = events.map((event) => (event['choices'] as { text: string }[])[0]!.text);
    expect(texts).toEqual(['Say: ', 'This', ' is', ' demo', '']);
    expect((await client.completions.create({ ...body, max_tokens: 0 })).choices[0]?.text).toBe('Say: ');
  });

  it('streams to the end with usage', async () => {
    const { client } = await started();
    const stream = await client.completions.create({
      model: 'demo-large',
      prompt: 'Go',
      max_tokens: 4,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 4 } });
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('length');
  });
});

describe('token routes', () => {
  it('turn text into tokens and back, exactly', async () => {
    const { post } = await started();
    const text = 'Grüße, 世界! 👩‍🚀\n\tdone';
    const { count, tokens, max_model_len, token_strs } = (await (
      await post('/tokenize', { prompt: text, return_token_strs: true })
    ).json()) as {
      count: number;
      tokens: number[];
      max_model_len: number;
      token_strs: string[];
    };
    expect(max_model_len).toBe(32_768);
    expect(tokens).toHaveLength(count);
    expect(token_strs.join('')).toBe(text);
    expect(await (await post('/detokenize', { tokens })).json()).toEqual({ prompt: text });
  });

  it('count a conversation as chat does', async () => {
    const { client, post } = await started();
    const messages = [{ role: 'user' as const, content: 'How long am I?' }];
    const { count } = (await (await post('/tokenize', { messages })).json()) as { count: number };
    const reply = await client.chat.completions.create({ model: 'demo-large', messages });
    expect(reply.usage?.prompt_tokens).toBe(count);
  });
});
