// Decides how the few allowed edits enter a body without touching any other byte of it.
// For the upstream side of a same-dialect call; DESIGN "Allowed edits" says which edits there are.

import { bytesOf } from './text.ts';

/** Puts `bytes` in the place of [start, end); start = end inserts. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** `edits` are sorted and apart; RangeError otherwise. The answer is always a new array. */
export function splice(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
  let length = bytes.length;
  let last = 0;
  for (const edit of edits) {
    if (!(edit.start >= last && edit.end >= edit.start && edit.end <= bytes.length)) {
      throw new RangeError(`edit [${edit.start}, ${edit.end}) overlaps or leaves [${last}, ${bytes.length})`);
    }
    last = edit.end;
    length += edit.bytes.length - (edit.end - edit.start);
  }
  const out = new Uint8Array(length);
  let read = 0;
  let write = 0;
  for (const edit of edits) {
    out.set(bytes.subarray(read, edit.start), write);
    write += edit.start - read;
    out.set(edit.bytes, write);
    write += edit.bytes.length;
    read = edit.end;
  }
  out.set(bytes.subarray(read), write);
  return out;
}

const CACHED = 256;
const CACHED_LENGTH = 128;
const encoded = new Map<string, Uint8Array>();

/** The JSON text of a string. Short answers are shared between callers: never write into one. */
export function jsonString(value: string): Uint8Array {
  const found = encoded.get(value);
  if (found !== undefined) return found;
  const bytes = bytesOf(JSON.stringify(value));
  if (value.length <= CACHED_LENGTH) {
    // Served names are few; a flood of distinct ones starts the cache over instead of growing it.
    if (encoded.size >= CACHED) encoded.clear();
    encoded.set(value, bytes);
  }
  return bytes;
}
