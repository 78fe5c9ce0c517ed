// Takes a trace file apart into lines, cells and checked values. For the readers of the formats.
import { TraceError } from './forms.ts';

export interface Line {
  readonly number: number;
  readonly text: string;
}

export function linesOf(text: string): Line[] {
  return text
    .split('\n')
    .map((line, at) => ({ number: at + 1, text: line.trimEnd() }))
    .filter((line) => line.text !== '');
}

/** Rows of a CSV file without quotes, by its header. */
export function* rowsOf(format: string, text: string, columns: readonly string[]): Generator<Row> {
  const [head, ...lines] = linesOf(text);
  const names = head?.text.split(',') ?? [];
  const missing = columns.filter((column) => !names.includes(column));
  if (missing.length > 0) throw new TraceError(format, 1, `no column ${missing.join(', ')}`);
  for (const line of lines) {
    const cells = line.text.split(',');
    yield new Row(format, line.number, Object.fromEntries(names.map((name, at) => [name, cells[at] ?? ''])));
  }
}

/** One JSON object per line. */
export function* objectsOf(format: string, text: string): Generator<Row> {
  for (const line of linesOf(text)) {
    let value: unknown;
    try {
      value = JSON.parse(line.text);
    } catch {
      throw new TraceError(format, line.number, 'no JSON');
    }
    yield rowOf(format, line.number, value);
  }
}

export function rowOf(format: string, line: number, value: unknown): Row {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TraceError(format, line, 'no JSON object');
  return new Row(format, line, value as Record<string, unknown>);
}

/** The fields of one line, each checked as it is read. */
export class Row {
  readonly format: string;
  readonly line: number;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(format: string, line: number, fields: Readonly<Record<string, unknown>>) {
    this.format = format;
    this.line = line;
    this.#fields = fields;
  }

  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== 'string') throw this.wrong(name, 'a text');
    return value;
  }

  /** Zero or more; a CSV cell counts as the number that it spells. */
  number(name: string): number {
    const number = this.optional(name);
    if (number === null) throw this.wrong(name, 'a number of 0 or more');
    return number;
  }

  /** Null where the field is not there. */
  optional(name: string): number | null {
    const value = this.#fields[name];
    if (value === undefined || value === null || value === '') return null;
    const number = typeof value === 'string' ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isFinite(number) || number < 0)
      throw this.wrong(name, 'a number of 0 or more');
    return number;
  }

  list(name: string): readonly unknown[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) throw this.wrong(name, 'a list');
    return value;
  }

  numbers(name: string): readonly number[] {
    const list = this.list(name);
    if (!list.every((one) => Number.isSafeInteger(one) && (one as number) >= 0))
      throw this.wrong(name, 'a list of whole numbers');
    return list as number[];
  }

  wrong(name: string, wanted: string): TraceError {
    return new TraceError(this.format, this.line, `${name} is not ${wanted}`);
  }
}
