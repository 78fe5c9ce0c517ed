// Decides whether a body is JSON within bounds, and where its top-level values lie, in one pass over the bytes.
// For the dialects (requests) and buffered checks (replies): nothing is parsed that nobody reads.

import { invalid, ScanFault } from './fault.ts';
import { forbiddenKey, keyText } from './keys.ts';
import { literalEnd, numberEnd, stringEnd } from './lexemes.ts';

export { ScanFault, type ScanFaultCode } from './fault.ts';

export interface ScanLimits {
  /** Nested containers, the top one counting as 1. */
  readonly maxDepth: number;
  /** Values and keys together; a container counts once. */
  readonly maxTokens: number;
  /** Refuse `__proto__`, `constructor` and `prototype` as a key at any depth, escaped spellings too. */
  readonly forbidKeys: boolean;
  /** Top-level key whose array's tokens do not count (the inputs of an embedding call). */
  readonly uncountedKey?: string;
}

export type ValueKind = 'object' | 'array' | 'string' | 'number' | 'true' | 'false' | 'null';

export interface Field {
  /** Escapes decoded. */
  readonly key: string;
  /** Offset of the key's opening quote. */
  readonly keyStart: number;
  /** The value lies in [start, end), without white space around it. */
  readonly start: number;
  readonly end: number;
  readonly kind: ValueKind;
  /** Where the last entry of an array begins; -1 for an empty one and for all else. */
  readonly lastEntry: number;
}

export interface ScannedObject {
  /** What was scanned; all offsets are into it. */
  readonly bytes: Uint8Array;
  readonly fields: readonly Field[];
  /** Offset of the opening brace. */
  readonly open: number;
  /** Offset of the matching closing brace. */
  readonly close: number;
  /** String values of `LONG_STRING_BYTES` and more at any depth, in order: start, end, start, end, quotes included. */
  readonly longStrings: readonly number[];
}

/** A picture or a file inside a body is longer; most of what is longer is text. */
export const LONG_STRING_BYTES = 256;

interface Found {
  readonly fields: Field[];
  longStrings: number[];
}
const NO_STRINGS: number[] = [];

/** More top-level keys than any dialect has by far: beyond it the object is `too_complex`. */
const MAX_FIELDS = 4096;
/** Up to here a duplicate is looked for by comparing; beyond, in a set. */
const FEW_FIELDS = 24;

const TRUE = Uint8Array.of(0x74, 0x72, 0x75, 0x65);
const FALSE = Uint8Array.of(0x66, 0x61, 0x6c, 0x73, 0x65);
const NULL = Uint8Array.of(0x6e, 0x75, 0x6c, 0x6c);

/** 1 at [depth] where the container opened there is an object; [0] stays 0. A scan never yields: one stack serves all. */
let stack = new Uint8Array(128);

/**
 * Accepts what `JSON.parse` accepts of the bytes decoded strictly as UTF-8, when that is an object within `limits` whose
 * top-level keys differ. Throws ScanFault at the first byte that breaks a rule; stops there. Linear in time, and
 * allocates for top-level fields only.
 */
export function scanObject(bytes: Uint8Array, limits: ScanLimits, from = 0, to = bytes.length): ScannedObject {
  const open = afterSpace(bytes, from, to);
  if (open >= to || bytes[open] !== 0x7b) invalid(open);
  const found: Found = { fields: [], longStrings: NO_STRINGS };
  const end = scan(bytes, limits, open, to, found);
  return { bytes, fields: found.fields, open, close: end - 1, longStrings: found.longStrings };
}

/** The same validation for any JSON value at the top. */
export function scanValue(bytes: Uint8Array, limits: ScanLimits, from = 0, to = bytes.length): ValueKind {
  const start = afterSpace(bytes, from, to);
  if (start >= to) invalid(to);
  scan(bytes, limits, start, to, { fields: [], longStrings: NO_STRINGS });
  return kindOf(bytes[start] as number);
}

function scan(bytes: Uint8Array, limits: ScanLimits, i: number, end: number, found: Found): number {
  const { maxDepth, maxTokens, forbidKeys, uncountedKey } = limits;
  const { fields } = found;
  if (stack.length <= maxDepth) stack = new Uint8Array(maxDepth + 1);
  const opened = stack;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const topIsObject = bytes[i] === 0x7b;
  let seen: Set<string> | undefined;
  let depth = 0;
  let inObject = false;
  let tokens = 0;
  let counted = 1;
  let key = '';
  let keyStart = 0;
  let valueStart = 0;
  let lastEntry = -1;

  for (;;) {
    // One value starts at i, which is no white space.
    if (i >= end) invalid(end);
    const byte = bytes[i] as number;
    let expectKey = false;
    tokens += counted;
    if (tokens > maxTokens) throw new ScanFault('too_complex', i);
    if (byte === 0x22) {
      const quote = i;
      i = stringEnd(bytes, view, i + 1, end) + 1;
      if (i - quote >= LONG_STRING_BYTES) {
        if (found.longStrings === NO_STRINGS) found.longStrings = [];
        found.longStrings.push(quote, i);
      }
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > maxDepth) throw new ScanFault('too_deep', i);
      inObject = byte === 0x7b;
      opened[depth] = inObject ? 1 : 0;
      i = afterSpace(bytes, i + 1, end);
      if (i >= end) invalid(end);
      // An empty container falls through to the loop that closes it.
      if (bytes[i] !== byte + 2) {
        if (!inObject) {
          if (depth === 2) lastEntry = i;
          continue;
        }
        expectKey = true;
      }
    } else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      i = numberEnd(bytes, i, end);
    } else if (byte === 0x74) {
      i = literalEnd(bytes, i, end, TRUE);
    } else if (byte === 0x66) {
      i = literalEnd(bytes, i, end, FALSE);
    } else if (byte === 0x6e) {
      i = literalEnd(bytes, i, end, NULL);
    } else invalid(i);

    // A value ended at i, or an empty container waits for its closing byte there, or a key is due.
    let closing = !expectKey && (byte === 0x7b || byte === 0x5b);
    while (!expectKey) {
      if (!closing) {
        if (depth === 1 && topIsObject) {
          const kind = kindOf(bytes[valueStart] as number);
          fields.push({ key, keyStart, start: valueStart, end: i, kind, lastEntry });
          lastEntry = -1;
          counted = 1;
        } else if (depth === 0) {
          const rest = afterSpace(bytes, i, end);
          if (rest < end) invalid(rest);
          return i;
        }
        i = afterSpace(bytes, i, end);
        if (i >= end) invalid(end);
        if (bytes[i] === 0x2c) {
          i = afterSpace(bytes, i + 1, end);
          expectKey = inObject;
          if (depth === 2 && !inObject) lastEntry = i;
          break;
        }
      }
      if (bytes[i] !== (inObject ? 0x7d : 0x5d)) invalid(i);
      i++;
      inObject = opened[--depth] === 1;
      closing = false;
    }
    if (!expectKey) continue;

    // A key starts at i.
    if (i >= end) invalid(end);
    if (bytes[i] !== 0x22) invalid(i);
    tokens += counted;
    if (tokens > maxTokens) throw new ScanFault('too_complex', i);
    const quote = stringEnd(bytes, view, i + 1, end);
    if (forbidKeys) {
      const name = forbiddenKey(bytes, i + 1, quote);
      if (name !== undefined) throw new ScanFault('forbidden_key', i, name);
    }
    const colon = afterSpace(bytes, quote + 1, end);
    if (colon >= end || bytes[colon] !== 0x3a) invalid(colon);
    const value = afterSpace(bytes, colon + 1, end);
    if (depth === 1) {
      key = keyText(bytes, i + 1, quote);
      keyStart = i;
      valueStart = value;
      if (fields.length >= FEW_FIELDS) {
        if (fields.length >= MAX_FIELDS) throw new ScanFault('too_complex', i);
        seen ??= new Set(fields.map((field) => field.key));
        if (seen.has(key)) throw new ScanFault('duplicate_key', i, key);
        seen.add(key);
      } else if (hasKey(fields, key)) throw new ScanFault('duplicate_key', i, key);
      if (key === uncountedKey && bytes[value] === 0x5b) counted = 0;
    }
    i = value;
  }
}

function hasKey(fields: readonly Field[], key: string): boolean {
  for (let i = 0; i < fields.length; i++) if ((fields[i] as Field).key === key) return true;
  return false;
}

function afterSpace(bytes: Uint8Array, i: number, end: number): number {
  while (i < end) {
    const byte = bytes[i] as number;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
    i++;
  }
  return i;
}

function kindOf(first: number): ValueKind {
  switch (first) {
    case 0x7b:
      return 'object';
    case 0x5b:
      return 'array';
    case 0x22:
      return 'string';
    case 0x74:
      return 'true';
    case 0x66:
      return 'false';
    case 0x6e:
      return 'null';
    default:
      return 'number';
  }
}
