// The documents say what the code does: links lead somewhere, lists are whole, counts are true. For maintainers.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { REQUEST_HEADERS, RESPONSE_HEADERS } from '../src/core/names.ts';
import { brokenLinks, codeSpans, sectionOf, tableColumn } from './docs/markdown.ts';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const examples = readdirSync(new URL('examples/', root)).map((name) => `examples/${name}`);
const documents = ['.', 'docs', 'docs/decisions', 'policies', ...examples].flatMap((folder) =>
  readdirSync(new URL(`${folder}/`, root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => (folder === '.' ? name : `${folder}/${name}`)),
);

describe('documents', () => {
  it.each(documents)('%s has no link that leads nowhere', (path) => {
    const exists = (target: string) => existsSync(new URL(target, root));
    expect(brokenLinks(path, read(path), exists, read)).toEqual([]);
  });

  it('a link to nowhere, in a file or to a heading, is found', () => {
    const files: Record<string, string> = { 'docs/a.md': '# One thing\n', 'b.md': '' };
    const text = '[a](docs/a.md#one-thing) [b](docs/none.md) [c](docs/a.md#two) [d](https://example.com/x) [e](#here)';
    const found = brokenLinks(
      'b.md',
      text,
      (path) => path in files,
      (path) => files[path]!,
    );
    expect(found).toEqual(['docs/none.md', 'docs/a.md#two', '#here']);
  });

  it('name no file of this machine and no registry', () => {
    for (const path of documents) {
      expect(read(path), path).not.toMatch(/registry\.npmjs|(?<![\w.])\/(?:tmp|work|root|home)\//);
    }
  });
});

describe('docs/headers.md', () => {
  it('lists the request headers that the router takes, all and no others', () => {
    const listed = tableColumn(sectionOf(read('docs/headers.md'), 'What a caller may ask'), 'Header');
    expect(listed.flatMap(codeSpans).sort()).toEqual([...REQUEST_HEADERS].sort());
  });

  it('lists the headers of replies, all and no others', () => {
    const rows = sectionOf(read('docs/headers.md'), 'What a reply says').split('\n');
    const ours = rows
      .map((row) => row.split('|')[1] ?? '')
      .flatMap(codeSpans)
      .filter((name) => name.startsWith('x-spillway-'));
    expect(ours.sort()).toEqual(Object.values(RESPONSE_HEADERS).sort());
  });
});

describe('docs/operations.md', () => {
  const operations = read('docs/operations.md');

  it('lists the flags of serve, all and no others', () => {
    const usage = /const usage = `([\s\S]*?)`;/.exec(read('src/entry/cli/serve.ts'))![1]!;
    const flags = [...usage.matchAll(/^ {2}(--[a-z-]+)/gm)].map((match) => match[1]!);
    expect(flags.length).toBeGreaterThan(5);
    const listed = tableColumn(sectionOf(operations, 'Flags'), 'Flag').flatMap(codeSpans);
    expect(listed.map((flag) => flag.split(' ')[0]).sort()).toEqual(flags.sort());
  });

  it('lists the fields of the line per call, all and no others', () => {
    const block = /const fields = \{([\s\S]*?)\n {2}\};/.exec(read('src/router/settle.ts'))![1]!;
    const fields = [...block.matchAll(/^ {4}(\w+):/gm)].map((match) => match[1]!);
    expect(fields.length).toBeGreaterThan(10);
    const listed = tableColumn(sectionOf(operations, 'The line per call'), 'Field').flatMap(codeSpans);
    expect(listed.sort()).toEqual(fields.sort());
  });
});

describe('README.md', () => {
  it('lists the commands, all and no others', () => {
    const table = /const COMMANDS[^{]*\{([\s\S]*?)\n\};/.exec(read('src/entry/cli/main.ts'))![1]!;
    const commands = [...table.matchAll(/^ {2}'?([a-z-]+)'?: async/gm)].map((match) => match[1]!);
    expect(commands).toContain('serve');
    const listed = tableColumn(sectionOf(read('README.md'), 'Commands'), 'Command').flatMap(codeSpans);
    expect(listed.map((command) => command.split(' ')[0]).sort()).toEqual(commands.sort());
  });
});

describe('tests', () => {
  it('none is skipped, left to do or run alone', () => {
    const marked = readdirSync(new URL('test/', root), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.test.ts'))
      .filter((path) => /^\s*(?:it|test|describe)\.(?:skip|only|todo|fails|skipIf)\b/m.test(read(`test/${path}`)));
    expect(marked).toEqual([]);
  });
});
