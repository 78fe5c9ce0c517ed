// Decides where a JSON string, number or literal ends, and refuses one that RFC 8259 or UTF-8 does not allow.
// For the scan; every function takes the offset of the first byte and answers the offset after the last.

import { invalid } from './fault.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** 1: ends a plain run inside a string (quote, backslash, control character, any byte beyond ASCII). */
const SPECIAL = new Uint8Array(256).fill(1, 0, 0x20).fill(1, 0x80);
SPECIAL[QUOTE] = 1;
SPECIAL[BACKSLASH] = 1;

/** 1: may follow a backslash by itself. */
const ESCAPABLE = new Uint8Array(256);
for (const letter of '"\\/bfnrt') ESCAPABLE[letter.charCodeAt(0)] = 1;

/** Strings that have run this far are read a word at a time: below it the view costs more than it saves. */
const LONG_AFTER_BYTES = 64;
const LONG_WORTH_BYTES = 192;

/** `i` is the first byte after the opening quote; answers the offset of the closing quote. */
export function stringEnd(bytes: Uint8Array, i: number, end: number): number {
  const near = end - i > LONG_WORTH_BYTES + LONG_AFTER_BYTES ? i + LONG_AFTER_BYTES : end;
  while (i < near) {
    const byte = bytes[i] as number;
    if (SPECIAL[byte] === 0) i++;
    else if (byte === QUOTE) return i;
    else i = specialEnd(bytes, i, end);
  }
  return i < end ? longStringEnd(bytes, i, end) : invalid(end);
}

/**
 * Four bytes are plain at once when, for each byte b of the word: b < 0x80, b >= 0x20 (b + 0x60 sets the high bit),
 * b != quote and b != backslash ((b ^ c) + 0x7f sets the high bit unless b = c). No sum carries into its neighbour
 * while all b < 0x80, and a b >= 0x80 fails the word whatever the carries say. Byte order plays no part.
 */
function longStringEnd(bytes: Uint8Array, i: number, end: number): number {
  // Word w of the view covers bytes [w * 4 - shift, w * 4 - shift + 4) of `bytes`.
  const shift = bytes.byteOffset & 3;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset - shift, (shift + end) >> 2);
  const lastWord = words.length - 1;
  for (;;) {
    let w = (i + shift + 3) >> 2;
    const aligned = w * 4 - shift;
    const stop = w < lastWord ? aligned : end;
    while (i < stop) {
      const byte = bytes[i] as number;
      if (SPECIAL[byte] === 0) i++;
      else if (byte === QUOTE) return i;
      else {
        i = specialEnd(bytes, i, end);
        // Text beyond ASCII comes in runs: no use in trying a word while the next byte is special too.
        while (i < end && (bytes[i] as number) >= 0x80) i = specialEnd(bytes, i, end);
      }
    }
    if (i === end) invalid(end);
    if (i !== aligned) continue;
    while (w < lastWord) {
      const a = words[w] as number;
      const b = words[w + 1] as number;
      const plain =
        (a + 0x60606060) &
        (b + 0x60606060) &
        ((a ^ 0x22222222) + 0x7f7f7f7f) &
        ((b ^ 0x22222222) + 0x7f7f7f7f) &
        ((a ^ 0x5c5c5c5c) + 0x7f7f7f7f) &
        ((b ^ 0x5c5c5c5c) + 0x7f7f7f7f) &
        ~(a | b) &
        0x80808080;
      if (plain !== -0x7f7f7f80) break;
      w += 2;
    }
    i = w * 4 - shift;
    // The word that stopped the run holds a special byte in its eight: read them one by one, then align again.
    const until = Math.min(i + 8, end);
    while (i < until) {
      const byte = bytes[i] as number;
      if (SPECIAL[byte] === 0) i++;
      else if (byte === QUOTE) return i;
      else {
        i = specialEnd(bytes, i, end);
        while (i < end && (bytes[i] as number) >= 0x80) i = specialEnd(bytes, i, end);
        break;
      }
    }
    if (i === end) invalid(end);
  }
}

/** An escape or a character beyond ASCII; a control character is refused. */
function specialEnd(bytes: Uint8Array, i: number, end: number): number {
  const lead = bytes[i] as number;
  if (lead === BACKSLASH) {
    if (i + 1 >= end) invalid(end);
    const letter = bytes[i + 1] as number;
    if (ESCAPABLE[letter] === 1) return i + 2;
    if (letter !== 0x75) invalid(i + 1);
    for (let at = i + 2; at < i + 6; at++) {
      if (at >= end) invalid(end);
      if (hexValue(bytes[at] as number) < 0) invalid(at);
    }
    return i + 6;
  }
  return lead < 0x80 ? invalid(i) : characterEnd(bytes, i, end, lead);
}

/** Table 3-7 of the Unicode standard: no overlong form, no surrogate, nothing above U+10FFFF. */
function characterEnd(bytes: Uint8Array, i: number, end: number, lead: number): number {
  let low = 0x80;
  let high = 0xbf;
  let size = 2;
  if (lead < 0xc2) invalid(i);
  else if (lead < 0xe0) size = 2;
  else if (lead < 0xf0) {
    size = 3;
    if (lead === 0xe0) low = 0xa0;
    else if (lead === 0xed) high = 0x9f;
  } else if (lead < 0xf5) {
    size = 4;
    if (lead === 0xf0) low = 0x90;
    else if (lead === 0xf4) high = 0x8f;
  } else invalid(i);
  if (i + size > end) invalid(i);
  const second = bytes[i + 1] as number;
  if (second < low || second > high) invalid(i + 1);
  if (size > 2 && ((bytes[i + 2] as number) & 0xc0) !== 0x80) invalid(i + 2);
  if (size > 3 && ((bytes[i + 3] as number) & 0xc0) !== 0x80) invalid(i + 3);
  return i + size;
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
