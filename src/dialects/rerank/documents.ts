// Reads the list of documents of a rerank call: how many, whether all are plain strings, and their texts when they are needed.
// For rerank calls of every form.
import type { BodyLimits } from '../../core/dialect.ts';
import { RouterError } from '../../core/errors.ts';
import { parseSpan } from '../../wire/json-view.ts';
import type { Field } from '../../wire/scan.ts';
import { wrong } from '../fields.ts';
import { countEntries } from '../inputs.ts';
import type { JsonText } from './form.ts';

export interface Documents {
  readonly count: number;
  /** Of all texts, by estimate. */
  readonly tokens: number;
  /** Every document is a plain string. */
  readonly plain: boolean;
  /** Keys beside `text` in documents that are objects. */
  readonly foreign: readonly string[];
  /** The texts in the caller's order. */
  texts(): readonly string[];
  /** A list of strings: the caller's own bytes where all are plain. */
  json(): JsonText;
}

/**
 * Throws a RouterError blamed on the caller where the list is none of texts. `whole`: the list that this one is a part of, whose
 * kind it shares, so that all parts are asked alike.
 */
export function readDocuments(body: Uint8Array, field: Field, limits: BodyLimits, whole: Documents | null): Documents {
  const { key, start, end } = field;
  if (field.kind !== 'array') throw wrong(key, 'a list of strings');
  const { count, strings, objects, tokens } = countEntries(body, field);
  if (count === 0) throw new RouterError('missing_field', `"${key}" is empty: give at least one.`, { param: key });
  if (count > limits.maxInputs) {
    throw new RouterError('too_many', `"${key}" has ${count} entries; the limit is ${limits.maxInputs}.`, {
      param: key,
    });
  }
  if (whole?.plain ?? strings === count) {
    let parsed: readonly string[] | null = null;
    return {
      count,
      tokens,
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
  const list = parseSpan(body, start, end) as readonly (string | Readonly<Record<string, unknown>>)[];
  const read = { ...ofObjects(list, key), tokens };
  return whole === null ? read : { ...read, foreign: whole.foreign };
}

function ofObjects(
  list: readonly (string | Readonly<Record<string, unknown>>)[],
  key: string,
): Omit<Documents, 'tokens'> {
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
