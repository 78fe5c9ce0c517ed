// Packs the router as npm would publish it, installs it in an empty project and does there what its page says. For .ci/run.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Running, run, start } from './child.ts';
import { contentComplaints } from './package-contents.ts';
import { snippetsOf } from './snippets.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** The oldest Hono that the package takes as its peer. */
const OLDEST_HONO = '4.13.0';

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  peerDependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};
/** Files that the page prints, programs and what they read. */
const printed = snippetsOf(readFileSync(join(ROOT, 'docs/library.md'), 'utf8'));
const PROGRAMS = ['embedded.ts', 'serve.ts', 'standalone.ts'];
/** Put in the place of the address of a real worker. */
const PRINTED_WORKER = 'http://10.0.0.5:8000';
const folder = mkdtempSync(join(tmpdir(), 'spillway-package-'));
const project = join(folder, 'project');

/** The path as whoever uses the package has it, without what this repository installed. */
const machinePath = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((entry) => !entry.includes('node_modules'))
  .join(delimiter);
const node24 = join(ROOT, 'node_modules', '.bin');
/** Who starts the command: the Node of this machine, whatever its age, and the one that the router is made for. */
const STARTERS = { 'the Node of this machine': machinePath, 'Node 24': `${node24}${delimiter}${machinePath}` } as const;

const CONFIG = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    lib: ['es2024', 'dom', 'dom.iterable'],
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noPropertyAccessFromIndexSignature: true,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
    skipLibCheck: false,
    allowImportingTsExtensions: true,
    noEmit: true,
  },
};

const inProject = (command: string, args: readonly string[], path: string = machinePath) =>
  run(command, args, { cwd: project, path });
const startInProject = (command: string, args: readonly string[], path: string, env: Record<string, string> = {}) =>
  start(command, args, { cwd: project, path, env });

async function pack(): Promise<string> {
  // `prepack` builds, with the Node that this repository installed.
  const said = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT, path: machinePath });
  const packed = JSON.parse(said) as PackReport[] | Record<string, PackReport>;
  const report = Object.values(packed)[0]!;
  const text = (path: string) => readFileSync(join(ROOT, path), 'utf8');
  const files = report.files.map(({ path }) => ({ path, text: text(path) }));
  const complaints = contentComplaints(files, ROOT);
  if (complaints.length > 0) throw new Error(`The package:\n${complaints.join('\n')}`);
  console.log(
    `ok ${report.filename}: ${files.length} files, ${kib(report.size)} packed, ${kib(report.unpackedSize)} unpacked`,
  );
  return join(folder, report.filename);
}

interface PackReport {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

async function install(tarball: string): Promise<void> {
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  await npmInstall(tarball, ...['hono', 'typescript', '@types/node', '@hono/node-server'].map(pinned));
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(CONFIG));
  for (const [name, text] of printed) writeFileSync(join(project, name), text);
}

const npmInstall = (...packages: string[]) =>
  inProject('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', ...packages]);
const pinned = (name: string) => `${name}@${{ ...manifest.peerDependencies, ...manifest.devDependencies }[name]}`;

/** Types of the page's programs against those of the package, libraries included. */
async function types(): Promise<void> {
  await inProject(join('node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.json']);
  console.log('ok types, strict, libraries checked too');
}

async function commandLine(): Promise<void> {
  const spillway = join('node_modules', '.bin', 'spillway');
  for (const [who, path] of Object.entries(STARTERS)) {
    const version = (await inProject('node', ['--version'], path)).trim();
    const said = await inProject(spillway, ['--version'], path);
    if (said.trim() !== `spillway ${manifest.version}`) throw new Error(`spillway --version says ${said}`);
    const checked = await inProject(spillway, ['check', 'node_modules/spillway/policies/default.yaml'], path);
    if (!checked.includes('demo-large')) throw new Error(`spillway check says ${checked}`);
    const free = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
    const serving = startInProject(spillway, ['serve', ...free], path);
    const code = await whileRunning(serving, async () => {
      await serving.says('Stop with Ctrl+C');
      const url = /listens on (http:\S+)/.exec(serving.said())![1]!;
      await ready(/admin {3}(http:\S+)\/status/.exec(serving.said())![1]!);
      await chat(`${url}/v1`, 'demo-large');
    });
    if (code !== 0) throw new Error(`spillway serve ended with ${code}:\n${serving.said()}`);
    console.log(`ok ${spillway} --version, check, serve, one call, stop; started by ${who}, ${version}`);
  }
  await inProject('npx', ['--no-install', 'spillway', '--version']);
}

/** The page's programs against a demo worker, each a server of its own. */
async function programs(): Promise<void> {
  const kind = ['--kind', 'chat', '--model', 'small'];
  const worker = startInProject(join('node_modules', '.bin', 'spillway'), ['demo-worker', ...kind], machinePath);
  await whileRunning(worker, async () => {
    await worker.says('listening');
    const { listening } = JSON.parse(worker.said()) as { listening: string };
    for (const [name, text] of printed) writeFileSync(join(project, name), text.replaceAll(PRINTED_WORKER, listening));
    for (const name of PROGRAMS) {
      const program = startInProject(join('node_modules', '.bin', 'node'), [name], machinePath, { PORT: '0' });
      const code = await whileRunning(program, async () => {
        await program.says(/http:\/\/\S+/);
        const base = /http:\/\/\S+/.exec(program.said())![0];
        await chat(base, 'small');
        if (name === 'embedded.ts') await ownMiddleware(base);
      });
      if (name === 'standalone.ts' && code !== 0) throw new Error(`${name} ended with ${code}:\n${program.said()}`);
      console.log(`ok ${name}: a call and a stream`);
    }
  });
}

/** The app's own rules come before the router's. */
async function ownMiddleware(base: string): Promise<void> {
  const origin = 'https://app.example';
  const { status, headers } = await fetch(`${base}/models`, { headers: { origin } });
  if (status !== 401 || headers.get('access-control-allow-origin') !== origin) {
    throw new Error(`A stranger gets ${status}, allowed ${headers.get('access-control-allow-origin')}.`);
  }
}

/** Answers with the exit code; whatever goes wrong meanwhile, the program is ended. */
async function whileRunning(program: Running, work: () => Promise<void>): Promise<number | null> {
  try {
    await work();
  } catch (thrown) {
    await program.stop();
    throw thrown;
  }
  return program.stop();
}

async function chat(baseUrl: string, model: string): Promise<void> {
  for (const stream of [false, true]) {
    const reply = await fetch(`${baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer mine' },
      body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hello' }] }),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await reply.text();
    const served = reply.headers.get('x-spillway-served');
    const whole = stream ? text.endsWith('data: [DONE]\n\n') : text.includes('"finish_reason":"stop"');
    if (reply.status !== 200 || served === null || !whole) {
      throw new Error(`${baseUrl} answered ${reply.status}, served by ${served}: ${text}`);
    }
  }
}

async function ready(adminUrl: string): Promise<void> {
  for (const untilMs = Date.now() + 30_000; Date.now() < untilMs; ) {
    const { pools } = (await (await fetch(`${adminUrl}/status`)).json()) as { pools: { condition: string }[] };
    if (pools.length > 0 && pools.every(({ condition }) => condition === 'ready')) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('The demo workers did not come up.');
}

const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`;

try {
  await install(await pack());
  await types();
  await commandLine();
  await programs();
  await npmInstall(`hono@${OLDEST_HONO}`);
  if (existsSync(join(project, 'node_modules/spillway/node_modules/hono'))) throw new Error('There are two Honos.');
  await types();
  await programs();
  console.log(`ok the same with Hono ${OLDEST_HONO}, shared by app and router`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
