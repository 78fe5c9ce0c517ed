// Turns the text of one YAML file into plain data and remembers where each key stands. For the reader of policy files.
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { keyText, type Mark, type Marks, type Path, type Problem, pathId, placeText } from './problems.ts';
import { quoted } from './suggest.ts';

export const MAX_POLICY_BYTES = 1024 * 1024;
const MAX_NODES = 20_000;
const MAX_ALIASES = 100;
const MAX_DEPTH = 24;

/** The library's own texts quote the file, which may hold a secret; these do not. */
const SYNTAX: Readonly<Record<string, string>> = {
  RESOURCE_EXHAUSTION: 'is nested too deeply',
  MULTIPLE_DOCS: 'holds more than one YAML document; only one is read',
  BAD_INDENT: 'is indented unevenly',
  TAB_AS_INDENT: 'is indented with a tab; use spaces',
  MISSING_CHAR: 'lacks a character, such as a closing quote or bracket, or the space after a colon',
  BAD_ALIAS: 'uses an alias (*name) whose anchor (&name) is not above it',
  TAG_RESOLVE_FAILED: 'uses a YAML tag (!name), and none is accepted',
  MULTILINE_IMPLICIT_KEY: 'has a key that spans lines; a colon or a quote may be missing',
  BLOCK_AS_IMPLICIT_KEY: 'nests a mapping where none can be; quote values that hold ": "',
  UNEXPECTED_TOKEN: 'has a character that does not belong here',
  BAD_SCALAR_START: 'has a plain value that starts with a reserved character; quote it',
  BAD_DQ_ESCAPE: 'has an unknown escape in double quotes',
};

export interface YamlFile {
  /** Objects have no prototype; only strings, numbers, booleans, null, lists and mappings occur. */
  readonly value: unknown;
  readonly marks: Marks;
  readonly problems: readonly Problem[];
}

export function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Never throws; a file that cannot be read gives problems and the value `undefined`. */
export function readYaml(file: string, text: string): YamlFile {
  const top: Mark = { file, line: 1, column: 1 };
  const fail = (message: string, mark: Mark = top): YamlFile => ({
    value: undefined,
    marks: new Map(),
    problems: [{ ...mark, key: '', message }],
  });
  if (utf8Bytes(text) > MAX_POLICY_BYTES) return fail(`is larger than ${MAX_POLICY_BYTES} bytes`);
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      // The library compares every pair of keys; the walk below uses a set.
      uniqueKeys: false,
      merge: false,
      schema: 'core',
      // "silent" would also hide that there is a second document.
      logLevel: 'error',
    });
    const all = [...document.errors, ...document.warnings];
    const exhausted = all.find((fault) => fault.code === 'RESOURCE_EXHAUSTION');
    const faults = exhausted === undefined ? all : [exhausted];
    if (faults.length > 0) {
      const problems = faults.slice(0, 20).map((fault) => {
        const place = lines.linePos(fault.pos[0]);
        const message = `${SYNTAX[fault.code] ?? 'is not valid YAML'} (${fault.code})`;
        return { file, line: Math.max(place.line, 1), column: Math.max(place.col, 1), key: '', message };
      });
      return { value: undefined, marks: new Map(), problems };
    }
    if (document.contents === null) return fail('is empty');
    return walk(file, document, lines);
  } catch (thrown) {
    if (thrown instanceof TooMuch) return fail(thrown.message);
    // A file that nests without end exhausts the stack of the parser.
    return fail('is not valid YAML, or is nested too deeply');
  }
}

class TooMuch extends Error {}

function walk(file: string, document: Document, lines: LineCounter): YamlFile {
  const marks: Marks = new Map();
  const problems: Problem[] = [];
  let nodes = 0;
  let aliases = 0;

  const markAt = (node: Node | null | undefined): Mark | null => {
    const offset = node?.range?.[0];
    if (offset === undefined) return null;
    const place = lines.linePos(offset);
    return { file, line: place.line, column: place.col };
  };
  const convert = (node: unknown, path: Path): unknown => {
    if (++nodes > MAX_NODES) throw new TooMuch(`holds more than ${MAX_NODES} values, aliases expanded`);
    if (path.length > MAX_DEPTH) throw new TooMuch(`is nested deeper than ${MAX_DEPTH}`);
    if (isAlias(node)) {
      if (++aliases > MAX_ALIASES) throw new TooMuch(`uses more than ${MAX_ALIASES} aliases`);
      return convert(node.resolve(document), path);
    }
    if (isScalar(node)) return node.value;
    if (isSeq(node)) {
      return node.items.map((item, index) => {
        const itemPath = [...path, index];
        const mark = markAt(item as Node);
        if (mark !== null) marks.set(pathId(itemPath), mark);
        return convert(item, itemPath);
      });
    }
    if (!isMap(node)) return null;
    const out: Record<string, unknown> = Object.create(null);
    for (const pair of node.items) {
      const mark = markAt(pair.key as Node) ?? markAt(node) ?? { file, line: 1, column: 1 };
      const report = (message: string): void => {
        problems.push({ ...mark, key: keyText(path), message });
      };
      if (!isScalar(pair.key)) {
        report('has a key that is not plain text');
        continue;
      }
      // A key such as 4.10 is meant as it is written, not as the number 4.1.
      const key = typeof pair.key.value === 'string' ? pair.key.value : (pair.key.source ?? String(pair.key.value));
      const keyPath = [...path, key];
      if (key === '__proto__' || key === '') report(`has the key ${quoted(key)}, which is not accepted`);
      else if (Object.hasOwn(out, key)) {
        report(`has the key ${quoted(key)} twice, first at ${placeText(marks.get(pathId(keyPath)) ?? mark)}`);
      } else {
        marks.set(pathId(keyPath), mark);
        out[key] = convert(pair.value, keyPath);
      }
    }
    return out;
  };

  const value = convert(document.contents, []);
  return { value, marks, problems };
}
