// Walks the entries of a list without parsing it: how many there are, how long, and in which parts they go. For embeddings
// and rerank, and for the choices of a completion.
import type { Field } from '../wire/scan.ts';
import type { Edit } from '../wire/splice.ts';

type Span = Pick<Field, 'start' | 'end'>;

/** By estimate. */
const BYTES_PER_TOKEN = 4;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const BACKSLASH = 0x5c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Visits the entries of a scanned array in order; each lies in [start, end). `bytes` were validated by the scan. */
function eachEntry(bytes: Uint8Array, { start, end }: Span, visit: (start: number, end: number) => void): void {
  let depth = 0;
  let from = -1;
  let last = 0;
  for (let at = start + 1; at < end - 1; at++) {
    const byte = bytes[at]!;
    if (byte <= 0x20) continue;
    if (byte === COMMA && depth === 0) {
      visit(from, last);
      from = -1;
      continue;
    }
    if (from < 0) from = at;
    if (byte === QUOTE) {
      for (at++; bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
    } else if (byte === OPEN || byte === OPEN_OBJECT) {
      const close = byte === OPEN ? flatEnd(bytes, at) : -1;
      if (close < 0) depth++;
      else at = close;
    } else if (byte === CLOSE || byte === CLOSE_OBJECT) depth--;
    last = at + 1;
  }
  if (from >= 0) visit(from, last);
}

/** Where the array that opens here ends, if it holds numbers and the like only; else -1. Vectors are most of what is walked. */
function flatEnd(bytes: Uint8Array, open: number): number {
  for (let at = open + 1; ; at++) {
    const byte = bytes[at];
    if (byte === CLOSE) return at;
    if (byte === QUOTE || byte === OPEN || byte === OPEN_OBJECT) return -1;
  }
}

/** How many entries a scanned array has, of which kinds, and about how many tokens they are. */
export function countEntries(bytes: Uint8Array, list: Span) {
  const counts = { count: 0, strings: 0, objects: 0, lists: 0, tokens: 0 };
  eachEntry(bytes, list, (start, end) => {
    const byte = bytes[start];
    counts.count++;
    if (byte === QUOTE) counts.strings++;
    else if (byte === OPEN_OBJECT) counts.objects++;
    else if (byte === OPEN) counts.lists++;
    counts.tokens += tokensAt(bytes, start, end);
  });
  return counts;
}

/** What one entry is in tokens, by estimate: a number is one, a list of numbers as many as it has, and all else is text. */
function tokensAt(bytes: Uint8Array, start: number, end: number): number {
  const byte = bytes[start]!;
  if (byte === QUOTE) return textTokens(start, end);
  if (isNumber(byte)) return 1;
  if (byte !== OPEN) return (end - start) / BYTES_PER_TOKEN;
  let tokens = 0;
  eachEntry(bytes, { start, end }, () => tokens++);
  return tokens;
}

/** About how many tokens a string is that lies in [start, end) with its quotes; a fraction, so that sums stay true. */
export const textTokens = (start: number, end: number): number => (end - start - 2) / BYTES_PER_TOKEN;

const isNumber = (byte: number): boolean => byte === MINUS || (byte >= 0x30 && byte <= 0x39);

/** What a scanned `input` holds. */
export interface Inputs {
  /** 1 for a string and for a flat list of token numbers, else the list's length. */
  readonly count: number;
  readonly tokens: number;
  /** All are strings, or all are lists of tokens: what each is does not depend on its neighbours. */
  readonly apart: boolean;
}

export function readInputs(bytes: Uint8Array, field: Field): Inputs {
  const { start, end } = field;
  if (field.kind !== 'array') return { count: 1, tokens: textTokens(start, end), apart: false };
  const { count, strings, lists, tokens } = countEntries(bytes, field);
  if (isNumber(firstOf(bytes, field))) return { count: 1, tokens, apart: false };
  return { count, tokens, apart: strings === count || lists === count };
}

/** Neighbouring entries of a list: they lie in [start, end), with what stands between them. */
export interface ListPart {
  readonly start: number;
  readonly end: number;
  readonly items: number;
  readonly tokens: number;
}

/** A list's entries in order, at most `most` to a part. */
export function partsOf(bytes: Uint8Array, list: Span, most: number): readonly ListPart[] {
  const parts: ListPart[] = [];
  let part = { start: 0, end: 0, items: most, tokens: 0 };
  eachEntry(bytes, list, (start, end) => {
    if (part.items === most) {
      part = { start, end, items: 0, tokens: 0 };
      parts.push(part);
    }
    part.end = end;
    part.items++;
    part.tokens += tokensAt(bytes, start, end);
  });
  return parts;
}

const NOTHING = new Uint8Array(0);

/** The edits that leave nothing of a list but one part. */
export const onlyPart = (list: Span, part: ListPart): readonly Edit[] => [
  { start: list.start + 1, end: part.start, bytes: NOTHING },
  { start: part.end, end: list.end - 1, bytes: NOTHING },
];

/**
 * How many inputs a scanned `input` or `prompt` holds: 1 for a string and for a flat list of token numbers, else the
 * list's length.
 */
export function countInputs(bytes: Uint8Array, field: Field): number {
  if (field.kind !== 'array' || isNumber(firstOf(bytes, field))) return 1;
  let count = 0;
  eachEntry(bytes, field, () => count++);
  return count;
}

function firstOf(bytes: Uint8Array, { start }: Span): number {
  let first = start + 1;
  while (bytes[first]! <= 0x20) first++;
  return bytes[first]!;
}

/** Where a list's entries stand, in order: start, end, start, end. */
export function entrySpans(bytes: Uint8Array, list: Span): readonly number[] {
  const spans: number[] = [];
  eachEntry(bytes, list, (start, end) => spans.push(start, end));
  return spans;
}
