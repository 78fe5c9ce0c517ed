// Decides what an object key says once its escapes are decoded, and whether it is one that poisons prototypes.
// For the scan: every key is checked, so the check neither allocates nor decodes.

import { hexValue } from './lexemes.ts';
import { textOf } from './text.ts';

const FORBIDDEN = ['__proto__', 'constructor', 'prototype'] as const;
const SHORTEST = 9;
/** `constructor` with every letter written as a six-byte escape. */
const LONGEST = 11 * 6;

/** The forbidden name that [start, end) spells between its quotes, if any. */
export function forbiddenKey(bytes: Uint8Array, start: number, end: number): string | undefined {
  const length = end - start;
  if (length < SHORTEST || length > LONGEST) return undefined;
  const first = bytes[start] as number;
  // `_`, `c`, `p` or a backslash: any other first byte clears the key at once.
  if (first !== 0x5f && first !== 0x63 && first !== 0x70 && first !== 0x5c) return undefined;
  for (const name of FORBIDDEN) if (spells(bytes, start, end, name)) return name;
  return undefined;
}

/** Only `\u` escapes can stand for a letter or an underscore. */
function spells(bytes: Uint8Array, i: number, end: number, name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    if (i >= end) return false;
    let code = bytes[i++] as number;
    if (code === 0x5c) {
      if (bytes[i] !== 0x75) return false;
      code = 0;
      for (let digit = 1; digit <= 4; digit++) code = code * 16 + hexValue(bytes[i + digit] as number);
      i += 5;
    }
    if (code !== name.charCodeAt(at)) return false;
  }
  return i === end;
}

/** The decoded key between the quotes at start - 1 and end. */
export function keyText(bytes: Uint8Array, start: number, end: number): string {
  for (let i = start; i < end; i++) {
    if (bytes[i] === 0x5c) return JSON.parse(textOf(bytes, start - 1, end + 1)) as string;
  }
  return textOf(bytes, start, end);
}
