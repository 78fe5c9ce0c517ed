// Reads the list of documents of a rerank call: how many, whether all are plain strings, and their texts when they are needed.
// For rerank calls of every form.
import type { BodyLimits } from '../../core/dialect.ts';
import { RouterError } from '../../core/errors.ts';
import { parseSpan } from '../../wire/json-view.ts';
import type { Field } from '../../wire/scan.ts';
import { wrong } from '../fields.ts';
import type { JsonText } from './form.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

export interface Documents {
  readonly count: number;
  /** Every document is a plain string. */
  readonly plain: boolean;
  /** Keys beside `text` in documents that are objects. */
  readonly foreign: readonly string[];
  /** The texts in the caller's order. */
  texts(): readonly string[];
  /** A list of strings: the caller's own bytes where all are plain. */
  json(): JsonText;
}

/** Throws a RouterError blamed on the caller where the list is none of texts. */
export function readDocuments(body: Uint8Array, field: Field, limits: BodyLimits): Documents {
  const { key, start, end } = field;
  if (field.kind !== 'array') throw wrong(key, 'a list of strings');
  const { count, strings, objects } = entries(body, start, end);
  if (count === 0) throw new RouterError('missing_field', `"${key}" is empty: give at least one.`, { param: key });
  if (count > limits.maxInputs) {
    throw new RouterError('too_many', `"${key}" has ${count} entries; the limit is ${limits.maxInputs}.`, {
      param: key,
    });
  }
  if (strings === count) {
    let parsed: readonly string[] | null = null;
    return {
      count,
      plain: true,
      foreign: [],
      texts() {
        parsed ??= parseSpan(body, start, end) as readonly string[];
        return parsed;
      },
      json: () => body.subarray(start, end),
    };
  }
  if (strings + objects < count) throw notTexts(key);
  return ofObjects(parseSpan(body, start, end) as readonly (string | Readonly<Record<string, unknown>>)[], key);
}

function ofObjects(list: readonly (string | Readonly<Record<string, unknown>>)[], key: string): Documents {
  const foreign = new Set<string>();
  const texts = list.map((entry) => {
    if (typeof entry === 'string') return entry;
    const { text } = entry;
    if (typeof text !== 'string') throw notTexts(key);
    for (const other in entry) if (other !== 'text') foreign.add(`${key}[].${other}`);
    return text;
  });
  return {
    count: texts.length,
    plain: false,
    foreign: [...foreign],
    texts: () => texts,
    json: () => JSON.stringify(texts),
  };
}

const notTexts = (key: string) => wrong(key, 'a list of strings, or of objects that have a "text"');

/** Counts the entries of a scanned array by what they begin with, without parsing. */
function entries(bytes: Uint8Array, start: number, end: number): { count: number; strings: number; objects: number } {
  let count = 0;
  let strings = 0;
  let objects = 0;
  let depth = 0;
  let fresh = true;
  for (let at = start + 1; at < end - 1; at++) {
    const byte = bytes[at]!;
    if (byte <= 0x20) continue;
    if (fresh) {
      fresh = false;
      count++;
      if (byte === QUOTE) strings++;
      else if (byte === OPEN_OBJECT) objects++;
    }
    if (byte === QUOTE) {
      for (at++; bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
    } else if (byte === OPEN || byte === OPEN_OBJECT) depth++;
    else if (byte === CLOSE || byte === CLOSE_OBJECT) depth--;
    else if (byte === COMMA && depth === 0) fresh = true;
  }
  return { count, strings, objects };
}
