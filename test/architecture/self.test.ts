// Each rule of the architecture tests must refuse code that breaks it and take code that keeps it. For maintainers.
import { describe, expect, it } from 'vitest';
import { parseImportTable, ruleOf } from './import-table.ts';
import { banComplaints, folderRings, importComplaints, nameFault, openingFault, sizesOf } from './rules.ts';
import { importsOf, type SourceFile } from './source-files.ts';

const table = parseImportTable(`
| Folder | Role | May import | Packages | Runs on |
|---|---|---|---|---|
| \`core\` | contracts | nothing | \`zod\` (types) | any runtime |
| \`wire\` | pure | \`core\` | – | any runtime |
| \`one\`, \`two\` | plug-ins | \`core\` | \`zod\` | any runtime |
| \`one/deep\` | part | \`core\`, \`wire\` (types) | – | any runtime |
| \`runtime/node\` | runtime | \`core\` | \`@scope/server\` | Node |
| \`entry\` | entry | everything | – | Node |
`);
const file = (path: string, text: string): SourceFile => ({ path, text });
const imports = (path: string, text: string) => importComplaints([file(path, text)], table);
const bans = (path: string, text: string) => banComplaints([file(path, text)], table);

describe('the import table', () => {
  it('is read row by row, the most specific row first', () => {
    expect(table.map(({ folder }) => folder)).toEqual([
      'core',
      'wire',
      'one',
      'two',
      'one/deep',
      'runtime/node',
      'entry',
    ]);
    expect(ruleOf('one/deep/a.ts', table)?.folder).toBe('one/deep');
    expect(ruleOf('onefold/a.ts', table)).toBeNull();
  });

  it.each([
    ['no table', '# nothing here'],
    ['no rows', '| Folder | Role | May import | Packages | Runs on |\n|---|---|---|---|---|\n'],
    [
      'a name without backticks',
      '| Folder | Role | May import | Packages | Runs on |\n|---|---|---|---|---|\n| core | x | nothing | – | Node |',
    ],
    [
      'an unknown runtime',
      '| Folder | Role | May import | Packages | Runs on |\n|---|---|---|---|---|\n| `core` | x | nothing | – | Deno |',
    ],
  ])('is refused with %s', (_what, markdown) => {
    expect(() => parseImportTable(markdown)).toThrow();
  });
});

describe('the import rule', () => {
  it.each([
    ['wire/a.ts', "import { x } from '../core/x.ts';"],
    ['core/a.ts', "import type { ZodType } from 'zod';"],
    ['core/a.ts', "import { type ZodType, type ZodAny } from 'zod';"],
    ['one/deep/a.ts', "import type { X } from '../../wire/x.ts';"],
    ['one/a.ts', "import { b } from './b.ts';\nimport { z } from 'zod';"],
    ['runtime/node/a.ts', "import { createServer } from 'node:http';\nimport x from '@scope/server/inner';"],
    [
      'entry/cli/a.ts',
      "export const load = () => import('../../one/a.ts');\nimport info from '../../../package.json';",
    ],
    ['core/a.ts', "// import { x } from '../wire/x.ts';\n/* import 'node:fs'; */"],
  ])('takes %s: %s', (path, text) => {
    expect(imports(path, text)).toEqual([]);
  });

  it.each([
    ['core to wire', 'core/a.ts', "import { x } from '../wire/x.ts';"],
    ['one plug-in folder to another', 'one/a.ts', "import { x } from '../two/x.ts';"],
    ['over several lines', 'one/a.ts', "import {\n  x,\n  y,\n} from '../two/x.ts';"],
    ['a re-export', 'one/a.ts', "export * from '../two/x.ts';"],
    ['for its effect alone', 'one/a.ts', "import '../two/x.ts';"],
    ['at run time', 'one/a.ts', "const x = await import('../two/x.ts');"],
    ['in a type', 'one/a.ts', "type X = import('../two/x.ts').X;"],
    ['code where types are allowed', 'one/deep/a.ts', "import { x } from '../../wire/x.ts';"],
    ['code of a package beside its types', 'core/a.ts', "import { type ZodType, z } from 'zod';"],
    ['Node in portable code', 'wire/a.ts', "import { readFile } from 'node:fs/promises';"],
    ['a package that is not in the row', 'wire/a.ts', "import { z } from 'zod';"],
    ['a folder without a row', 'three/a.ts', 'export const x = 1;'],
    ['out of src/', 'one/a.ts', "import info from '../../package.json';"],
  ])('refuses %s', (_what, path, text) => {
    expect(imports(path, text)).toHaveLength(1);
  });

  it('tells types from code', () => {
    const [first, second] = importsOf(
      file('a/b.ts', "import type { A } from './c.ts';\nimport { type B, c } from './d.ts';"),
    );
    expect(first).toEqual({ target: 'a/c.ts', local: true, typesOnly: true });
    expect(second).toEqual({ target: 'a/d.ts', local: true, typesOnly: false });
  });

  it('finds rings of folders, types included', () => {
    const files = [
      file('one/a.ts', "import { b } from '../two/b.ts';"),
      file('two/b.ts', "import { c } from '../wire/c.ts';"),
      file('wire/c.ts', "import type { A } from '../one/a.ts';"),
      file('core/d.ts', "import { e } from './e.ts';"),
    ];
    expect(folderRings(files, table)).toEqual(['one -> two -> wire -> one']);
    expect(folderRings(files.slice(0, 2), table)).toEqual([]);
  });
});

describe('the rules for files', () => {
  it('measures lines: median, 95th of a hundred, and what is over the cap', () => {
    const files = Array.from({ length: 20 }, (_, at) => file(`a${at}.ts`, 'x\n'.repeat((at + 1) * 10)));
    expect(sizesOf(files, 190)).toEqual({ median: 100, p95: 190, over: ['a19.ts: 200 lines'] });
  });

  it.each(['import { x } from "y";', '// Decides something.\n', '\n// Late. For you.'])(
    'refuses the opening %j',
    (text) => {
      expect(openingFault(text)).not.toBeNull();
    },
  );

  it('takes an opening of one line or two, after a shebang', () => {
    expect(openingFault('// Decides this. For operators.\n')).toBeNull();
    expect(openingFault('#!/usr/bin/env node\n// Decides this.\n// For operators.\n')).toBeNull();
  });

  it('refuses names that say nothing, and other spellings', () => {
    for (const path of [
      'a/utils.ts',
      'string-helper.ts',
      'helpers/a.ts',
      'pool-manager.ts',
      'Pool.ts',
      'a_b.ts',
      'aB.ts',
    ]) {
      expect(nameFault(path), path).not.toBeNull();
    }
    for (const path of ['fleet/pool.ts', 'openai-chat.ts', 'x/chat.test.ts', 'node24.mjs']) {
      expect(nameFault(path), path).toBeNull();
    }
  });

  it.each([
    'export default function x() {}',
    'export { x as default };',
    'const x = y as any;',
    'function f(x: any) {}',
    'const x: Record<string, any> = {};',
    'let x: any[] = [];',
    'console.log(1);',
    "console['log'](1);",
    "import { spawn } from 'node:child_process';",
    "const c = process.getBuiltinModule('child_process');",
    'eval(text);',
    'new Function(text)();',
    'const r = await fetch(url);',
    'const r = globalThis.fetch;',
    '// @ts-ignore\nf();',
    '// biome-ignore lint: because\nf();',
    'enum Kind { A }',
    'export namespace N {}',
    '@sealed()\nclass A {}',
    'class A extends B {}',
    'setTimeout(f, 1);',
    'const at = Date.now();',
    'const at = new Date();',
    'const lot = Math.random();',
    'const key = process.env.KEY;',
    'const b = Buffer.from(text);',
  ])('refuses in portable code: %s', (text) => {
    expect(bans('wire/a.ts', text)).not.toEqual([]);
  });

  it.each([
    "const text = 'any console.log( of eval( and fetch(x)';",
    '// Any fetch( or eval( in a comment, any console.log too.',
    'const any = f(); if (any) g();',
    'interface Server { fetch(request: Request): Response }',
    'app.fetch(request); this.#fetch(request);',
    'class Refused extends Error {}',
    'const when = new Date(wallMs).toISOString();',
    'const pattern = /console.log\\(/g; const quote = /[\'"]/;',
    'const { process: step } = plan; step.process.run();',
  ])('takes in portable code: %s', (text) => {
    expect(bans('wire/a.ts', text)).toEqual([]);
  });

  it('takes clocks and children of Node where they belong', () => {
    expect(bans('runtime/node/a.ts', 'setTimeout(f, 1); const at = Date.now(); process.pid;')).toEqual([]);
    expect(bans('entry/a.ts', "import { spawn } from 'node:child_process'; spawn(x);")).toEqual([]);
    expect(bans('runtime/node/a.ts', "import { spawn } from 'node:child_process';")).not.toEqual([]);
    expect(bans('runtime/web/a.ts', 'const r = await fetch(url);')).toEqual([]);
  });
});
