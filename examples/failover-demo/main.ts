// Two workers, one killed amid a stream: prints how each reply discloses what happened. For users.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { startDemoWorker } from '../../src/demo/index.ts';
import { demoLauncher, startRouter } from '../../src/node.ts';

const large = await startDemoWorker({ model: 'large', decodeTokensPerSecond: 50 });
const small = await startDemoWorker({ model: 'small' });
const folder = await mkdtemp(join(tmpdir(), 'spillway-failover-'));
const policyPath = join(folder, 'policy.yaml');
await writeFile(
  policyPath,
  `
version: 1
pools:
  large: { engine: vllm, workers: [ { url: "${large.url}" } ] }
  small: { engine: vllm, workers: [ { url: "${small.url}" } ] }
models:
  support: { class: chat, ladder: [ { pool: large }, { pool: small } ] }
`,
);
const anyPort = { host: '127.0.0.1', port: 0 };
const log = { debug() {}, info() {}, warn() {}, error() {} };
const data = join(folder, 'data');
const router = await startRouter({
  policyPath,
  env: {},
  launcher: demoLauncher,
  log,
  listen: anyPort,
  admin: anyPort,
  data,
});

const client = new OpenAI({ baseURL: `http://127.0.0.1:${router.listen.port}/v1`, apiKey: 'local', maxRetries: 0 });
const ask = { model: 'support', messages: [{ role: 'user' as const, content: 'What is a spillway?' }] };

function disclosed(headers: Headers): string {
  const told = [...headers].filter(([name]) => /^(x-spillway-.*|retry-after)$/.test(name));
  return told.map(([name, value]) => `${name}: ${value}`).join(', ');
}
async function call(what: string, headers: Record<string, string> = {}): Promise<void> {
  try {
    const { response } = await client.chat.completions.create(ask, { headers }).withResponse();
    console.log(`${what}: 200, ${disclosed(response.headers)}`);
  } catch (thrown) {
    if (!(thrown instanceof OpenAI.APIError) || thrown.headers === undefined) throw thrown;
    console.log(`${what}: ${thrown.message} ${disclosed(thrown.headers)}`);
  }
}

try {
  await call('both alive');

  const { data: stream, response } = await client.chat.completions.create({ ...ask, stream: true }).withResponse();
  console.log(`stream begins: ${disclosed(response.headers)}`);
  let text = '';
  try {
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      if (text.length > 20) await large.close();
    }
    console.log('stream ends as if it were whole');
  } catch (thrown) {
    console.log(`stream ends in an error after ${JSON.stringify(text)}: ${(thrown as Error).message}`);
  }

  await call('large is gone');
  await call('large is gone, and no substitute is wanted', { 'x-spillway-degrade': 'never' });
} finally {
  await router.close();
  await small.close();
  await rm(folder, { recursive: true, force: true });
}
