// Decides how judges of events and buffered checks look into JSON bytes without parsing all of them.
// For the dialects' judges, usage metering and shape checks.

import type { Field, ScannedObject } from './scan.ts';
import { textOf } from './text.ts';

const BACKSLASH = 0x5c;

export function fieldOf(object: ScannedObject, key: string): Field | undefined {
  const { fields } = object;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as Field;
    if (field.key === key) return field;
  }
  return undefined;
}

/** The value in [start, end). Throws SyntaxError where the span is no JSON value. */
export function parseSpan(bytes: Uint8Array, start: number, end: number): unknown {
  return JSON.parse(textOf(bytes, start, end));
}

/** The text of a scanned string value; undefined where the field is missing or of another kind. */
export function stringOf(bytes: Uint8Array, field: Field | undefined): string | undefined {
  if (field?.kind !== 'string') return undefined;
  for (let i = field.start + 1; i < field.end - 1; i++) {
    if (bytes[i] === BACKSLASH) return JSON.parse(textOf(bytes, field.start, field.end)) as string;
  }
  return textOf(bytes, field.start + 1, field.end - 1);
}

/** Offset of the first `needle` that lies in [start, end), or -1. */
export function indexOfBytes(bytes: Uint8Array, needle: Uint8Array, start: number, end: number): number {
  const size = needle.length;
  if (size === 0) return start <= end ? start : -1;
  const first = needle[0] as number;
  const last = end - size;
  for (let i = start; i <= last; i++) {
    if (bytes[i] !== first) continue;
    let at = 1;
    while (at < size && bytes[i + at] === needle[at]) at++;
    if (at === size) return i;
  }
  return -1;
}
