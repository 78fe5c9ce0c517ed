// Decides that looking into bytes without parsing finds what parsing would.
// For judges of events and buffered checks.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fieldOf, indexOfBytes, parseSpan, stringOf } from '../../src/wire/json-view.ts';
import { scanObject } from '../../src/wire/scan.ts';
import { textOf } from '../../src/wire/text.ts';
import { encode, text, WIDE } from './json-cases.ts';

test('a string field reads as JSON.parse reads it, whatever its key and value', () => {
  fc.assert(
    fc.property(text, text, (key, value) => {
      const bytes = encode(`{"other":1, ${JSON.stringify(`k${key}`)} : ${JSON.stringify(value)} }`);
      const field =
        fieldOf(scanObject(bytes, WIDE), `k${key}`.toWellFormed()) ?? fieldOf(scanObject(bytes, WIDE), `k${key}`);
      expect(stringOf(bytes, field)).toBe(value);
      expect(parseSpan(bytes, field?.start ?? 0, field?.end ?? 0)).toBe(value);
    }),
    { numRuns: 1000 },
  );
});

test('a missing field and a field of another kind are no string', () => {
  const bytes = encode('{"n":1}');
  const scanned = scanObject(bytes, WIDE);
  expect(fieldOf(scanned, 'x')).toBeUndefined();
  expect(stringOf(bytes, undefined)).toBeUndefined();
  expect(stringOf(bytes, fieldOf(scanned, 'n'))).toBeUndefined();
});

test('indexOfBytes finds the first occurrence within its bounds only', () => {
  const alphabet = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 30 });
  const needle = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 4 });
  fc.assert(
    fc.property(alphabet, needle, fc.nat(30), fc.nat(30), (hay, wanted, a, b) => {
      const start = Math.min(a, hay.length);
      const end = Math.max(start, Math.min(b, hay.length));
      const found = hay.slice(start, end).indexOf(wanted);
      expect(indexOfBytes(encode(hay), encode(wanted), start, end)).toBe(found < 0 ? -1 : start + found);
    }),
    { numRuns: 2000 },
  );
});

test('textOf equals the platform decoder on any span', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 50 }), text.map(encode)), fc.nat(9), (bytes, skip) => {
      const start = Math.min(skip, bytes.length);
      const expected = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(start));
      expect(textOf(bytes, start, bytes.length)).toBe(expected);
    }),
    { numRuns: 2000 },
  );
});
