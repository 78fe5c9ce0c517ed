// Embeddings as the official client sees them, and that like texts lie close. For src/demo/embeddings.ts and feature-hashing.ts.
import { describe, expect, it } from 'vitest';
import { embed, encode } from '../../src/demo/index.ts';
import { started } from './started.ts';

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);

/** A text, one that is like it, one that is not. */
const TRIPLES: [string, string, string][] = [
  ['How do I reset my password?', 'I forgot my password and want to reset it', 'The train leaves from platform nine'],
  ['Refund my last order', 'I would like a refund for the order I placed', 'Photosynthesis turns light into sugar'],
  ['The cat sat on the mat', 'A cat is sitting on a mat', 'Interest rates rose again this quarter'],
  ['Where is my package?', 'Track the delivery of my package', 'Boil the pasta for eight minutes'],
  ['Cancel my subscription', 'How can I cancel the subscription plan?', 'The volcano erupted last night'],
  ['GPU memory is exhausted', 'The worker ran out of GPU memory', 'She plays the violin in an orchestra'],
  ['Latency rose after the deployment', 'Since the last deploy our latency is higher', 'Roses need sun and water'],
  ['Book a table for two', 'Reserve a table for two people tonight', 'The compiler rejects this type'],
  ['Invoices are due within thirty days', 'When is the invoice due?', 'Penguins cannot fly'],
  ['The database connection times out', 'Timeouts when connecting to the database', 'He painted the fence green'],
  ['Translate this text into German', 'German translation of the text', 'Our team won the final match'],
  ['Best restaurants in Paris', 'Which restaurants in Paris are the best?', 'Reboot the router and try again'],
  ['Change the shipping address', 'My address for shipping has changed', 'Quantum states collapse when measured'],
  ['Python raises a KeyError', 'KeyError exception in Python code', 'Fresh bread smells wonderful'],
  ['Cold starts take two minutes', 'A cold start of the worker takes minutes', 'The museum opens at ten'],
  ['The invoice shows the wrong tax', 'Tax on my invoice is wrong', 'Whales sing under water'],
  ['Summarise the meeting notes', 'Give me a summary of the meeting', 'Tyres should be checked every month'],
  ['Upload fails for large files', 'I cannot upload a large file', 'Spring comes after winter'],
  ['Rate limit exceeded for tenant', 'The tenant hit its rate limit', 'An old oak stands by the river'],
  ['Schlüssel verloren, was tun?', 'Ich habe meinen Schlüssel verloren', 'Das Wetter bleibt sonnig'],
];

describe('feature hashing', () => {
  it.each(TRIPLES)('puts %j nearer to %j than to %j', (text, like, unlike) => {
    const [a, b, c] = [text, like, unlike].map((one) => embed(one, 384)) as [Float64Array, Float64Array, Float64Array];
    expect(dot(a, b)).toBeGreaterThan(dot(a, c) + 0.15);
  });

  it('makes unit vectors of any text, even of none', () => {
    for (const text of ['', '!!!', 'a', 'word '.repeat(500), '世界']) {
      expect(dot(embed(text, 384), embed(text, 384))).toBeCloseTo(1, 9);
      expect(dot(embed(text, 384, 16), embed(text, 384, 16))).toBeCloseTo(1, 9);
    }
  });
});

describe('embeddings', () => {
  it('come back equal as floats and as the base64 that the client asks for by itself', async () => {
    const { client } = await started({ kind: 'embed' });
    const create = { model: 'demo-embed', input: ['first text', 'second text'] };
    const floats = await client.embeddings.create({ ...create, encoding_format: 'float' });
    const packed = await client.embeddings.create(create);
    expect(floats).toMatchObject({
      object: 'list',
      model: 'demo-embed',
      data: [{ index: 0, object: 'embedding' }, { index: 1 }],
    });
    expect(floats.data[0]?.embedding).toHaveLength(384);
    for (const i of [0, 1]) {
      expect(Array.from(packed.data[i]!.embedding)).toEqual(floats.data[i]!.embedding.map(Math.fround));
    }
    const tokens = encode('first text').length + encode('second text').length;
    expect(floats.usage).toMatchObject({ prompt_tokens: tokens, total_tokens: tokens });
  });

  it('are the same for a text and its tokens', async () => {
    const { client } = await started({ kind: 'embed' });
    const of = async (input: string | number[] | number[][]) =>
      (await client.embeddings.create({ model: 'demo-embed', input, encoding_format: 'float' })).data;
    const [text] = await of('one and the same');
    expect((await of(encode('one and the same')))[0]?.embedding).toEqual(text?.embedding);
    expect((await of([encode('other'), encode('one and the same')]))[1]?.embedding).toEqual(text?.embedding);
  });

  it('can be shortened and stay of unit length', async () => {
    const { client } = await started({ kind: 'embed' });
    const reply = await client.embeddings.create({
      model: 'demo-embed',
      input: 'short',
      dimensions: 32,
      encoding_format: 'float',
    });
    const vector = reply.data[0]!.embedding;
    expect(vector).toHaveLength(32);
    expect(dot(vector, vector)).toBeCloseTo(1, 6);
  });

  it.each<[string, object, string]>([
    ['a null encoding format', { input: 'x', encoding_format: null }, 'encoding_format'],
    ['more dimensions than there are', { input: 'x', dimensions: 385 }, 'dimensions'],
    ['no input', {}, 'input'],
    ['an empty list', { input: [] }, 'input'],
    ['a list of other things', { input: [{}] }, 'input'],
    ['an input beyond the context', { input: ['x', 'word '.repeat(40_000)] }, 'input_tokens'],
  ])('refuse %s', async (_name, body, param) => {
    const { post } = await started({ kind: 'embed' });
    const response = await post('/v1/embeddings', body);
    expect([response.status, await response.json()]).toMatchObject([400, { error: { param, code: 400 } }]);
  });

  it('are no business of a chat worker, nor chat of theirs', async () => {
    const { post } = await started({ kind: 'embed' });
    expect((await post('/v1/chat/completions', { messages: [] })).status).toBe(404);
  });
});
