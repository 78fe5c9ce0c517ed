// Runs scripts/python-clients.py against a router with keys, demo workers and targets that fail. For .ci/run.
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { nodeClock, nodeDigest } from '../src/runtime/node/machine.ts';
import { createMemoryKeys } from '../src/stores/memory/keys.ts';
import { issueKey } from '../src/tenants/key-issue.ts';
import { type Family, goodReply, scriptOf } from '../test/clients/faulty-replies.ts';
import { startFaultUpstream } from '../test/fakes/fault-upstream.ts';
import { startTestRouter } from '../test/fakes/running-router.ts';
import { run } from './child.ts';
import { pythonEnvironment } from './python-env.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const READY_MS = 15_000;
/** By the model that is asked for; `once` fails at its first call. */
const FAULT_OF: Readonly<Record<string, string>> = {
  broken: '500',
  once: '500',
  limited: '429 with Retry-After',
  cut: 'a reset amid the text',
};

const faulty = await startFaultUpstream();
const failed = new Set<string>();
faulty.behave(({ path, body }) => {
  const family: Family = path.endsWith('/messages') ? 'messages' : 'chat';
  const { model, stream } = JSON.parse(body.toString()) as { model: string; stream?: boolean };
  if (model === 'once' && failed.has(model)) return goodReply(family, stream === true);
  failed.add(model);
  return scriptOf(FAULT_OF[model]!, family);
});

const speaks = ['openai-chat', 'anthropic-messages'];
const demo = (kind: string) => ({ engine: 'vllm', capabilities: ['tools', 'schema'], workers: [{ demo: kind }] });
const failing = Object.keys(FAULT_OF);
const pools = {
  'demo-large': demo('chat'),
  'demo-embed': { ...demo('embed'), capabilities: [] },
  // A worker that has failed is left alone for a while: each call gets another one.
  ...Object.fromEntries(failing.map((name) => [name, { speaks, workers: Array(20).fill({ url: faulty.url }) }])),
};
const models = Object.fromEntries(
  Object.keys(pools).map((name) => [
    name,
    { class: name === 'demo-embed' ? 'embed' : 'chat', ladder: [{ pool: name }] },
  ]),
);
const policy = JSON.stringify({ version: 1, pools, models, classes: { chat: { retries: 0 } } });
const terms = { tenant: 'python', name: '', expiresMs: null, models: null, routes: null };
const { key, record } = await issueKey(terms, { randomBytes, digest: nodeDigest, wallMs: nodeClock.wallMs() });
const router = await startTestRouter({ policy, more: { keys: createMemoryKeys([record]) } });
const python = await pythonEnvironment(ROOT, [
  'examples/python-openai/requirements.txt',
  'examples/python-anthropic/requirements.txt',
]);

const isReady = () =>
  router.running.router
    .status()
    .pools.filter(({ name }) => name.startsWith('demo-'))
    .every(({ condition }) => condition === 'ready');

try {
  for (const untilMs = Date.now() + READY_MS; !isReady(); ) {
    if (Date.now() > untilMs) throw new Error('The demo workers did not come up.');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const env = { SPILLWAY_URL: `http://127.0.0.1:${router.port}`, SPILLWAY_KEY: key };
  console.log((await run('python', ['scripts/python-clients.py'], { cwd: ROOT, path: python.path, env })).trim());
  const broken = router.log.of('fault');
  if (broken.length > 0) throw new Error(`The router broke: ${JSON.stringify(broken)}`);
} finally {
  python.remove();
  await router.close();
  await faulty.close();
}
