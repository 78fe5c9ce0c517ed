// The rules of the house, checked on the code as it is: who imports whom, how long files are, what is not used. For maintainers.
import { describe, expect, it } from 'vitest';
import { importTable, ruleOf } from './architecture/import-table.ts';
import {
  banComplaints,
  folderRings,
  importComplaints,
  nameFault,
  openingFault,
  sizesOf,
} from './architecture/rules.ts';
import { readSources } from './architecture/source-files.ts';

const CAP = 400;
const src = readSources('src');

describe('who may import whom (docs/architecture.md)', () => {
  it('every import in src/ stands in the table', () => {
    expect(src.length).toBeGreaterThan(100);
    expect(importComplaints(src, importTable)).toEqual([]);
  });

  it('folders import each other in no ring', () => {
    expect(folderRings(src, importTable)).toEqual([]);
  });

  it('plug-ins may import contracts and pure folders alone', () => {
    const plugIns = importTable.filter(({ role }) => role === 'plug-ins');
    expect(plugIns.map(({ folder }) => folder)).toEqual(expect.arrayContaining(['dialects', 'fleet/engines']));
    for (const { folder, imports, types, everything } of plugIns) {
      const others = [...imports, ...types].filter((name) => !['core', 'wire', 'structures'].includes(name));
      expect({ folder, others, everything }).toEqual({ folder, others: [], everything: false });
    }
  });

  it('core imports nothing of ours, and everything is for entries, demo workers and the surface on Node', () => {
    expect([...ruleOf('core/x.ts')!.imports]).toEqual([]);
    const all = importTable.filter(({ everything }) => everything).map(({ folder }) => folder);
    expect(all.sort()).toEqual(['demo', 'entry', 'node.ts']);
  });

  it('only runtime/node, files on disk, demo and entry may need Node', () => {
    const onNode = importTable.filter(({ node }) => node).map(({ folder }) => folder);
    expect(onNode.sort()).toEqual(['demo', 'entry', 'node.ts', 'runtime/node', 'stores/sqlite']);
  });

  it('every folder of the table has code', () => {
    const empty = importTable.filter(({ folder }) => !src.some(({ path }) => ruleOf(path)?.folder === folder));
    expect(empty.map(({ folder }) => folder)).toEqual([]);
  });
});

describe('files', () => {
  it(`in src/ are short: median at most 90 lines, 95 % at most 250, none over ${CAP}`, () => {
    const { median, p95, over } = sizesOf(src, CAP);
    expect(over).toEqual([]);
    expect(median).toBeLessThanOrEqual(90);
    expect(p95).toBeLessThanOrEqual(250);
  });

  it.each(['test', 'bench', 'scripts', 'examples', 'bin'])(`in %s/ have at most ${CAP} lines`, (folder) => {
    expect(sizesOf(readSources(folder), CAP).over).toEqual([]);
  });

  it.each(['src', 'test', 'bench', 'scripts', 'examples', 'bin'])('in %s/ have telling kebab-case names', (folder) => {
    const faults = readSources(folder).flatMap(({ path }) => {
      const fault = nameFault(path);
      return fault === null ? [] : [`${path}: ${fault}`];
    });
    expect(faults).toEqual([]);
  });

  it('in src/ open by saying what they decide and for whom', () => {
    const faults = src.flatMap(({ path, text }) => {
      const fault = openingFault(text);
      return fault === null ? [] : [`${path}: ${fault}`];
    });
    expect(faults).toEqual([]);
  });

  it('in src/ use nothing that the house does without', () => {
    expect(banComplaints(src, importTable)).toEqual([]);
  });
});
