// docs/clients.md names the clients that the tests run, in the versions that are installed. For its readers.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codeSpans, tableColumn } from '../docs/markdown.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const document = read('docs/clients.md');
const rows = tableColumn(document, 'Client').map((client, at) => ({
  client,
  names: codeSpans(client),
  version: tableColumn(document, 'Version')[at]!,
  by: tableColumn(document, 'By')[at]!,
}));

describe('docs/clients.md', () => {
  it('has the versions of the Node clients in package.json, and all of those that test/clients imports', () => {
    const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: Record<string, string> };
    const node = rows.filter(({ by, names }) => by === 'tests' && names.length > 0);
    for (const { names, version } of node)
      expect(version, names.join()).toBe(names.map((name) => devDependencies[name]).join(', '));
    const imported = readdirSync(new URL('test/clients/', root))
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [...read(`test/clients/${file}`).matchAll(/from '((?:@[a-z-]+\/)?[a-z][a-z0-9-]*)[/']/g)])
      .map((match) => match[1]!)
      .filter((name) => name !== 'vitest');
    const known = new Set([...node.flatMap(({ names }) => names), '@langchain/core']);
    expect(imported.filter((name) => !known.has(name))).toEqual([]);
    expect(node.flatMap(({ names }) => names).filter((name) => !imported.includes(name))).toEqual([]);
  });

  it('has the versions of the Python clients that CI installs', () => {
    for (const { client, names, version } of rows.filter(({ by }) => by === 'CI')) {
      expect(client).toContain('(Python)');
      expect(read(`examples/python-${names[0]}/requirements.txt`).split('\n')).toContain(`${names[0]}==${version}`);
    }
  });

  it('has the versions of the agents that scripts/agent-clis.ts installs', () => {
    const script = read('scripts/agent-clis.ts');
    const agents = rows.filter(({ by }) => by === 'by hand');
    expect(agents.map(({ client }) => client)).toEqual(['Claude Code', 'Codex']);
    for (const { version } of agents) expect(script).toContain(`'${version}'`);
  });

  it('the README names every example, and each has a page with one command', () => {
    const examples = readdirSync(new URL('examples/', root)).sort();
    expect(examples.length).toBeGreaterThanOrEqual(9);
    for (const name of examples) {
      expect(read('README.md')).toContain(`(examples/${name})`);
      expect(read(`examples/${name}/README.md`).match(/^```sh$/gm), name).toHaveLength(1);
      expect(read(`examples/${name}/README.md`)).toContain(`examples/${name}/main.`);
    }
  });
});
