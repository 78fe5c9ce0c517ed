// Decides that walking a scanned value finds what parsing it finds. For the dialects' look at prompts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  entryBefore,
  firstEntry,
  firstMember,
  isString,
  isText,
  memberAt,
  memberValue,
  nextEntry,
  stringAt,
  valueEnd,
} from '../../src/wire/entries.ts';
import { fieldOf, parseSpan } from '../../src/wire/json-view.ts';
import { LONG_STRING_BYTES, type ScannedObject, scanObject } from '../../src/wire/scan.ts';
import { encode, escapedText, isObject, objectText, WIDE } from './json-cases.ts';

const any = fc.oneof(objectText, escapedText);
const ASCII = /^[\0-\x7f]*$/;
const RUNS = { numRuns: 1_000 };
const scanOf = (text: string) => scanObject(encode(text), WIDE);
const valueAt = (scan: ScannedObject, at: number): unknown => parseSpan(scan.bytes, at, valueEnd(scan, at));

/** All there is to find below the value at `at`, found by walking. */
function walked(scan: ScannedObject, at: number): unknown {
  const byte = String.fromCharCode(scan.bytes[at]!);
  if (byte === '[') {
    const found: unknown[] = [];
    for (let entry = firstEntry(scan, at); entry >= 0; entry = nextEntry(scan, valueEnd(scan, entry)))
      found.push(walked(scan, entry));
    return found;
  }
  if (byte !== '{') return valueAt(scan, at);
  const found = new Map<string, unknown>();
  for (let key = firstMember(scan, at); key >= 0; ) {
    const value = memberValue(scan, valueEnd(scan, key));
    found.set(valueAt(scan, key) as string, walked(scan, value));
    key = nextEntry(scan, valueEnd(scan, value));
  }
  return Object.fromEntries(found);
}

describe('walking a scanned value', () => {
  it('finds every entry and member, at any depth, whatever the spelling', () => {
    fc.assert(
      fc.property(any, (text) => {
        const scan = scanOf(text);
        expect(walked(scan, scan.open)).toEqual(JSON.parse(text));
      }),
      RUNS,
    );
  });

  it('finds a member by its name, and none that is not there', () => {
    fc.assert(
      fc.property(any, fc.string(), (text, other) => {
        const scan = scanOf(text);
        const value = JSON.parse(text) as Record<string, unknown>;
        for (const [key, member] of Object.entries(value))
          if (ASCII.test(key)) expect(valueAt(scan, memberAt(scan, scan.open, key))).toEqual(member);
        if (!Object.hasOwn(value, other)) expect(memberAt(scan, scan.open, other)).toBe(-1);
      }),
      RUNS,
    );
  });

  it('finds the last entry of each list and, from there, all before it', () => {
    fc.assert(
      fc.property(any, (text) => {
        const scan = scanOf(text);
        for (const [key, list] of Object.entries(JSON.parse(text) as object)) {
          const field = fieldOf(scan, key)!;
          if (!Array.isArray(list) || list.length === 0) {
            expect(field.lastEntry).toBe(-1);
            continue;
          }
          const found: unknown[] = [];
          for (let at = field.lastEntry; at >= 0; at = entryBefore(scan, field.start, at))
            found.unshift(valueAt(scan, at));
          expect(found).toEqual(list);
        }
      }),
      RUNS,
    );
  });

  it('reads strings up to a bound, and compares them decoded', () => {
    fc.assert(
      fc.property(any, fc.nat(400), (text, bound) => {
        const scan = scanOf(text);
        for (const [key, value] of Object.entries(JSON.parse(text) as object)) {
          const { start, end } = fieldOf(scan, key)!;
          expect(isString(scan, start)).toBe(typeof value === 'string');
          const read = typeof value === 'string' && end - start - 2 <= bound ? value : null;
          expect(stringAt(scan, start, bound)).toBe(read);
          expect(isText(scan, start, 'model')).toBe(value === 'model');
          if (typeof value === 'string') expect(isText(scan, start, value)).toBe(isAsciiOrEscaped(scan, start, value));
        }
      }),
      RUNS,
    );
  });

  it('looks into nothing that is no list or object, and finds nothing where there is nothing', () => {
    const scan = scanOf('{"a":"[1]","b":7,"c":[],"d":{}}');
    for (const { start } of scan.fields) {
      expect([firstEntry(scan, start), firstMember(scan, start), memberAt(scan, start, 'a')]).toEqual([-1, -1, -1]);
    }
    expect([memberAt(scan, -1, 'a'), firstEntry(scan, -1), stringAt(scan, -1, 9)]).toEqual([-1, -1, null]);
    expect([isString(scan, -1), isText(scan, -1, 'a')]).toEqual([false, false]);
  });
});

/** Names that are looked for are ASCII; others match only where they are spelt with escapes from the start. */
function isAsciiOrEscaped(scan: ScannedObject, at: number, value: string): boolean {
  const raw = new TextDecoder().decode(scan.bytes.subarray(at + 1, valueEnd(scan, at) - 1));
  const plain = /^[^\\\u0080-\uffff]*/.exec(raw)![0];
  return plain.length === raw.length || raw[plain.length] === '\\' || plain === value;
}

describe('long strings', () => {
  it('are all noted with their ends, keys never', () => {
    fc.assert(
      fc.property(any, (text) => {
        const { bytes, longStrings } = scanOf(text);
        const wanted: string[] = [];
        for (const [token, after] of text.matchAll(/"(?:\\.|[^"\\])*"(?=(\s*:)?)/gs))
          if (after === undefined && encode(token).length >= LONG_STRING_BYTES) wanted.push(token);
        const found: string[] = [];
        for (let i = 0; i < longStrings.length; i += 2)
          found.push(
            new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(longStrings[i], longStrings[i + 1])),
          );
        expect(found).toEqual(wanted.map((token) => token.toWellFormed()));
        expect(isObject(JSON.parse(text))).toBe(true);
      }),
      RUNS,
    );
  });
});
