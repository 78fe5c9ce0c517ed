// Decides that edits change what they say and nothing else.
// For "bytes in = bytes out" on same-dialect calls.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Edit, jsonString, splice } from '../../src/wire/splice.ts';
import { encode, text } from './json-cases.ts';

const RUNS = { numRuns: 1000 };
const decode = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);

describe('splice', () => {
  test('equals slicing and joining, for any sorted edits', () => {
    const edits = fc.array(fc.tuple(fc.nat(200), fc.nat(5), fc.uint8Array({ maxLength: 9 })), { maxLength: 6 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), edits, (bytes, wanted) => {
        const sorted: Edit[] = [];
        let last = 0;
        for (const [gap, size, put] of wanted) {
          const start = Math.min(last + (gap % 40), bytes.length);
          const end = Math.min(start + size, bytes.length);
          sorted.push({ start, end, bytes: put });
          last = end;
        }
        const expected: number[] = [];
        let read = 0;
        for (const edit of sorted) {
          expected.push(...bytes.slice(read, edit.start), ...edit.bytes);
          read = edit.end;
        }
        expected.push(...bytes.slice(read));
        const before = bytes.slice();
        const out = splice(bytes, sorted);
        expect([...out]).toEqual(expected);
        expect(out.buffer).not.toBe(bytes.buffer);
        expect(bytes).toEqual(before);
      }),
      RUNS,
    );
  });

  test('overlapping, unsorted, reversed and outlying edits are range errors', () => {
    const bytes = encode('0123456789');
    const edit = (start: number, end: number): Edit => ({ start, end, bytes: encode('x') });
    for (const edits of [
      [edit(2, 5), edit(4, 6)],
      [edit(5, 6), edit(1, 2)],
      [edit(5, 4)],
      [edit(9, 11)],
      [edit(-1, 2)],
      [edit(Number.NaN, 2)],
      [edit(2, Number.NaN)],
    ]) {
      expect(() => splice(bytes, edits)).toThrow(RangeError);
    }
    expect(decode(splice(bytes, [edit(0, 0), edit(0, 1), edit(10, 10)]))).toBe('xx123456789x');
  });
});

test('jsonString says what JSON.stringify says, also when asked again', () => {
  fc.assert(
    fc.property(text, (value) => {
      for (let n = 0; n < 2; n++) expect(decode(jsonString(value))).toBe(JSON.stringify(value));
    }),
    RUNS,
  );
});
