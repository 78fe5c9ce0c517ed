// Portable code compiles without Node's types, bundles for Workers, and answers where only web-standard globals exist. For maintainers.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const tsc = join(root, 'node_modules/typescript/bin/tsc');
/** Room for twice of today's; a Worker may have 3 MiB, compressed. */
const MAX_GZIP_BYTES = 400 * 1024;

describe('types', { timeout: 60_000 }, () => {
  it('portable code compiles without the types of Node', async () => {
    expect(await compile(join(root, 'tsconfig.portable.json'))).toBe('');
  });

  it('that check refuses a file that uses Buffer', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'spillway-portable-'));
    try {
      await writeFile(join(folder, 'bad.mts'), "export const bytes = Buffer.from('x');\n");
      const config = { extends: join(root, 'tsconfig.portable.json'), include: [folder, join(root, 'src')] };
      await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
      expect(await compile(join(folder, 'tsconfig.json'))).toMatch(/^\S*bad\.mts[^\n]*'Buffer'[^\n]*\n$/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('bundle', { timeout: 60_000 }, () => {
  it('of the library needs no module of Node and keeps its size', async () => {
    const { text, outside } = await bundle({ entryPoints: [join(root, 'src/index.ts')] }, 'esm');
    expect(outside).toEqual([]);
    const gzipBytes = gzipSync(text).length;
    process.stdout.write(`library bundle: ${kib(text.length)} minified, ${kib(gzipBytes)} gzip\n`);
    expect(gzipBytes).toBeLessThan(MAX_GZIP_BYTES);
  });

  it('F046 of the library can start no process and evaluates no text', async () => {
    const { text } = await bundle({ entryPoints: [join(root, 'src/index.ts')] }, 'esm');
    expect(text).not.toMatch(/child_process|worker_threads|\beval\s*\(/);
  });

  it('that check sees an import of Node', async () => {
    const { outside } = await bundle({ stdin: { contents: "import 'node:fs';", resolveDir: root } }, 'esm');
    expect(outside).toEqual(['node:fs']);
  });

  it('serves models, a call and a refusal with web-standard globals alone', async () => {
    const { text } = await bundle(
      { entryPoints: [fileURLToPath(new URL('./portable-call.ts', import.meta.url))] },
      'iife',
    );
    const context = createContext(webGlobals());
    runInContext(`${text};globalThis.answer = portable.answerAll();`, context);
    const replies = await (context['answer'] as Promise<readonly { status: number; text: string }[]>);
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 404]);
    expect(replies[0]!.text).toContain('"id":"asked"');
    expect(JSON.parse(replies[1]!.text)).toMatchObject({ model: 'served', choices: [{ message: { content: 'Hi' } }] });
    expect(replies[2]!.text).toContain('model_not_found');
  });
});

function compile(config: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, '-p', config], { cwd: dirname(config) }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
}

interface Bundle {
  readonly text: string;
  /** What is left to be imported at run time. */
  readonly outside: readonly string[];
}

async function bundle(input: Parameters<typeof build>[0], format: 'esm' | 'iife'): Promise<Bundle> {
  const made = await build({
    ...input,
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format,
    globalName: 'portable',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'browser'],
    external: ['node:*'],
    logLevel: 'silent',
  });
  const outputs = Object.values(made.metafile!.outputs);
  return {
    text: made.outputFiles![0]!.text,
    outside: outputs.flatMap(({ imports }) => imports.filter((one) => one.external).map((one) => one.path)),
  };
}

/** What Workers and browsers share; no process, no Buffer, no require. */
function webGlobals(): Record<string, unknown> {
  return {
    AbortController,
    AbortSignal,
    ByteLengthQueuingStrategy,
    DOMException,
    Event,
    EventTarget,
    Headers,
    ReadableStream,
    Request,
    Response,
    TextDecoder,
    TextEncoder,
    TransformStream,
    URL,
    URLSearchParams,
    clearTimeout,
    crypto,
    performance,
    queueMicrotask,
    setTimeout,
    structuredClone,
  };
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(0)} KiB`;
}
