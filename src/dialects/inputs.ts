// Counts the inputs of a list without parsing it. For embeddings' limits and for the number of choices of a text completion.
import type { Field } from '../wire/scan.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const BACKSLASH = 0x5c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * How many inputs a scanned `input` or `prompt` holds: 1 for a string and for a flat list of token numbers, else the
 * list's length. `bytes` were validated by the scan.
 */
export function countInputs(bytes: Uint8Array, field: Field): number {
  if (field.kind !== 'array') return 1;
  let at = field.start + 1;
  while (bytes[at]! <= 0x20) at++;
  const first = bytes[at]!;
  if (first === CLOSE) return 0;
  if (first === MINUS || (first >= 0x30 && first <= 0x39)) return 1;
  let count = 1;
  let depth = 0;
  for (; at < field.end - 1; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) at = closingQuote(bytes, at);
    else if (byte === OPEN || byte === OPEN_OBJECT) depth++;
    else if (byte === CLOSE || byte === CLOSE_OBJECT) depth--;
    else if (byte === COMMA && depth === 0) count++;
  }
  return count;
}

function closingQuote(bytes: Uint8Array, open: number): number {
  let at = open + 1;
  while (bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}
