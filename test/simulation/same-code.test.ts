// Nothing that the router decides is decided again in the simulator: it is the router. For src/simulation.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { importsOf, readSources } from '../architecture/source-files.ts';

const sources = new Map(readSources('src').map((file) => [file.path, file]));
const DECIDES = ['flow', 'scheduling', 'fleet', 'upstream', 'agents'];

/** All files that a file's code needs, with one way to each. */
function reached(from: string): Map<string, readonly string[]> {
  const ways = new Map<string, readonly string[]>([[from, [from]]]);
  for (const [path, way] of ways) {
    for (const { target, local, typesOnly } of importsOf(sources.get(path)!)) {
      if (local && !typesOnly && !ways.has(target)) ways.set(target, [...way, target]);
    }
  }
  return ways;
}

const loads = async (without: string) => {
  const hook = `
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(specifier, context, next) {
        const found = next(specifier, context);
        if (found.url.includes('/src/${without}/')) throw new Error('gone: ' + found.url);
        return found;
      },
    });
    await import(${JSON.stringify(new URL('../../src/simulation/simulate.ts', import.meta.url).href)});
  `;
  const args = ['--input-type=module', '--eval', hook];
  return promisify(execFile)(process.execPath, args).then(
    () => 'loads',
    (thrown: { stderr: string }) => /gone: .*\/src\/(.*)/.exec(thrown.stderr)?.[1],
  );
};

describe('the simulator', () => {
  it('imports createRouter, and no part that decides for itself', () => {
    const imports = [...sources.values()]
      .filter(({ path }) => path.startsWith('simulation/'))
      .flatMap((file) => importsOf(file).filter(({ local }) => local));
    const folders = new Set(imports.map(({ target }) => target.split('/')[0]!));
    // A store counts; whether it is enough is the router's to say.
    expect([...folders].sort()).toEqual(['core', 'policy', 'router', 'simulation', 'stores', 'structures', 'wire']);
    expect(imports.filter(({ target, typesOnly }) => target.startsWith('router/') && !typesOnly)).toMatchObject([
      { target: 'router/create.ts' },
    ]);
  });

  it.each(DECIDES)('reaches src/%s through the router alone', (folder) => {
    const ways = [...reached('simulation/simulate.ts')].filter(([path]) => path.startsWith(`${folder}/`));
    expect(ways.length).toBeGreaterThan(0);
    for (const [, way] of ways) {
      const entered = way.findIndex((path) => path.startsWith(`${folder}/`));
      expect(way.slice(0, entered).some((path) => path.startsWith('router/'))).toBe(true);
    }
  });

  it.each(['flow', 'scheduling'])('does not even load without src/%s', async (folder) => {
    expect(await loads(folder)).toMatch(new RegExp(`^${folder}/`));
    expect(await loads('demo')).toBe('loads');
  });
});
