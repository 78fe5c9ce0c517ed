// Decides that edits change what they say and nothing else.
// For "bytes in = bytes out" on same-dialect calls.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scanObject } from '../../src/wire/scan.ts';
import { type Edit, jsonString, setField, splice } from '../../src/wire/splice.ts';
import { encode, objectText, text, WIDE } from './json-cases.ts';

const RUNS = { numRuns: 1000 };
const decode = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
const parse = (bytes: Uint8Array) => JSON.parse(decode(bytes)) as Record<string, unknown>;

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

describe('setField', () => {
  test('replaces one value: the object is as edited, every other byte as it was', () => {
    fc.assert(
      fc.property(objectText, fc.nat(), text, (json, pick, value) => {
        const bytes = encode(json);
        const scanned = scanObject(bytes, WIDE);
        const field = scanned.fields[pick % Math.max(1, scanned.fields.length)];
        if (field === undefined) return;
        const put = jsonString(value);
        const out = splice(bytes, [setField(scanned, field.key, put)]);
        const expected = parse(bytes);
        Object.defineProperty(expected, field.key, { value: JSON.parse(decode(put)) });
        expect(parse(out)).toEqual(expected);
        expect(out.slice(0, field.start)).toEqual(bytes.slice(0, field.start));
        expect(out.slice(field.start + put.length)).toEqual(bytes.slice(field.end));
      }),
      RUNS,
    );
  });

  test('inserts a missing key, in empty objects and with white space around too', () => {
    fc.assert(
      fc.property(objectText, fc.constantFrom('', ' ', '\n\t'), (json, space) => {
        const bytes = encode(`${space}${json}${space}`);
        const scanned = scanObject(bytes, WIDE);
        const value = encode('{"include_usage":true}');
        const out = splice(bytes, [setField(scanned, 'stream_options!', value)]);
        const before = parse(bytes);
        fc.pre(!Object.hasOwn(before, 'stream_options!'));
        const { 'stream_options!': added, ...rest } = parse(out);
        expect(added).toEqual({ include_usage: true });
        expect(rest).toEqual(before);
        expect(scanObject(out, WIDE).fields.length).toBe(scanned.fields.length + 1);
      }),
      RUNS,
    );
    const empty = encode('{ }');
    expect(decode(splice(empty, [setField(scanObject(empty, WIDE), 'a', encode('1'))]))).toBe('{"a":1 }');
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
