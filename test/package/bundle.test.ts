// Decides that the command line of the package stays in few files, and that a start reads none that only other commands need.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Metafile } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleCommandLine, bundledPackages, ENTRIES, NOTICES } from '../../scripts/bundle.ts';

/** Of today's dozen there is room for a few more. */
const MOST_FILES = 24;

let folder: string;
let made: Metafile;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-bundle-'));
  made = await bundleCommandLine(new URL(`${pathToFileURL(join(folder, 'cli')).href}/`));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Output = Metafile['outputs'][string];

/** The file that holds a module, and all that is read with it. */
function readWith(module: string): { files: Set<string>; modules: string[]; outside: string[] } {
  const start = Object.entries(made.outputs).find(([, { inputs }]) => inputs[module] !== undefined)![0];
  const files = new Set<string>();
  const outside = new Set<string>();
  const todo = [start];
  for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
    if (files.has(path)) continue;
    files.add(path);
    for (const { path: next, kind, external } of (made.outputs[path] as Output).imports) {
      if (external === true) outside.add(next);
      if (external !== true && kind === 'import-statement') todo.push(next);
    }
  }
  const modules = [...files].flatMap((path) => Object.keys((made.outputs[path] as Output).inputs));
  return { files, modules, outside: [...outside].filter((name) => !name.startsWith('node:')) };
}

describe('the command line in few files', () => {
  it('serve reads a dozen of them, and nothing of demo workers, simulation and other commands', () => {
    const { files, modules } = readWith('src/entry/cli/serve.ts');
    expect(files.size).toBeLessThanOrEqual(MOST_FILES);
    expect(modules).toContain('src/router/dispatch.ts');
    const needless = /^src\/(simulation\/|demo\/(?!source|options|clock)|entry\/cli\/(?!serve|flags|welcome|command))/;
    expect(modules.filter((path) => needless.test(path))).toEqual([]);
  });

  it('packages that are not in them are few, and the one for metrics is asked for last', () => {
    const { outside } = readWith('src/entry/cli/serve.ts');
    const packages = outside.filter((name) => !['buffer', 'process'].includes(name)).sort();
    expect(packages).toEqual(['pino', 'prom-client', 'undici/lib/dispatcher/pool.js']);
    const asking = Object.values(made.outputs).flatMap(({ imports }) => imports);
    expect(asking.filter(({ path }) => path === 'prom-client').map(({ kind }) => kind)).toEqual(['dynamic-import']);
  });

  it('the threads lie beside whoever starts them, each in one file', () => {
    const names = Object.keys(made.outputs).map((path) => path.split('/').at(-1));
    expect(names).toEqual(expect.arrayContaining(['main.js', 'ledger-thread.js', 'ledger-report-thread.js']));
    expect(ENTRIES).toHaveLength(3);
  });

  it('whose code is in them is said, with the terms', async () => {
    const packages = [...bundledPackages(made).keys()];
    expect(packages).toEqual(expect.arrayContaining(['hono', 'yaml', 'zod']));
    const text = await readFile(join(folder, 'cli', NOTICES), 'utf8');
    for (const name of packages) expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\\n\\n.*\\S`, 'm'));
    expect(text.match(/copyright/gi)!.length).toBeGreaterThanOrEqual(packages.length);
  });
});
