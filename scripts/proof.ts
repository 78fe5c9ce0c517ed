// Runs what takes long and writes down what came out, with commit and host. For maintainers, by `npm run proof`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { type Host, host } from '../bench/host.ts';
import { countsOf, isGood } from './count.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const BIN = join(ROOT, 'node_modules/vitest/vitest.mjs');

export interface Outcome {
  readonly name: string;
  readonly command: string;
  readonly good: boolean;
  readonly seconds: number;
  /** What the command printed that is worth keeping. */
  readonly text: string;
  /** It is Markdown already. */
  readonly markdown?: boolean;
}

interface Ran {
  readonly code: number | null;
  readonly text: string;
  readonly seconds: number;
}

/** Runs one command on this Node and passes on what it prints. */
async function run(args: readonly string[]): Promise<Ran> {
  const sinceMs = performance.now();
  // What CI has no time for is tried as well.
  const env = { ...process.env, SPILLWAY_PROOF: '1', NO_COLOR: '1', FORCE_COLOR: '0' };
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
    process.stdout.write(chunk);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, text, seconds: Math.round((performance.now() - sinceMs) / 1000) };
}

async function tests(name: string, command: string, config: readonly string[]): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-proof-'));
  try {
    const report = join(folder, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const { code, seconds } = await run([BIN, 'run', ...config, ...reporters]);
    const counts = countsOf(await readFile(report, 'utf8'));
    const names = passedNames(await readFile(report, 'utf8'));
    const text = `${counts.passed} passed, ${counts.failed} failed, ${counts.unproven} skipped\n\n${names.join('\n')}`;
    return { name, command, good: code === 0 && isGood(counts), seconds, text };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Each test with its outcome and time. */
function passedNames(report: string): readonly string[] {
  const { testResults } = JSON.parse(report) as {
    testResults: readonly { assertionResults: readonly { fullName: string; status: string; duration?: number }[] }[];
  };
  return testResults.flatMap(({ assertionResults }) =>
    assertionResults.map(({ fullName, status, duration }) => `${status}  ${Math.round(duration ?? 0)} ms  ${fullName}`),
  );
}

async function bench(name: string, quick: boolean): Promise<Outcome> {
  const flags = quick ? ['--quick'] : ['--gate'];
  const { code, text, seconds } = await run([join(ROOT, 'bench/run.ts'), ...flags]);
  return { name, command: `npm run bench -- ${flags.join(' ')}`, good: code === 0, seconds, text: text.trim() };
}

async function soak(name: string, quick: boolean): Promise<Outcome> {
  const flags = ['--minutes', quick ? '1' : '10'];
  const { code, text, seconds } = await run([join(ROOT, 'bench/soak.ts'), ...flags]);
  return { name, command: `node bench/soak.ts ${flags.join(' ')}`, good: code === 0, seconds, text: text.trim() };
}

async function decisions(name: string, quick: boolean): Promise<Outcome> {
  const flags = quick ? ['--quick'] : ['--gate'];
  const { code, text, seconds } = await run([join(ROOT, 'bench/decision.ts'), ...flags]);
  return { name, command: `node bench/decision.ts ${flags.join(' ')}`, good: code === 0, seconds, text: text.trim() };
}

/** Tables of what simulations came to. They say what held and what did not; the outcome is that they ran. */
async function simulations(traces: string): Promise<Outcome> {
  const { code, text, seconds } = await run([join(ROOT, 'scripts/simulations.ts'), '--traces', traces]);
  const command = 'npm run proof -- --traces FOLDER --only simulation';
  return { name: 'simulation', command, good: code === 0, seconds, text: text.trim(), markdown: true };
}

export function proofDocument(outcome: Outcome, where: Host, date: string): string {
  const { name, command, good, seconds, text, markdown = false } = outcome;
  return `# ${name}, ${date}

| | |
|---|---|
| Outcome | ${markdown ? (good ? 'ran' : 'did not run') : good ? 'held' : 'did not hold'} |
| Command | \`${command}\`, ${seconds} s |
| Commit | ${where.commit} |
| Host | ${where.cpu}, ${where.cores} cores, ${where.system}, load ${where.loadAverage} before |
| Node | ${where.node} |

${markdown ? text : `\`\`\`\n${text}\n\`\`\``}
`;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      out: { type: 'string' },
      only: { type: 'string' },
      traces: { type: 'string' },
    },
  });
  const { quick, traces } = values;
  // A quick run only shows that the way is clear; it proves nothing that is worth keeping.
  const out = values.out ?? (quick ? await mkdtemp(join(tmpdir(), 'spillway-proof-')) : join(ROOT, 'docs/proof'));
  await mkdir(out, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const where = host();
  const runs: Readonly<Record<string, () => Promise<Outcome>>> = {
    tests: () =>
      quick
        ? tests('architecture tests', 'vitest run test/architecture.test.ts', ['test/architecture.test.ts'])
        : tests('long tests', 'npm run test:long', ['--config', 'vitest.long.config.ts']),
    bench: () => bench('bench', quick),
    decisions: () => decisions('decisions', quick),
    soak: () => soak('soak', quick),
    ...(traces === undefined ? {} : { simulation: () => simulations(traces) }),
  };
  const names = values.only?.split(',') ?? Object.keys(runs);
  const unknown = names.find((name) => !Object.hasOwn(runs, name));
  if (unknown !== undefined) throw new Error(`unknown: ${unknown}; there are ${Object.keys(runs).join(', ')}`);
  let good = true;
  for (const name of names) {
    const outcome = await runs[name]!();
    const path = join(out, `${date}-${outcome.name.replaceAll(' ', '-')}.md`);
    await writeFile(path, proofDocument(outcome, where, date));
    console.log(path);
    good &&= outcome.good;
  }
  return good ? 0 : 1;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  process.exitCode = await main();
