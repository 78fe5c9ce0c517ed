// Finds entries and members of a JSON value that the scan has accepted, without parsing it. For the dialects' look at prompts.
// An offset is where a value begins; -1 says that there is none. What stands behind the first match is not looked at.

import { keyText } from './keys.ts';
import { textOf } from './text.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** The first entry of the array that opens at `open`. */
export function firstEntry(bytes: Uint8Array, open: number): number {
  if (bytes[open] !== OPEN_ARRAY) return -1;
  const at = afterSpace(bytes, open + 1);
  return bytes[at] === CLOSE_ARRAY ? -1 : at;
}

/** The entry after the value that ends at `end`. */
export function nextEntry(bytes: Uint8Array, end: number): number {
  const at = afterSpace(bytes, end);
  return bytes[at] === COMMA ? afterSpace(bytes, at + 1) : -1;
}

/** The entry before the one at `at`, in the array that opens at `open`. Reads backwards, over that entry alone. */
export function entryBefore(bytes: Uint8Array, open: number, at: number): number {
  let i = at - 1;
  while (bytes[i]! <= 0x20) i--;
  if (i <= open) return -1;
  // On the comma. Of what stands before it, only the bytes of one value are walked.
  let depth = 0;
  for (i--; i > open; i--) {
    const byte = bytes[i];
    if (byte === QUOTE) i = openingQuote(bytes, i);
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth++;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth--;
    else if (byte === COMMA && depth === 0) break;
  }
  return afterSpace(bytes, i + 1);
}

/** The key of the first member of the object that opens at `open`; after a member's value, `nextEntry` finds the next key. */
export function firstMember(bytes: Uint8Array, open: number): number {
  if (bytes[open] !== OPEN_OBJECT) return -1;
  const at = afterSpace(bytes, open + 1);
  return bytes[at] === CLOSE_OBJECT ? -1 : at;
}

/** The value of the member whose key ends at `keyEnd`. */
export function memberValue(bytes: Uint8Array, keyEnd: number): number {
  return afterSpace(bytes, afterSpace(bytes, keyEnd) + 1);
}

/** The value of a member of the object that opens at `open`. */
export function memberAt(bytes: Uint8Array, open: number, name: string): number {
  let key = firstMember(bytes, open);
  while (key >= 0) {
    const keyEnd = stringEnd(bytes, key);
    const value = memberValue(bytes, keyEnd);
    if (spells(bytes, key, keyEnd, name)) return value;
    key = nextEntry(bytes, valueEnd(bytes, value));
  }
  return -1;
}

/** The first byte behind the value at `at`. */
export function valueEnd(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first === QUOTE) return stringEnd(bytes, at);
  let i = at;
  if (first !== OPEN_OBJECT && first !== OPEN_ARRAY) {
    while (i < bytes.length && !endsLiteral(bytes[i]!)) i++;
    return i;
  }
  for (let depth = 0; ; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) i = stringEnd(bytes, i) - 1;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
    else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && --depth === 0) return i + 1;
  }
}

export const isString = (bytes: Uint8Array, at: number): boolean => at >= 0 && bytes[at] === QUOTE;

/** The string at `at`, decoded; null where there is none, or one of more than `maxBytes`. */
export function stringAt(bytes: Uint8Array, at: number, maxBytes: number): string | null {
  if (!isString(bytes, at)) return null;
  const end = stringEnd(bytes, at);
  return end - at - 2 > maxBytes ? null : keyText(bytes, at + 1, end - 1);
}

/** Whether the value at `at` is this string, in whatever spelling. */
export function isText(bytes: Uint8Array, at: number, text: string): boolean {
  return isString(bytes, at) && spells(bytes, at, stringEnd(bytes, at), text);
}

/** [start, end) with its quotes. Escapes are decoded only where there are any: names hardly ever have one. */
function spells(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  const length = end - start - 2;
  if (length < text.length) return false;
  for (let i = 0; i < text.length; i++) {
    const byte = bytes[start + 1 + i]!;
    if (byte === BACKSLASH) return JSON.parse(textOf(bytes, start, end)) === text;
    if (byte !== text.charCodeAt(i)) return false;
  }
  return length === text.length;
}

/** Behind the closing quote of the string that opens at `at`. */
function stringEnd(bytes: Uint8Array, at: number): number {
  let i = at + 1;
  for (;;) {
    const byte = bytes[i++];
    if (byte === QUOTE) return i;
    if (byte === BACKSLASH) i++;
  }
}

/** A quote inside a string has an odd number of backslashes before it; an opening one has none. */
function openingQuote(bytes: Uint8Array, closing: number): number {
  let i = closing;
  for (;;) {
    do i--;
    while (bytes[i] !== QUOTE);
    let before = i - 1;
    while (bytes[before] === BACKSLASH) before--;
    if (((i - 1 - before) & 1) === 0) return i;
  }
}

const endsLiteral = (byte: number): boolean =>
  byte <= 0x20 || byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT;

function afterSpace(bytes: Uint8Array, i: number): number {
  while (bytes[i]! <= 0x20) i++;
  return i;
}
