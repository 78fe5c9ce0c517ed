// Decides what JSON texts the wire tests are fed, and what the platform's own parser says of them.
// For the properties of the scan: strict UTF-8 decoding and JSON.parse are the oracle.

import fc from 'fast-check';
import type { ScanLimits } from '../../src/wire/scan.ts';

export const WIDE: ScanLimits = { maxDepth: 2000, maxTokens: 1_000_000, forbidKeys: false };
export const STRICT: ScanLimits = { maxDepth: 64, maxTokens: 200_000, forbidKeys: true };

const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function encode(text: string): Uint8Array {
  return encoder.encode(text);
}

export type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

export function oracle(bytes: Uint8Array): Parsed {
  try {
    return { ok: true, value: JSON.parse(strict.decode(bytes)) };
  } catch {
    return { ok: false };
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Strings of every kind that a scan meets: plain, long, escaped, beyond ASCII, keys of interest. */
export const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ maxLength: 300 }),
  fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', 'ü', '代', '😀', '\ud800', '\u007f', '/') }),
  fc.constantFrom('model', 'messages', 'a'.repeat(700), '代'.repeat(120), `${'x'.repeat(63)}"`, '\u2028'),
);

/**
 * In a process that has seen many shapes of object, V8's JSON.parse (Node 24.21) now and then reads a key that is spelt as one
 * escape, `"\\""`, as a backslash, though the same text alone parses right; the oracle must not be asked what it does not know.
 */
const ESCAPED_KEY = /^"\\(?:u....|.)"$/s;
const key = text.filter((name) => !ESCAPED_KEY.test(JSON.stringify(name)));

const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(text, fc.double(), fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie('json'), { maxLength: 6 }),
    fc.dictionary(key, tie('json'), { maxKeys: 6 }),
  ),
}));

/** Text of an object, with white space of every kind between its tokens where `indent` says so. */
export const objectText: fc.Arbitrary<string> = fc
  .tuple(fc.dictionary(key, json, { maxKeys: 8 }), fc.constantFrom('', ' ', '\t', '\n', ' \t'))
  .map(([value, indent]) => JSON.stringify(value, null, indent));

/** The same, with every `step`th letter of its strings spelt as an escape. */
export const escapedText: fc.Arbitrary<string> = fc
  .tuple(objectText, fc.integer({ min: 1, max: 7 }))
  .map(([json, step]) => {
    // An escape, a quote, or any other character: the letters of escapes and literals stay as they are.
    let inString = false;
    let letters = 0;
    return json.replace(/\\u....|\\.|./gs, (unit, at: number) => {
      if (unit === '"') inString = !inString;
      if (!inString || !/^[a-z]$/.test(unit) || letters++ % step > 0) return unit;
      // A string of one letter stays as it is: see `ESCAPED_KEY`.
      if (json[at - 1] === '"' && json[at + 1] === '"') return unit;
      return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    });
  });

export interface Mutation {
  readonly at: number;
  readonly byte: number;
  readonly kind: 'replace' | 'insert' | 'delete';
}

/** Bytes that change meaning rather than noise, mixed with any byte. */
const telling = fc.constantFrom(
  ...encode('{}[]",:\\/u0123eE+-.tfn \n\t\r'),
  0,
  0x1f,
  0x7f,
  0x80,
  0xbf,
  0xc0,
  0xc3,
  0xe2,
  0xed,
  0xf0,
  0xf4,
  0xff,
);

export const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.record({
    at: fc.nat(2000),
    byte: fc.oneof(telling, fc.integer({ min: 0, max: 255 })),
    kind: fc.constantFrom('replace' as const, 'insert' as const, 'delete' as const),
  }),
  { minLength: 1, maxLength: 3 },
);

export function mutate(bytes: Uint8Array, changes: readonly Mutation[]): Uint8Array {
  const out = [...bytes];
  for (const { at, byte, kind } of changes) {
    const index = out.length === 0 ? 0 : at % out.length;
    if (kind === 'insert') out.splice(index, 0, byte);
    else if (kind === 'delete') out.splice(index, 1);
    else out[index] = byte;
  }
  return Uint8Array.from(out);
}
