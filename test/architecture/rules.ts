// The rules of the house as functions from files to complaints. For the architecture tests and their self-tests.
import { type FolderRule, ruleOf } from './import-table.ts';
import { bareCode, importsOf, type SourceFile } from './source-files.ts';

/** Every import that the table does not allow. */
export function importComplaints(files: readonly SourceFile[], table: readonly FolderRule[]): string[] {
  const complaints: string[] = [];
  for (const file of files) {
    const rule = ruleOf(file.path, table);
    if (rule === null) {
      complaints.push(`${file.path}: its folder stands in no row of the import table`);
      continue;
    }
    for (const { target, local, typesOnly } of importsOf(file)) {
      const why = local ? localFault(rule, target, typesOnly, table) : packageFault(rule, target, typesOnly);
      if (why !== null) complaints.push(`${file.path}: imports ${target}, ${why}`);
    }
  }
  return complaints;
}

function localFault(rule: FolderRule, target: string, typesOnly: boolean, table: readonly FolderRule[]): string | null {
  if (target.startsWith('..')) return rule.everything ? null : 'which is outside src/';
  const other = ruleOf(target, table);
  if (other === null) return 'which stands in no row of the import table';
  if (other.folder === rule.folder || rule.everything || rule.imports.has(other.folder)) return null;
  if (!rule.types.has(other.folder)) return `and ${rule.folder} may not import ${other.folder}`;
  return typesOnly ? null : `and ${rule.folder} may have only types of ${other.folder}`;
}

function packageFault(rule: FolderRule, target: string, typesOnly: boolean): string | null {
  if (target.startsWith('node:')) return rule.node ? null : `and ${rule.folder} must run without Node`;
  const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/');
  if (rule.packages.has(name)) return null;
  if (!rule.packageTypes.has(name)) return `a package that ${rule.folder} may not use`;
  return typesOnly ? null : `and ${rule.folder} may have only types of ${name}`;
}

/** Rings of folders that import each other, types included. */
export function folderRings(files: readonly SourceFile[], table: readonly FolderRule[]): string[] {
  const edges = new Map<string, Set<string>>();
  for (const file of files) {
    const from = ruleOf(file.path, table)?.folder ?? file.path;
    for (const { target, local } of importsOf(file)) {
      const to = local ? ruleOf(target, table)?.folder : undefined;
      if (to === undefined || to === from) continue;
      const known = edges.get(from) ?? new Set();
      edges.set(from, known.add(to));
    }
  }
  return rings(edges);
}

export function rings(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const found: string[] = [];
  const settled = new Set<string>();
  const walk = (folder: string, way: readonly string[]): void => {
    const before = way.indexOf(folder);
    if (before >= 0) found.push([...way.slice(before), folder].join(' -> '));
    if (before >= 0 || settled.has(folder)) return;
    for (const next of edges.get(folder) ?? []) walk(next, [...way, folder]);
    settled.add(folder);
  };
  for (const folder of edges.keys()) walk(folder, []);
  return found;
}

export interface Sizes {
  readonly median: number;
  readonly p95: number;
  readonly over: readonly string[];
}

export function sizesOf(files: readonly SourceFile[], cap: number): Sizes {
  const sizes = files.map(({ text }) => lines(text)).sort((a, b) => a - b);
  const at = (share: number) => sizes[Math.max(0, Math.ceil(sizes.length * share) - 1)] ?? 0;
  const over = files.filter(({ text }) => lines(text) > cap).map(({ path, text }) => `${path}: ${lines(text)} lines`);
  return { median: at(0.5), p95: at(0.95), over };
}

function lines(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

/** The comment at the top says what the file decides and, with "for", whom it serves. */
export function openingFault(text: string): string | null {
  const top: string[] = [];
  for (const line of text.replace(/^#!.*\n/, '').split('\n')) {
    if (!line.startsWith('//')) break;
    top.push(line);
  }
  if (top.length === 0) return 'opens without a comment';
  return /\bfor\s+\S/i.test(top.join(' ')) ? null : 'does not say for whom it is';
}

export interface Ban {
  readonly what: string;
  readonly pattern: RegExp;
  /** Where it is meant to be. */
  readonly except?: (path: string, rule: FolderRule | null) => boolean;
}

const startsChildren = (path: string) => path.startsWith('demo/') || path.startsWith('entry/');
const onNode = (_path: string, rule: FolderRule | null) => rule?.node === true;

export const BANS: readonly Ban[] = [
  {
    what: 'a default export',
    pattern: /^export\s+default\b|\bas\s+default\b/m,
    // What a foreign module exports is not ours to choose.
    except: (path) => path === 'entry/edge.ts' || path.endsWith('.d.ts'),
  },
  { what: 'any', pattern: /(?:[:<|&]|\bas)\s*any\b(?!\s*[:=(])|,\s*any\s*[>\]]|\bany\[\]/ },
  { what: 'console', pattern: /(?<![\w.])console\s*[.[]/ },
  {
    what: 'child_process',
    pattern: /\bchild_process\b|\bspawn\(|\bexecFile\(/,
    except: startsChildren,
  },
  { what: 'eval', pattern: /(?<![\w.])eval\s*\(|\bnew\s+Function\b|(?<![\w.])Function\s*\(/ },
  {
    what: 'the global fetch',
    pattern: /\bglobalThis\s*\.\s*fetch\b|(?<![\w.#])fetch\s*\((?!\s*\w+\??\s*:)/,
    except: (path) => path.startsWith('runtime/web/'),
  },
  { what: 'an enum or namespace', pattern: /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?(?:enum|namespace)\s+\w/m },
  { what: 'a decorator', pattern: /^\s*@[a-z]\w*(?:\(|\s*$)/m },
  {
    what: 'inheritance',
    pattern: /\bclass\s+\w+(?:<[^{]*>)?\s+extends\s+(?!Error\b)/,
  },
  {
    what: 'a clock or chance of its own',
    pattern: /\bset(?:Timeout|Interval|Immediate)\(|\bDate\.now\(|\bMath\.random\b|\bperformance\.now\(|\bnew Date\(\)/,
    except: (path, rules) => path.startsWith('runtime/web/') || onNode(path, rules),
  },
  {
    what: 'a global of Node',
    pattern: /(?<![\w.'])(?:process|Buffer|__dirname|__filename|global)\s*[.[]|\bgetBuiltinModule\b/,
    except: onNode,
  },
];

/** Bans that look at the text with its strings and comments, where these things hide. */
export const TEXT_BANS: readonly Ban[] = [
  { what: 'a suppressed check', pattern: /@ts-(?:ignore|nocheck|expect-error)|biome-ignore|eslint-disable/ },
  { what: 'child_process', pattern: /['"`](?:node:)?child_process['"`]/, except: startsChildren },
];

export function banComplaints(files: readonly SourceFile[], table: readonly FolderRule[]): string[] {
  const complaints: string[] = [];
  for (const { path, text } of files) {
    const rule = ruleOf(path, table);
    const code = bareCode(text);
    const broken = [
      ...BANS.filter(({ pattern }) => pattern.test(code)),
      ...TEXT_BANS.filter(({ pattern }) => pattern.test(text)),
    ];
    for (const { what, except } of broken) {
      if (except?.(path, rule) !== true) complaints.push(`${path}: ${what}`);
    }
  }
  return complaints;
}

const VAGUE = /(?:^|[-/.])(?:utils?|helpers?|managers?|common|misc)(?=[-/.]|$)/;

/** Kebab-case nouns that say something. */
export function nameFault(path: string): string | null {
  if (VAGUE.test(path)) return 'a name that says nothing';
  return /^(?:[a-z0-9]+(?:-[a-z0-9]+)*\/)*[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.d)?\.(?:ts|mjs)$/.test(path)
    ? null
    : 'not kebab-case';
}
