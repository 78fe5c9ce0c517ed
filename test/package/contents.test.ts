// Decides that nothing gets into the package unseen: files, secrets, imports that lead nowhere. For scripts/package-smoke.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { declarationsOf } from '../../scripts/build.ts';
import { contentComplaints, type PackedFile } from '../../scripts/package-contents.ts';
import { snippetsOf } from '../../scripts/snippets.ts';

const file = (path: string, text = ''): PackedFile => ({ path, text });
const whole = [
  ...['package.json', 'README.md', 'LICENSE', 'dist/index.d.ts', 'dist/node.d.ts', 'dist/entry/cli/main.js'],
  ...['bin/spillway.mjs', 'bin/node24.mjs', 'policies/default.yaml', 'policies/policy.schema.json'],
  ...['dist/index.js', 'dist/node.js', 'docs/library.md', 'CHANGELOG.md', 'policies/README.md'],
  ...['dist/stores/sqlite/ledger-thread.js', 'dist/stores/sqlite/ledger-report-thread.js'],
  ...['dist/entry/cli/ledger-thread.js', 'dist/entry/cli/ledger-report-thread.js', 'dist/entry/cli/third-party.txt'],
  ...['dist/entry/cli/part-A1B2C3D4.js'],
].map((path) => file(path));
const complaints = (...more: PackedFile[]) => contentComplaints([...whole, ...more], '/home/maker/spillway/');

describe('the package', () => {
  it('takes what belongs there', () => {
    expect(complaints()).toEqual([]);
  });

  it.each([
    ...['src/index.ts', 'test/a.test.ts', 'dist/a.ts', 'dist/a.js.map', 'dist/.emitted/a.js', '.npmrc', '.ci/run'],
    ...['package-lock.json', 'data/keys.db', 'policies/mine.txt', 'docs/decisions/a.md', 'node_modules/a/b.js'],
  ])('refuses %s', (path) => {
    expect(complaints(file(path))).toEqual([`${path} does not belong there`]);
  });

  it('misses what must be there', () => {
    const without = whole.filter(({ path }) => path !== 'dist/node.d.ts');
    expect(contentComplaints(without, '/x/')).toEqual(['dist/node.d.ts is missing']);
  });

  it.each([
    `const key = '${'sk-'}${'a1'.repeat(20)}';`,
    `-----BEGIN ${'EC '}PRIVATE KEY-----`,
    `${'AKIA'}${'A1B2'.repeat(4)}`,
    `//host/:${'_auth'}Token=abc`,
  ])('refuses what looks like a secret: %s', (text) => {
    expect(complaints(file('docs/a.md', text))).toEqual(['docs/a.md holds what looks like a secret']);
  });

  it('refuses the name of the folder it was made in', () => {
    expect(complaints(file('dist/a.js', '// /home/maker/spillway/src/a.ts'))).toHaveLength(1);
  });

  it('refuses imports that lead nowhere, in code and in declarations', () => {
    const good = [
      file('dist/x/a.js', "import { b } from './b.js';\nexport { c } from '../index.js';\nawait import('./b.js');"),
      file('dist/x/b.js'),
      file('dist/x/a.d.ts', "export type { B } from './b.js';\nexport declare const b: import('./b.js').B;"),
      file('dist/x/b.d.ts'),
    ];
    expect(complaints(...good)).toEqual([]);
    expect(complaints(...good.filter(({ path }) => path !== 'dist/x/b.js'))).toEqual([
      'dist/x/a.js: ./b.js leads nowhere',
      'dist/x/a.js: ./b.js leads nowhere',
    ]);
    expect(complaints(file('dist/a.d.ts', "import type { B } from './b.ts';"))).toEqual([
      'dist/a.d.ts: ./b.ts leads nowhere',
    ]);
  });
});

describe('declarations', () => {
  it('name what stands beside them in every form of import, and packages as they were', () => {
    const text = [
      "import type { A } from './a.ts';",
      "export { type B, b } from '../b/b.ts';",
      "export declare const c: import('./c.ts').C;",
      "import 'hono';",
      "// './not-an-import.ts'",
    ].join('\n');
    expect(declarationsOf(text)).toBe(
      text.replace("'./a.ts'", "'./a.js'").replace("'../b/b.ts'", "'../b/b.js'").replace("'./c.ts'", "'./c.js'"),
    );
  });
});

describe('the programs of a document', () => {
  it('are found by their names, others are not, and none stands twice', () => {
    const block = (text: string) => `\`\`\`ts\n${text}\n\`\`\`\n`;
    const text = `# A\n${block('// one.ts\nlet a;')}${block('let b;')}\`\`\`sh\n# two.ts\n\`\`\`\n${block('// three.ts\nlet c;')}\`\`\`yaml\n# four.yaml\nd: 4\n\`\`\`\n`;
    expect([...snippetsOf(text)]).toEqual([
      ['one.ts', '// one.ts\nlet a;\n'],
      ['three.ts', '// three.ts\nlet c;\n'],
      ['four.yaml', '# four.yaml\nd: 4\n'],
    ]);
    expect(() => snippetsOf(text + block('// one.ts'))).toThrow('one.ts is printed twice.');
  });
});

describe('package.json', () => {
  const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const manifest = JSON.parse(read('package.json')) as {
    exports: Record<string, string | { types: string; default: string }>;
    bin: Record<string, string>;
    version: string;
    peerDependencies: Record<string, string>;
    private?: boolean;
  };

  it('exports what the build makes of a source file each, types first', () => {
    const entries = Object.entries(manifest.exports).filter(([, target]) => typeof target !== 'string');
    expect(entries.map(([name]) => name)).toEqual(['.', './node']);
    for (const [, target] of entries) {
      const { types, default: code, ...others } = target as { types: string; default: string };
      expect(Object.keys(target as object)).toEqual(['types', 'default']);
      expect(others).toEqual({});
      expect(types).toBe(code.replace(/\.js$/, '.d.ts'));
      expect(read(code.replace('./dist/', 'src/').replace(/\.js$/, '.ts')).length).toBeGreaterThan(0);
    }
    expect(manifest.private).toBeUndefined();
    expect(read(manifest.bin['spillway']!)).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('has the versions that docs/library.md names', () => {
    const page = read('docs/library.md');
    expect(page).toContain(`spillway-${manifest.version}.tgz`);
    expect(page).toContain(`\`${manifest.peerDependencies['hono']}\``);
  });
});
