// An app of one's own with the router under /ai: CORS, compression and sign-in are the app's, for its routes and ours. For users.
import { type Context, Hono } from 'hono';
import { compress } from 'hono/compress';
import { cors } from 'hono/cors';
import { createWebRuntime, spillway } from '../../src/index.ts';
import { createNodeTransport } from '../../src/node.ts';

const USERS: Readonly<Record<string, string>> = { 'Bearer blue-key': 'blue', 'Bearer green-key': 'green' };
const userOf = (context: Context) => USERS[context.req.header('authorization') ?? ''];

export function createShop(workerUrl: string) {
  const policy = `
version: 1
pools: { small: { engine: vllm, serves: demo-large, workers: [ { url: "${workerUrl}" } ] } }
models: { small: { class: chat, ladder: [ { pool: small } ] } }
`;
  const gateway = spillway({
    policy: { text: policy },
    runtime: { ...createWebRuntime(), transport: createNodeTransport() },
    // The app has let the caller in; this says for whom the call is. Green may use nothing but a model that is not there.
    admit: (context) => {
      const tenant = userOf(context);
      if (tenant === undefined) return null;
      return tenant === 'green' ? { tenant, models: ['large'] } : { tenant };
    },
  });

  const app = new Hono();
  app.use(cors({ origin: 'https://shop.example', exposeHeaders: ['x-spillway-served', 'x-request-id'] }));
  // Streams are left as they are: Hono compresses no event streams.
  app.use(compress({ threshold: 0 }));
  app.use('/ai/*', async (context, next) => {
    if (userOf(context) === undefined) return context.text('Please sign in.', 401);
    return next();
  });
  app.get('/', (context) => context.text('A shop.'));
  app.route('/ai', gateway);
  return { app, gateway };
}
