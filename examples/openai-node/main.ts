// Calls a running router with the official client: a list, a chat, a stream, vectors, and what the reply discloses. For users.
import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: process.env['OPENAI_BASE_URL'] ?? 'http://127.0.0.1:8787/v1',
  apiKey: process.env['OPENAI_API_KEY'] ?? 'local',
});

const models = await client.models.list();
console.log('models:', models.data.map(({ id }) => id).join(', '));

const { data: chat, response } = await client.chat.completions
  .create({ model: 'demo-large', messages: [{ role: 'user', content: 'What is a spillway?' }] })
  .withResponse();
console.log('chat:', chat.choices[0]?.message.content);
console.log('served by:', response.headers.get('x-spillway-served'), 'id:', response.headers.get('x-request-id'));

const stream = await client.chat.completions.create({
  model: 'demo-small',
  messages: [{ role: 'user', content: 'Count to three.' }],
  stream: true,
  max_tokens: 32,
});
let pieces = 0;
for await (const chunk of stream) if (chunk.choices[0]?.delta.content) pieces++;
console.log('stream:', pieces, 'pieces');

const vectors = await client.embeddings.create({ model: 'demo-embed', input: ['water', 'dam'] });
console.log('vectors:', vectors.data.map(({ embedding }) => embedding.length).join(' and '), 'numbers');

if (!chat.choices[0]?.message.content || pieces === 0 || vectors.data.length !== 2) process.exitCode = 1;
