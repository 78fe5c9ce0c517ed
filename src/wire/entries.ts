// Finds entries and members of a JSON value that the scan has accepted, without parsing it. For the dialects' look at prompts.
// An offset is where a value begins; -1 says that there is none. What stands behind the first match is not looked at.

import { keyText } from './keys.ts';
import type { ScannedObject } from './scan.ts';
import { textOf } from './text.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** As many digits of a number are exact. */
const MOST_DIGITS = 15;
/** Most strings are shorter. */
const NEAR_BYTES = 64;

/** The first entry of the array that opens at `open`. */
export function firstEntry({ bytes }: ScannedObject, open: number): number {
  if (bytes[open] !== OPEN_ARRAY) return -1;
  const at = afterSpace(bytes, open + 1);
  return bytes[at] === CLOSE_ARRAY ? -1 : at;
}

/** The entry after the value that ends at `end`. */
export function nextEntry({ bytes }: ScannedObject, end: number): number {
  const at = afterSpace(bytes, end);
  return bytes[at] === COMMA ? afterSpace(bytes, at + 1) : -1;
}

/** The entry before the one at `at`, in the array that opens at `open`. Reads backwards, over that entry alone. */
export function entryBefore({ bytes }: ScannedObject, open: number, at: number): number {
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
export function firstMember({ bytes }: ScannedObject, open: number): number {
  if (bytes[open] !== OPEN_OBJECT) return -1;
  const at = afterSpace(bytes, open + 1);
  return bytes[at] === CLOSE_OBJECT ? -1 : at;
}

/** The value of the member whose key ends at `keyEnd`. */
export function memberValue({ bytes }: ScannedObject, keyEnd: number): number {
  return afterSpace(bytes, afterSpace(bytes, keyEnd) + 1);
}

/** The value of a member of the object that opens at `open`; `name` is ASCII. */
export function memberAt(json: ScannedObject, open: number, name: string): number {
  let key = firstMember(json, open);
  while (key >= 0) {
    const keyEnd = stringEnd(json, key);
    const value = memberValue(json, keyEnd);
    if (spells(json.bytes, key, keyEnd, name)) return value;
    key = nextEntry(json, valueEnd(json, value));
  }
  return -1;
}

/** The same of several members in one pass: where each of `names` is, in their order. */
export function membersAt(json: ScannedObject, open: number, names: readonly string[]): number[] {
  const found = names.map(() => -1);
  let key = firstMember(json, open);
  while (key >= 0) {
    const keyEnd = stringEnd(json, key);
    const value = memberValue(json, keyEnd);
    for (let at = 0; at < names.length; at++)
      if (found[at] === -1 && spells(json.bytes, key, keyEnd, names[at]!)) {
        found[at] = value;
        break;
      }
    key = nextEntry(json, valueEnd(json, value));
  }
  return found;
}

/** The first byte behind the value at `at`. */
export function valueEnd(json: ScannedObject, at: number): number {
  const { bytes } = json;
  const first = bytes[at];
  if (first === QUOTE) return stringEnd(json, at);
  let i = at;
  if (first !== OPEN_OBJECT && first !== OPEN_ARRAY) {
    while (i < bytes.length && !endsLiteral(bytes[i]!)) i++;
    return i;
  }
  for (let depth = 0; ; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) i = stringEnd(json, i) - 1;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
    else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && --depth === 0) return i + 1;
  }
}

export const isString = ({ bytes }: ScannedObject, at: number): boolean => at >= 0 && bytes[at] === QUOTE;

/** The string at `at`, decoded; null where there is none, or one of more than `maxBytes`. */
export function stringAt(json: ScannedObject, at: number, maxBytes: number): string | null {
  if (!isString(json, at)) return null;
  const end = stringEnd(json, at);
  return end - at - 2 > maxBytes ? null : keyText(json.bytes, at + 1, end - 1);
}

/** The number at `at`; not a number where there is none. */
export function numberAt(json: ScannedObject, at: number): number {
  if (at < 0) return Number.NaN;
  const { bytes } = json;
  let value = 0;
  let i = at;
  for (; i < at + MOST_DIGITS; i++) {
    const digit = bytes[i]! - 0x30;
    if (!(digit >= 0 && digit <= 9)) break;
    value = value * 10 + digit;
  }
  if (i > at && endsLiteral(bytes[i]!)) return value;
  return isString(json, at) ? Number.NaN : Number(textOf(bytes, at, valueEnd(json, at)));
}

/** Whether the value at `at` is this string, which is ASCII, in whatever spelling. */
export function isText(json: ScannedObject, at: number, text: string): boolean {
  return isString(json, at) && spells(json.bytes, at, stringEnd(json, at), text);
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

/** Behind the closing quote of the string that opens at `at`. Nothing long is walked: the scan has noted where it ends. */
function stringEnd({ bytes, longStrings }: ScannedObject, at: number): number {
  let i = at + 1;
  const near = i + NEAR_BYTES;
  while (i < near) {
    const byte = bytes[i++];
    if (byte === QUOTE) return i;
    if (byte === BACKSLASH) i++;
  }
  let low = 0;
  let high = longStrings.length >> 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (longStrings[2 * middle]! < at) low = middle + 1;
    else high = middle;
  }
  if (longStrings[2 * low] === at) return longStrings[2 * low + 1]!;
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
