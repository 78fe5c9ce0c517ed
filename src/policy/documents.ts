// Reads the first policy file and those it includes, and makes one document of them. For the loader and the saved policy.
import { fitsPattern } from './match.ts';
import { keyText, type Marks, type Problem, pathId, placeText } from './problems.ts';
import { quoted } from './suggest.ts';
import { MAX_POLICY_BYTES, readYaml, type YamlFile } from './yaml.ts';

/** The folder that a policy lives in. Paths use "/". Nothing is followed that the path does not name. */
export interface PolicyFiles {
  /** The text of a file; may stop reading after `maxBytes` + 1. Rejects when it cannot, with the system's `code`. */
  read(path: string, maxBytes: number): Promise<string>;
  /** Names of the files in a folder, in any order. Rejects when it is none. */
  list(folder: string): Promise<readonly string[]>;
}

export interface Source {
  readonly path: string;
  readonly text: string;
}

export interface Documents {
  /** All files in one, without `include`; undefined when the first file cannot be read as YAML. */
  readonly value: unknown;
  readonly marks: Marks;
  readonly problems: readonly Problem[];
  /** The first file first. */
  readonly sources: readonly Source[];
}

export const MAX_INCLUDED_FILES = 256;
/** Sections whose entries are named, so that several files may add to them. */
const NAMED = ['pools', 'providers', 'ladders', 'models', 'classes', 'plans', 'tenants'];
/** Sections whose parts have named entries. */
const NAMED_WITHIN = ['prices'];

type Mapping = Record<string, unknown>;
const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export async function readDocuments(path: string, files: PolicyFiles): Promise<Documents> {
  const first = await readSource(path, files, { file: path, line: 1, column: 1, key: '' });
  if ('message' in first) return { value: undefined, marks: new Map(), problems: [first], sources: [] };
  const root = readYaml(path, first.text);
  const problems: Problem[] = [];
  const sources = [first];
  const include = isMapping(root.value) ? root.value['include'] : undefined;
  if (Array.isArray(include)) {
    const taken = new Set([path]);
    for (const [index, entry] of include.entries()) {
      if (typeof entry !== 'string') continue;
      const mark = root.marks.get(pathId(['include', index])) ?? { file: path, line: 1, column: 1 };
      const at: At = { ...mark, key: keyText(['include', index]) };
      for (const found of await includedPaths(path, entry, files, at)) {
        if (typeof found !== 'string') problems.push(found);
        else if (taken.size > MAX_INCLUDED_FILES) {
          problems.push({ ...at, message: `includes more than ${MAX_INCLUDED_FILES} files` });
          break;
        } else if (!taken.has(found)) {
          taken.add(found);
          const source = await readSource(found, files, at);
          if ('message' in source) problems.push(source);
          else sources.push(source);
        }
      }
    }
  }
  const merged = mergeFiles(root, sources.slice(1));
  return { ...merged, problems: [...problems, ...merged.problems], sources };
}

/** Merges texts that were read together, the first file first. Pure. */
export function mergeSources([first, ...rest]: readonly Source[]): Merged {
  if (first === undefined) return { value: undefined, marks: new Map(), problems: [] };
  return mergeFiles(readYaml(first.path, first.text), rest);
}

type Merged = Omit<Documents, 'sources'>;

function mergeFiles(root: YamlFile, rest: readonly Source[]): Merged {
  const problems = [...root.problems];
  const { marks, value } = root;
  for (const source of rest) {
    const part = readYaml(source.path, source.text);
    problems.push(...part.problems);
    if (!isMapping(value) || part.value === undefined) continue;
    if (isMapping(part.value)) mergeInto(value, marks, part.value, part.marks, source.path, problems);
    else {
      problems.push({ file: source.path, line: 1, column: 1, key: '', message: 'must be a mapping of keys to values' });
    }
  }
  return { value, marks, problems };
}

function mergeInto(
  into: Mapping,
  marks: Marks,
  part: Mapping,
  partMarks: Marks,
  file: string,
  problems: Problem[],
): void {
  const add = (target: Mapping, name: string, value: unknown, path: readonly string[]): void => {
    const mark = partMarks.get(pathId(path)) ?? { file, line: 1, column: 1 };
    if (!Object.hasOwn(target, name)) target[name] = value;
    else {
      const first = marks.get(pathId(path));
      const where = first === undefined ? '' : `, first at ${placeText(first)}`;
      problems.push({ ...mark, key: keyText(path), message: `is defined twice${where}` });
    }
  };
  for (const [key, value] of Object.entries(part)) {
    const mark = partMarks.get(pathId([key])) ?? { file, line: 1, column: 1 };
    if (key === 'version') {
      if (value !== 1) problems.push({ ...mark, key, message: 'must be 1' });
    } else if (key === 'include') {
      problems.push({ ...mark, key, message: 'only the first file may include others' });
    } else if (NAMED.includes(key) && isMapping(value) && isMapping(into[key])) {
      for (const [name, entry] of Object.entries(value)) add(into[key], name, entry, [key, name]);
    } else if (NAMED_WITHIN.includes(key) && isMapping(value) && isMapping(into[key])) {
      for (const [name, entries] of Object.entries(value)) {
        const there = into[key][name];
        if (!isMapping(there) || !isMapping(entries)) add(into[key], name, entries, [key, name]);
        else for (const [inner, entry] of Object.entries(entries)) add(there, inner, entry, [key, name, inner]);
      }
    } else add(into, key, value, [key]);
  }
  for (const [id, mark] of partMarks) if (!marks.has(id)) marks.set(id, mark);
}

type At = Omit<Problem, 'message'>;

async function readSource(path: string, files: PolicyFiles, at: At): Promise<Source | Problem> {
  try {
    return { path, text: await files.read(path, MAX_POLICY_BYTES) };
  } catch (thrown) {
    return { ...at, message: `cannot read ${path}${reasonText(thrown)}` };
  }
}

async function includedPaths(root: string, entry: string, files: PolicyFiles, at: At): Promise<(string | Problem)[]> {
  const parts = entry.split('/').filter((part) => part !== '.');
  const bad = entry.startsWith('/') || /[\\:]|[^ -~]/.test(entry) || parts.some((part) => part === '' || part === '..');
  if (bad || parts.length === 0 || parts.slice(0, -1).some((part) => part.includes('*'))) {
    const rule = 'must be a path below the folder of this file, with "/" between names and * in the last one only';
    return [{ ...at, message: `${quoted(entry)} ${rule}` }];
  }
  const folder = root.includes('/') ? root.slice(0, root.lastIndexOf('/') + 1) : '';
  const name = parts.pop()!;
  const base = folder + parts.map((part) => `${part}/`).join('');
  if (!name.includes('*')) return [base + name];
  try {
    const names = await files.list(base === '' ? '.' : base.replace(/(?<=.)\/$/, ''));
    const pieces = name.split('*');
    return names
      .filter((candidate) => !candidate.startsWith('.') && fitsPattern(candidate, pieces))
      .sort()
      .map((candidate) => base + candidate);
  } catch (thrown) {
    return [{ ...at, message: `cannot list ${base === '' ? '.' : base}${reasonText(thrown)}` }];
  }
}

function reasonText(thrown: unknown): string {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
  if (code === 'ENOENT') return ': there is no such file';
  if (code === 'EACCES') return ': permission denied';
  return typeof code === 'string' && /^[A-Z0-9_]{1,32}$/.test(code) ? `: ${code}` : '';
}
