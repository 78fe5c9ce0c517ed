// Reads source files, and what each of them imports. For the architecture tests.
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';

export interface SourceFile {
  /** Below the folder that was read, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** A path below src/, or a package or `node:` name. */
  readonly target: string;
  readonly local: boolean;
  readonly typesOnly: boolean;
}

const ROOT = new URL('../../', import.meta.url);

export function readSources(folder: string): readonly SourceFile[] {
  const base = new URL(`${folder}/`, ROOT);
  return readdirSync(base, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /\.(ts|mjs)$/.test(path) && !path.includes('node_modules/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(new URL(path, base), 'utf8') }));
}

const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:([^'";]*?)\s+from\s+)?'([^']+)'/gm;
const DYNAMIC = /\b(?:import|require)\(\s*['"`]([^'"`]+)['"`]/g;

/** All imports, re-exports and dynamic imports of a file. Text in comments does not count. */
export function importsOf({ path, text }: SourceFile): readonly Import[] {
  const code = withoutComments(text);
  const found: Import[] = [];
  for (const [, type, names, target] of code.matchAll(STATEMENT)) {
    found.push(resolved(path, target!, type !== undefined || onlyTypes(names ?? '')));
  }
  for (const [, target] of code.matchAll(DYNAMIC)) found.push(resolved(path, target!, false));
  return found;
}

function resolved(path: string, target: string, typesOnly: boolean): Import {
  const local = target.startsWith('.');
  return { target: local ? posix.normalize(posix.join(posix.dirname(path), target)) : target, local, typesOnly };
}

/** `{ type A, type B }` brings in no code. */
function onlyTypes(names: string): boolean {
  const list = /^\{([^}]*)\}$/.exec(names.trim())?.[1];
  if (list === undefined) return false;
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .every((name) => name.startsWith('type '));
}

/** Strings, templates, patterns and comments, in the order in which they begin. */
const TOKENS =
  /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|\/(?![*/\s])(?:\[(?:[^\]\\\n]|\\.)*\]|[^/\\\n[]|\\.)+\/[dgimsuvy]*(?=[\s.,;)\]])|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

function blank(token: string): string {
  return token.replace(/[^\n]/g, ' ');
}

/** Comments become spaces; an address in a string is no comment. */
export function withoutComments(text: string): string {
  return text.replace(TOKENS, (token) => (/^\/[/*]/.test(token) ? blank(token) : token));
}

/** Strings and patterns become empty too: what is left is code. Templates stay, since they hold code. */
export function bareCode(text: string): string {
  return text.replace(TOKENS, (token) => {
    if (/^\/[/*]/.test(token)) return blank(token);
    return token.startsWith('`') ? token : "''";
  });
}
