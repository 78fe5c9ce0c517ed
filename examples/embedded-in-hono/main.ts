// Starts a demo worker and the app, calls the app as different people would, prints what they get, and ends. For users.
import { once } from 'node:events';
import { type ServerType, serve } from '@hono/node-server';
import OpenAI from 'openai';
import { startDemoWorker } from '../../src/demo/index.ts';
import { createShop } from './app.ts';

const worker = await startDemoWorker({ decodeTokensPerSecond: 0 });
const { app, gateway } = createShop(worker.url);
const { server, origin } = await new Promise<{ server: ServerType; origin: string }>((resolve) => {
  const listening = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
    resolve({ server: listening, origin: `http://127.0.0.1:${port}` }),
  );
});

try {
  await gateway.ready;
  console.log('shop:', await (await fetch(origin)).text());

  const stranger = await fetch(`${origin}/ai/v1/models`);
  console.log('stranger:', stranger.status, await stranger.text());

  const headers = { origin: 'https://shop.example', authorization: 'Bearer blue-key', 'accept-encoding': 'gzip' };
  const browser = await fetch(`${origin}/ai/v1/models`, { headers });
  console.log('browser:', browser.headers.get('access-control-allow-origin'), browser.headers.get('content-encoding'));

  const ask = { model: 'small', messages: [{ role: 'user' as const, content: 'What is a spillway?' }] };
  const blue = new OpenAI({ baseURL: `${origin}/ai/v1`, apiKey: 'blue-key' });
  const { data, response } = await blue.chat.completions.create(ask).withResponse();
  console.log('blue:', response.headers.get('x-spillway-served'), data.choices[0]?.message.content);
  let pieces = 0;
  for await (const chunk of await blue.chat.completions.create({ ...ask, stream: true }))
    pieces += chunk.choices.length;
  console.log('blue’s stream:', pieces, 'pieces');

  const green = new OpenAI({ baseURL: `${origin}/ai/v1`, apiKey: 'green-key' });
  const refused = await green.chat.completions.create(ask).then(
    () => 'answered',
    (thrown: unknown) => (thrown instanceof OpenAI.APIError ? thrown.message : String(thrown)),
  );
  console.log('green:', refused);
} finally {
  server.close();
  if ('closeAllConnections' in server) server.closeAllConnections();
  await once(server, 'close');
  await gateway.close();
  await worker.close();
}
