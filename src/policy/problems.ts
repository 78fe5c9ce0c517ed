// What is wrong in a policy file, and where. For the loader, the command line and the log.

/** A place in a file; lines and columns count from 1. */
export interface Mark {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Problem extends Mark {
  /** The path of the key, as written in messages; empty for the file as a whole. */
  readonly key: string;
  readonly message: string;
}

export type Path = readonly (string | number)[];

/** Where each key of the merged documents stands, by `pathId`. */
export type Marks = Map<string, Mark>;

export function pathId(path: Path): string {
  return path.join('\u0000');
}

const PLAIN = /^[A-Za-z0-9_*/:@+-]+$/;

/** `models.support.ladder[1].pool`; a name that would be ambiguous is quoted. */
export function keyText(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else {
      const name = PLAIN.test(part) && part.length <= 80 ? part : JSON.stringify(part.slice(0, 80));
      text += text === '' ? name : `.${name}`;
    }
  }
  return text;
}

/** The place of a path, or of its nearest ancestor that is in a file. */
export function markOf(marks: Marks, path: Path, file: string): Mark {
  for (let length = path.length; length > 0; length--) {
    const mark = marks.get(pathId(path.slice(0, length)));
    if (mark !== undefined) return mark;
  }
  return { file, line: 1, column: 1 };
}

/** Says something about paths of one set of merged documents. */
export interface Reporter {
  readonly problems: Problem[];
  readonly warnings: Problem[];
  problem(path: Path, message: string): void;
  warning(path: Path, message: string): void;
  /** `file:line:column` of a path. */
  place(path: Path): string;
}

export function createReporter(marks: Marks, file: string): Reporter {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const at = (path: Path, message: string): Problem => ({ ...markOf(marks, path, file), key: keyText(path), message });
  return {
    problems,
    warnings,
    problem: (path, message) => problems.push(at(path, message)),
    warning: (path, message) => warnings.push(at(path, message)),
    place: (path) => placeText(markOf(marks, path, file)),
  };
}

export function placeText(mark: Mark): string {
  return `${mark.file}:${mark.line}:${mark.column}`;
}

/** One line: `policies/x.yaml:12:5 models.support.class: unknown value "chatt". Valid: chat, embed.` */
export function formatProblem(problem: Problem): string {
  return `${placeText(problem)} ${problem.key === '' ? '' : `${problem.key}: `}${problem.message}`;
}

/** In the order of the files as read, then of place; each said once. */
export function sortProblems(problems: readonly Problem[], files: readonly string[]): Problem[] {
  const seen = new Set<string>();
  const once = problems.filter((problem) => {
    const line = formatProblem(problem);
    return !seen.has(line) && seen.add(line);
  });
  const rank = (problem: Problem): number => {
    const index = files.indexOf(problem.file);
    return index < 0 ? files.length : index;
  };
  return once.sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
      a.line - b.line ||
      a.column - b.column ||
      (a.key < b.key ? -1 : a.key > b.key ? 1 : 0),
  );
}
