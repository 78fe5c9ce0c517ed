// Decides whether a span of bytes is well-formed UTF-8, and where it stops being so.
// For the scan, which asks only about strings that hold bytes beyond ASCII.

import { invalid } from './fault.ts';

/** 0x80808080 as a signed word. */
const HIGH_BITS = -0x7f7f7f80;

/** A host's own check, many times as fast as the walk; it does not say where the fault is. Null: there is none. */
let isUtf8: ((bytes: Uint8Array) => boolean) | null = null;

/** From now on, for the whole process. Both say the same, so that it changes nothing but the time. */
export function checkUtf8By(check: (bytes: Uint8Array) => boolean): void {
  isUtf8 = check;
}

/** Below this the call costs more than it saves. */
const LONG = 128;

/**
 * Throws ScanFault at the first malformed character. `view` shows the same bytes. The platform's strict decoder says the
 * same, but builds a string that nobody reads: on a prompt of 220 KB its garbage cost more than the walk.
 */
export function checkUtf8(bytes: Uint8Array, view: DataView, start: number, end: number): void {
  if (isUtf8 === null || end - start < LONG || !isUtf8(bytes.subarray(start, end))) walk(bytes, view, start, end);
}

function walk(bytes: Uint8Array, view: DataView, start: number, end: number): void {
  const lastPair = end - 8;
  let i = start;
  while (i < end) {
    const lead = bytes[i] as number;
    if (lead < 0x80) {
      const ascii = i <= lastPair && ((view.getInt32(i, true) | view.getInt32(i + 4, true)) & HIGH_BITS) === 0;
      i += ascii ? 8 : 1;
    } else if (
      // Most text beyond Latin: any two continuation bytes follow these leads.
      lead > 0xe0 &&
      lead < 0xed &&
      i + 2 < end &&
      (((bytes[i + 1] as number) ^ 0x80) | ((bytes[i + 2] as number) ^ 0x80)) < 0x40
    ) {
      i += 3;
    } else i = characterEnd(bytes, i, end, lead);
  }
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
