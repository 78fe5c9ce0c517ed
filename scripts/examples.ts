// Does what the README of each example says, against the router of `npm start`, and looks at what is printed. For .ci/run.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from './child.ts';
import { npmStart } from './npm-start.ts';
import { pythonEnvironment } from './python-env.ts';
import { shellLines } from './readme.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const TEXT = 'This is demo-large, a demo worker';
const SERVED = 'served by: demo-large/demo-large';

/** What each prints, in its order. An example that is not listed, or listed and not there, fails. */
const PRINTED: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  'ai-sdk': [TEXT, SERVED, /stream: \d\d+ pieces, \d+ tokens/, /tool loop: 2 steps: .*sunny/, '"age":', 'vector: 384'],
  anthropic: [TEXT, SERVED, /stream: max_tokens after \d\d pieces/, 'tool: weather', 'sunny, 24', /tokens: \d+/],
  cohere: [/0\.\d+ The spillway of a dam/, 'served by: demo-rerank/demo-rerank', 'scores: '],
  'embedded-in-hono': [
    'shop: A shop.',
    'stranger: 401 Please sign in.',
    'browser: https://shop.example gzip',
    `blue: small/demo-large ${TEXT}`,
    /blue’s stream: \d\d+ pieces/,
    'green: 404 Model "small" is not available',
  ],
  'failover-demo': [
    /both alive: 200, .*x-spillway-served: large\/large/,
    /stream ends in an error after "This is .*": large closed the connection/,
    /large is gone: 200, .*x-spillway-degraded: failing, .*x-spillway-served: small\/small/,
    /no substitute is wanted: 50[23] .*retry-after: \d/,
  ],
  langchain: [TEXT, /stream: \d\d+ pieces/, /tool: weather .*sunny/, 'nearest: The dam holds the lake.'],
  'openai-node': [/models: demo-large, /, TEXT, SERVED, /stream: \d+ pieces/, 'vectors: 384 and 384'],
  'python-anthropic': [TEXT, SERVED, /stream: max_tokens after \d\d pieces/, 'tool: weather', /tokens: \d+/],
  'python-openai': [TEXT, SERVED, /stream: \d\d pieces/, 'tool: weather', TEXT, 'vectors: 384 and 384'],
};

const folders = readdirSync('examples', { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();
if (folders.join() !== Object.keys(PRINTED).sort().join()) throw new Error(`There are other examples: ${folders}.`);

function commandOf(name: string): string {
  const lines = shellLines(readFileSync(`examples/${name}/README.md`, 'utf8'));
  if (lines.length !== 1) throw new Error(`examples/${name}/README.md prints ${lines.length} commands instead of one.`);
  return lines[0]!;
}

/** Throws unless the text holds all parts, one after the other. */
function mustPrint(name: string, text: string): void {
  let rest = text;
  for (const part of PRINTED[name]!) {
    const at = typeof part === 'string' ? rest.indexOf(part) : rest.search(part);
    if (at < 0) throw new Error(`examples/${name} does not print ${part} where it should:\n${text}`);
    rest = rest.slice(at + 1);
  }
}

const python = await pythonEnvironment(ROOT, []);
try {
  const router = await npmStart(['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']);
  try {
    const { url } = router;
    const env = {
      SPILLWAY_URL: url,
      OPENAI_BASE_URL: `${url}/v1`,
      OPENAI_API_KEY: 'local',
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: 'local',
    };
    for (const name of folders) {
      const sinceMs = performance.now();
      const text = await run('bash', ['-c', commandOf(name)], { cwd: ROOT, path: python.path, env });
      mustPrint(name, text);
      console.log(`ok ${name}, ${((performance.now() - sinceMs) / 1000).toFixed(1)} s`);
    }
  } catch (thrown) {
    console.log(router.said());
    throw thrown;
  } finally {
    await router.stop();
  }
} finally {
  python.remove();
}
console.log(`${folders.length} examples`);
