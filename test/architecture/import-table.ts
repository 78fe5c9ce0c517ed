// Reads the table of docs/architecture.md that says which folder may import what. For the architecture tests.
import { readFileSync } from 'node:fs';

export interface FolderRule {
  /** Below src/, without a slash at the end; a file stands for itself. */
  readonly folder: string;
  readonly role: string;
  readonly imports: ReadonlySet<string>;
  /** May be imported for their types alone. */
  readonly types: ReadonlySet<string>;
  readonly packages: ReadonlySet<string>;
  readonly packageTypes: ReadonlySet<string>;
  /** May import any folder of src/. */
  readonly everything: boolean;
  /** Runs on Node alone; all else must run on any web-standard runtime. */
  readonly node: boolean;
}

const HEAD = ['folder', 'role', 'may import', 'packages', 'runs on'];

/** The rows below the one header that reads `HEAD`. Throws on anything that it does not understand. */
export function parseImportTable(markdown: string): readonly FolderRule[] {
  const lines = markdown.split('\n').map((line) => line.trim());
  const head = lines.findIndex((line) => cells(line).join('|').toLowerCase() === HEAD.join('|'));
  if (head < 0) throw new Error(`No table with the columns ${HEAD.join(', ')}.`);
  const rules: FolderRule[] = [];
  for (const line of lines.slice(head + 2)) {
    if (!line.startsWith('|')) break;
    const [folders, role, imports, packages, runs] = cells(line);
    const may = names(imports ?? '');
    const packs = names(packages ?? '');
    for (const folder of names(folders ?? '').plain) {
      rules.push({
        folder,
        role: role ?? '',
        imports: new Set(may.plain),
        types: new Set(may.types),
        packages: new Set(packs.plain),
        packageTypes: new Set(packs.types),
        everything: imports === 'everything',
        node: nodeOnly(runs ?? ''),
      });
    }
  }
  if (rules.length === 0) throw new Error('The import table has no rows.');
  return rules;
}

function cells(line: string): string[] {
  return line
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => cell.trim());
}

/** `a`, `b` (types): names stand in backticks; "(types)" after one allows its types alone. */
function names(cell: string): { plain: string[]; types: string[] } {
  const found = [...cell.matchAll(/`([^`]+)`(\s*\(types\))?/g)];
  const rest = cell.replace(/`[^`]+`(\s*\(types\))?/g, '').replace(/[,\s]/g, '');
  if (rest !== '' && rest !== 'nothing' && rest !== 'everything' && rest !== '–') {
    throw new Error(`The import table holds something that is no name: "${cell}".`);
  }
  return {
    plain: found.filter((match) => match[2] === undefined).map((match) => match[1]!),
    types: found.filter((match) => match[2] !== undefined).map((match) => match[1]!),
  };
}

function nodeOnly(cell: string): boolean {
  if (cell === 'Node') return true;
  if (cell === 'any runtime') return false;
  throw new Error(`The import table says "${cell}" where "Node" or "any runtime" is meant.`);
}

export const importTable: readonly FolderRule[] = parseImportTable(
  readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8'),
);

/** The most specific row for a path below src/. */
export function ruleOf(path: string, table: readonly FolderRule[] = importTable): FolderRule | null {
  let best: FolderRule | null = null;
  for (const rule of table) {
    const inside = path === rule.folder || path.startsWith(`${rule.folder}/`);
    if (inside && (best === null || rule.folder.length > best.folder.length)) best = rule;
  }
  return best;
}
