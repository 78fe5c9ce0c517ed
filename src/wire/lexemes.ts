// Decides where a JSON string, number or literal ends, and refuses one that RFC 8259 or UTF-8 does not allow.
// For the scan; every function takes the offset of the first byte and answers the offset after the last.

import { invalid } from './fault.ts';
import { checkUtf8 } from './utf8.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const QUOTES = 0x22222222;
const BACKSLASHES = 0x5c5c5c5c;
/** 0x80808080 as a signed word. */
const HIGH_BITS = -0x7f7f7f80;

/** 1: may follow a backslash by itself. */
const ESCAPABLE = new Uint8Array(256);
for (const letter of '"\\/bfnrt') ESCAPABLE[letter.charCodeAt(0)] = 1;

/**
 * `i` is the first byte after the opening quote; answers the offset of the closing quote. `view` shows the same bytes.
 *
 * Reads eight bytes at a time. With b the low seven bits of a byte, these sums set its high bit, without a carry into the
 * next byte: b + 0x60 unless b < 0x20; (b ^ quote) + 0x7f unless b is the quote; likewise for the backslash. A byte beyond
 * ASCII has its high bit set anyway and counts as plain: no quote or backslash hides in a well-formed character, and
 * whether all are well-formed is checked once the end is known. The `| 0` keep the sums in 32 bits, at a third less time.
 */
export function stringEnd(bytes: Uint8Array, view: DataView, i: number, end: number): number {
  const start = i;
  const lastPair = end - 8;
  let seen = 0;
  for (;;) {
    for (;;) {
      if (i > lastPair) {
        while (i < end && isPlain(bytes[i] as number)) seen |= bytes[i++] as number;
        if (i >= end) invalid(end);
        break;
      }
      const a = view.getInt32(i, true);
      const b = view.getInt32(i + 4, true);
      const a7 = a & 0x7f7f7f7f;
      const b7 = b & 0x7f7f7f7f;
      const plainA =
        (((a7 + 0x60606060) | 0) & (((a7 ^ QUOTES) + 0x7f7f7f7f) | 0) & (((a7 ^ BACKSLASHES) + 0x7f7f7f7f) | 0)) | a;
      const plainB =
        (((b7 + 0x60606060) | 0) & (((b7 ^ QUOTES) + 0x7f7f7f7f) | 0) & (((b7 ^ BACKSLASHES) + 0x7f7f7f7f) | 0)) | b;
      seen |= a | b;
      if ((plainA & plainB & HIGH_BITS) === HIGH_BITS) {
        i = (i + 8) | 0;
        continue;
      }
      // The lowest high bit that is missing marks the first byte that is not plain: little-endian words.
      const missingA = ~plainA & HIGH_BITS;
      if (missingA !== 0) i += (31 - Math.clz32(missingA & -missingA)) >> 3;
      else {
        const missingB = ~plainB & HIGH_BITS;
        i += 4 + ((31 - Math.clz32(missingB & -missingB)) >> 3);
      }
      break;
    }
    const special = bytes[i] as number;
    if (special === QUOTE) {
      // `seen` may hold bytes after the quote: then the check finds nothing, which costs time only.
      if ((seen & HIGH_BITS) !== 0) checkUtf8(bytes, view, start, i);
      return i;
    }
    if (special !== BACKSLASH) invalid(i);
    if (i + 1 < end && ESCAPABLE[bytes[i + 1] as number] === 1) i += 2;
    else i = unicodeEscapeEnd(bytes, i, end);
  }
}

function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH;
}

function unicodeEscapeEnd(bytes: Uint8Array, i: number, end: number): number {
  if (i + 1 >= end) invalid(end);
  if (bytes[i + 1] !== 0x75) invalid(i + 1);
  for (let at = i + 2; at < i + 6; at++) {
    if (at >= end) invalid(end);
    if (hexValue(bytes[at] as number) < 0) invalid(at);
  }
  return i + 6;
}

/** -1 where the byte is no hexadecimal digit. */
export function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** `i` is the minus sign or the first digit. */
export function numberEnd(bytes: Uint8Array, i: number, end: number): number {
  if (bytes[i] === 0x2d) i++;
  if (i >= end) invalid(end);
  if (bytes[i] === 0x30) i++;
  else i = digitsEnd(bytes, i, end);
  if (i < end && bytes[i] === 0x2e) i = digitsEnd(bytes, i + 1, end);
  if (i < end && ((bytes[i] as number) | 0x20) === 0x65) {
    i++;
    if (i < end && (bytes[i] === 0x2b || bytes[i] === 0x2d)) i++;
    i = digitsEnd(bytes, i, end);
  }
  return i;
}

function digitsEnd(bytes: Uint8Array, i: number, end: number): number {
  const first = i;
  while (i < end) {
    const byte = bytes[i] as number;
    if (byte < 0x30 || byte > 0x39) break;
    i++;
  }
  return i > first ? i : invalid(i);
}

/** `true`, `false` or `null`, given as bytes; the first byte is known to match. */
export function literalEnd(bytes: Uint8Array, i: number, end: number, word: Uint8Array): number {
  for (let at = 1; at < word.length; at++) {
    if (i + at >= end) invalid(end);
    if (bytes[i + at] !== word[at]) invalid(i + at);
  }
  return i + word.length;
}
