// Walks the entries of a list without parsing it. For the limits of embeddings and rerank, and the choices of a completion.
import type { Field } from '../wire/scan.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const BACKSLASH = 0x5c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** How many entries a scanned array has, and of which kinds. `bytes` were validated by the scan. */
export function countEntries(bytes: Uint8Array, { start, end }: Field) {
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

/**
 * How many inputs a scanned `input` or `prompt` holds: 1 for a string and for a flat list of token numbers, else the
 * list's length.
 */
export function countInputs(bytes: Uint8Array, field: Field): number {
  if (field.kind !== 'array') return 1;
  let first = field.start + 1;
  while (bytes[first]! <= 0x20) first++;
  const byte = bytes[first]!;
  if (byte === MINUS || (byte >= 0x30 && byte <= 0x39)) return 1;
  return countEntries(bytes, field).count;
}
