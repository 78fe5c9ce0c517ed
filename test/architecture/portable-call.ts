// A router from the public surface alone, over a transport that is a function. Bundled and run by the portable test.
import {
  type Clock,
  compilePolicy,
  createApp,
  createRouter,
  DEFAULT_HTTP_LIMITS,
  type Log,
  loadPolicy,
  registriesWith,
  type Transport,
  webIngress,
} from '../../src/index.ts';

const POLICY = `
version: 1
pools: { own: { serves: served, workers: [ { url: "http://worker.test" } ] } }
models: { asked: { class: chat, ladder: [ { pool: own } ] } }
`;

const REPLY = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'served',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});

const transport: Transport = {
  send(_request, handler) {
    queueMicrotask(() => {
      handler.sent();
      handler.head(200, { 'content-type': 'application/json' });
      handler.data(new TextEncoder().encode(REPLY));
      handler.end();
    });
    return { pause() {}, resume() {}, abort() {} };
  },
  connections: () => 0,
  close: () => Promise.resolve(),
};

const clock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => 0,
  after(delayMs, fn) {
    const timer = setTimeout(fn, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** The list of models, a chat, and a chat with a model that is not there. */
export async function answerAll(): Promise<readonly { status: number; text: string }[]> {
  const registries = registriesWith({});
  const files = { read: () => Promise.resolve(POLICY), list: () => Promise.resolve([]) };
  const secrets = { env: () => undefined, file: () => Promise.reject(new Error('no files here')) };
  const loaded = await loadPolicy({ path: '/policy.yaml', files, registries, secrets });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const newId = () => crypto.randomUUID();
  const digest = async (bytes: Uint8Array) =>
    new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  const background = (task: () => void | Promise<void>) => void task();
  const runtime = { transport, clock, random: () => 0.5, newId, digest, background, log };
  const router = createRouter({ catalog: compilePolicy(loaded.policy), registries, runtime });
  const caller = { tenant: 'portable', keyId: null, managed: false, mayAsk: null, routes: null };
  const app = createApp({
    router,
    ingress: webIngress,
    limits: DEFAULT_HTTP_LIMITS,
    clock,
    newId,
    admit: () => caller,
    log,
    ready: () => true,
    basePath: '/',
  });
  const chat = (model: string) =>
    new Request('http://localhost/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }),
    });
  const requests = [new Request('http://localhost/v1/models'), chat('asked'), chat('other')];
  const replies: { status: number; text: string }[] = [];
  for (const request of requests) {
    const reply = await app.fetch(request);
    replies.push({ status: reply.status, text: await reply.text() });
  }
  await router.close();
  return replies;
}
