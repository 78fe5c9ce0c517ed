// A process that starts a router, gets one call answered and prints which of Node's own modules it took. For start.test.ts.
import { startRouter } from '../../src/entry/node.ts';
import { postBytes, rawRequest } from '../fakes/raw-client.ts';

const [policyPath, data] = process.argv.slice(2) as [string, string];
const at = { host: '127.0.0.1', port: 0 };
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const launcher = { executable: process.execPath, args: [] };
const router = await startRouter({ policyPath, data, listen: at, admin: at, env: {}, launcher, log });
const body = { model: 'asked', messages: [{ role: 'user', content: 'Hello' }] };
const { status } = await rawRequest(
  router.listen.port,
  postBytes('/v1/chat/completions', body, { connection: 'close' }),
);
const { moduleLoadList } = process as unknown as { readonly moduleLoadList: readonly string[] };
process.stdout.write(JSON.stringify({ status, modules: moduleLoadList }));
await router.close();
