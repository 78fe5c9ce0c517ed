// Decides that the scan accepts exactly what the platform's parser accepts, and that its spans are true.
// For everyone who trusts a span instead of parsing the body.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSpan } from '../../src/wire/json-view.ts';
import { ScanFault, scanObject, scanValue } from '../../src/wire/scan.ts';
import { encode, escapedText, isObject, mutate, mutations, objectText, oracle, WIDE } from './json-cases.ts';

const RUNS = { numRuns: 1500 };

type Verdict = ReturnType<typeof scanObject> | ScanFault;

function verdict(bytes: Uint8Array, from?: number, to?: number): Verdict {
  try {
    return scanObject(bytes, WIDE, from, to);
  } catch (fault) {
    if (fault instanceof ScanFault) return fault;
    throw fault;
  }
}

/** The scan and the oracle agree on the bytes, and where both accept, on every top-level key and value. */
function agree(bytes: Uint8Array): void {
  const parsed = oracle(bytes);
  const scanned = verdict(bytes);
  if (scanned instanceof ScanFault) {
    expect(scanned.offset).toBeLessThanOrEqual(bytes.length);
    // Duplicate keys are the one refusal of a text that parses; what follows the second one is not read any more.
    if (scanned.code === 'duplicate_key') return;
    expect(scanned.code).toBe('invalid_json');
    expect(parsed.ok && isObject(parsed.value)).toBe(false);
    return;
  }
  expect(parsed.ok).toBe(true);
  const value = parsed.ok ? parsed.value : undefined;
  if (!isObject(value)) throw new Error('accepted, but no object');
  expect(new Set(scanned.fields.map((field) => field.key))).toEqual(new Set(Object.keys(value)));
  expect(scanned.fields.length).toBe(Object.keys(value).length);
  for (const field of scanned.fields) {
    const own = Object.getOwnPropertyDescriptor(value, field.key)?.value as unknown;
    expect(parseSpan(bytes, field.start, field.end)).toEqual(own);
    expect(bytes[field.keyStart]).toBe(0x22);
    expect([0x20, 0x09, 0x0a, 0x0d]).not.toContain(bytes[field.start]);
    expect([0x20, 0x09, 0x0a, 0x0d]).not.toContain(bytes[field.end - 1]);
    expect(field.kind).toBe(kindOf(own));
  }
  expect([bytes[scanned.open], bytes[scanned.close]]).toEqual([0x7b, 0x7d]);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? String(value) : typeof value;
}

describe('the scan against JSON.parse', () => {
  test('any object is accepted, and every span re-parses to the value of its key', () => {
    fc.assert(
      fc.property(objectText, (json) => {
        const bytes = encode(json);
        expect(verdict(bytes)).not.toBeInstanceOf(ScanFault);
        agree(bytes);
      }),
      RUNS,
    );
  });

  test('escaped spellings of keys and values read the same', () => {
    fc.assert(
      fc.property(escapedText, (json) => agree(encode(json))),
      { numRuns: 1000 },
    );
  });

  test('mutated bytes: acceptance agrees exactly', () => {
    fc.assert(
      fc.property(objectText, mutations, (json, changes) => agree(mutate(encode(json), changes))),
      { numRuns: 4000 },
    );
  });

  test('truncated bytes: acceptance agrees exactly', () => {
    fc.assert(
      fc.property(objectText, fc.nat(), (json, cut) => {
        const bytes = encode(json);
        agree(bytes.slice(0, cut % bytes.length));
      }),
      RUNS,
    );
  });

  test('random bytes, alone and inside a string: acceptance agrees exactly', () => {
    const noise = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(noise, fc.nat(600), (random, pad) => {
        agree(random);
        agree(Uint8Array.of(...encode(`{"k":"${'p'.repeat(pad)}`), ...random, ...encode('"}')));
      }),
      RUNS,
    );
  });

  test('a body inside a larger array, at any alignment, reads as it does alone', () => {
    fc.assert(
      fc.property(objectText, fc.nat(9), fc.nat(9), (json, before, after) => {
        const bytes = encode(json);
        const around = new Uint8Array(before + bytes.length + after).fill(0x22);
        around.set(bytes, before);
        const alone = scanObject(bytes, WIDE);
        const ranged = scanObject(around, WIDE, before, before + bytes.length);
        expect(ranged.fields.map(({ start, end }) => [start - before, end - before])).toEqual(
          alone.fields.map(({ start, end }) => [start, end]),
        );
        expect(scanObject(around.subarray(before, before + bytes.length), WIDE)).toEqual(alone);
      }),
      RUNS,
    );
  });

  test('any JSON value at the top has its kind; trailing data is refused', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = ` ${JSON.stringify(value)}\n`;
        expect(scanValue(encode(json), WIDE)).toBe(kindOf(JSON.parse(json)));
        expect(() => scanValue(encode(`${json}1`), WIDE)).toThrow(ScanFault);
      }),
      RUNS,
    );
  });

  test('scanValue agrees on numbers and literals, whole and mutated', () => {
    const scalar = fc.oneof(
      fc.double().map((n) => JSON.stringify(n)),
      fc.string({ unit: fc.constantFrom(...'0123456789+-.eE'), maxLength: 8 }),
      fc.constantFrom('true', 'false', 'null', 'tru', 'nulll', '-', '01', '1.', '.5', '1e', '-0', '1E+9', '1e400'),
    );
    fc.assert(
      fc.property(scalar, (json) => {
        const bytes = encode(json);
        let accepted = true;
        try {
          scanValue(bytes, WIDE);
        } catch {
          accepted = false;
        }
        expect(accepted).toBe(oracle(bytes).ok);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('what the scan says of top-level keys', () => {
  const keysOf = (json: string) => scanObject(encode(json), WIDE).fields.map((field) => field.key);

  test('an escaped `model` is `model`, a nested one is not', () => {
    expect(keysOf('{"mo\\u0064el":"a","x":{"model":"b"},"y":[{"model":"c"}]}')).toEqual(['model', 'x', 'y']);
  });

  test('a string that looks like a key is a value', () => {
    expect(keysOf('{"a":"\\"model\\":\\"evil\\"","model":"m"}')).toEqual(['a', 'model']);
  });

  test('a duplicate is refused however it is spelt, and named', () => {
    for (const json of ['{"model":1,"model":2}', '{"model":1,"\\u006dodel":2}', '{"\\u006Dodel":1,"a":0,"model":2}']) {
      expect(() => scanObject(encode(json), WIDE)).toThrow(
        expect.objectContaining({ code: 'duplicate_key', key: 'model' }),
      );
    }
    expect(keysOf('{"a":{"b":1,"b":2}}')).toEqual(['a']);
  });

  test('a duplicate is found among many keys too', () => {
    const many = Array.from({ length: 300 }, (_, n) => `"k${n}":${n}`);
    expect(keysOf(`{${many.join(',')}}`)).toHaveLength(300);
    for (const twice of ['"k0":0', '"k23":0', '"k24":0', '"k299":0']) {
      expect(() => scanObject(encode(`{${[...many, twice].join(',')}}`), WIDE)).toThrow(/duplicate_key/);
    }
  });

  test('names that share a slot of the table of known keys stay themselves', () => {
    const names = ['model', 'mxdel', 'modem', 'nodel', 'id', 'ie', 'stop', 'stap', 'role', 'rolf', 'usage', 'usagf'];
    expect(keysOf(`{${names.map((name) => `"${name}":0`).join(',')}}`)).toEqual(names);
  });
});
