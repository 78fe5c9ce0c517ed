// Decides that hostile bodies are refused at once, with the right code, before they cost anything.
// For the rows of the fault table that a scan answers.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ScanFault, type ScanFaultCode, type ScanLimits, scanObject, scanValue } from '../../src/wire/scan.ts';
import { encode, STRICT } from './json-cases.ts';

function faultOf(bytes: Uint8Array, limits: ScanLimits = STRICT): ScanFault | undefined {
  try {
    scanObject(bytes, limits);
    return undefined;
  } catch (fault) {
    if (fault instanceof ScanFault) return fault;
    throw fault;
  }
}

function codeOf(bytes: Uint8Array, limits?: ScanLimits): ScanFaultCode | undefined {
  return faultOf(bytes, limits)?.code;
}

/** The fastest of a few tries: what the work takes, whatever else the machine does. */
function fastestMs(run: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let n = 0; n < 5; n++) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

const filled = (size: number, text: string) => {
  const bytes = new Uint8Array(size);
  const unit = encode(text);
  for (let at = 0; at < size; at += unit.length) bytes.set(unit.subarray(0, Math.min(unit.length, size - at)), at);
  return bytes;
};

test.each<[string, string | number[]]>([
  ['an empty body', ''],
  ['white space only', ' \n\t\r '],
  ['a byte order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
  ['a top-level array', '[{}]'],
  ['a top-level string', '"{}"'],
  ['trailing data', '{} {}'],
  ['a trailing comma', '{"a":1,}'],
  ['a comment', '{/* */}'],
  ['single quotes', "{'a':1}"],
  ['a missing colon', '{"a" 1}'],
  ['a missing value', '{"a":}'],
  ['a control character in a string', '{"a":"\u0001"}'],
  ['a control character in a long string', `{"a":"${'x'.repeat(301)}\u001f${'x'.repeat(300)}"}`],
  ['a bad escape', '{"a":"\\x41"}'],
  ['a short unicode escape', '{"a":"\\u12"}'],
  ['mismatched closing', '{"a":[1}'],
  ['a vertical tab as white space', '{\u000b}'],
  ['a no-break space as white space', '{\u00a0}'],
  ['an overlong form', [0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d]],
  ['a surrogate in UTF-8', [0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d]],
  ['beyond U+10FFFF', [0x7b, 0x22, 0xf4, 0x90, 0x80, 0x80, 0x22, 0x3a, 0x31, 0x7d]],
  ['a character cut by the closing quote', [0x7b, 0x22, 0xe4, 0xbb, 0x22, 0x3a, 0x31, 0x7d]],
  ['UTF-16', [0x7b, 0x00, 0x7d, 0x00]],
])('F014 %s is invalid_json', (_, body) => {
  expect(codeOf(typeof body === 'string' ? encode(body) : Uint8Array.from(body))).toBe('invalid_json');
});

test('F014 a malformed character deep inside long text is found, with its offset', () => {
  fc.assert(
    fc.property(fc.nat(2000), fc.nat(2000), fc.constantFrom('x', '代', 'é'), (before, after, unit) => {
      const head = encode(`{"a":"${unit.repeat(before)}`);
      const body = Uint8Array.from([...head, 0xff, ...encode(`${unit.repeat(after)}"}`)]);
      expect(faultOf(body)).toMatchObject({ code: 'invalid_json', offset: head.length });
    }),
    { numRuns: 300 },
  );
});

test('F014 unpaired surrogate escapes pass, as JSON.parse lets them', () => {
  expect(codeOf(encode('{"a":"\\ud800","b":"\\udc00\\ud800"}'))).toBeUndefined();
});

test('F017 nesting is allowed to the limit and refused one beyond it', () => {
  const nested = (depth: number) => encode(`{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`);
  expect(codeOf(nested(64))).toBeUndefined();
  expect(faultOf(nested(65))).toMatchObject({ code: 'too_deep', offset: 5 + 63 });
  expect(codeOf(encode(`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`))).toBe('too_deep');
});

test('F017 ten megabytes of brackets are refused in under a millisecond', () => {
  const body = filled(10_000_000, '[');
  body.set(encode('{"a":'));
  expect(codeOf(body)).toBe('too_deep');
  expect(fastestMs(() => codeOf(body))).toBeLessThan(1);
  expect(() => scanValue(filled(5_000_000, '[{"a":'), STRICT)).toThrow(/too_deep/);
});

test('F017 a limit deeper than the stack kept so far holds as well', () => {
  const depth = 100_000;
  const body = encode(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`);
  expect(codeOf(body, { ...STRICT, maxDepth: depth })).toBe('too_deep');
  expect(codeOf(body, { ...STRICT, maxDepth: depth + 1 })).toBeUndefined();
});

test('F018 thirty-two megabytes of zeros are refused at the token that is one too many', () => {
  const body = filled(32_000_000, '0,');
  body.set(encode('{"a":['));
  expect(codeOf(body)).toBe('too_complex');
  // 200,000 tokens of two bytes: the rest of the body is never read.
  expect(faultOf(body)?.offset).toBeLessThan(500_000);
  expect(fastestMs(() => codeOf(body))).toBeLessThan(50);
});

test('F018 keys and values count one each, containers once', () => {
  const body = encode('{"a":[1,2],"b":{"c":null}}');
  expect(codeOf(body, { ...STRICT, maxTokens: 9 })).toBeUndefined();
  expect(codeOf(body, { ...STRICT, maxTokens: 8 })).toBe('too_complex');
});

test('F018 the array of the uncounted key is free, its like elsewhere and what follows are not', () => {
  const limits = { ...STRICT, maxTokens: 20, uncountedKey: 'input' };
  const zeros = `[${'0,'.repeat(1000)}0]`;
  expect(codeOf(encode(`{"input":${zeros},"model":"m"}`), limits)).toBeUndefined();
  expect(codeOf(encode(`{"input":[${zeros},${zeros}]}`), limits)).toBeUndefined();
  expect(codeOf(encode(`{"input":[],"x":${zeros}}`), limits)).toBe('too_complex');
  expect(codeOf(encode(`{"x":{"input":${zeros}}}`), limits)).toBe('too_complex');
  expect(codeOf(encode(`{"input":{"x":${zeros}}}`), limits)).toBe('too_complex');
});

test('F018 an object with thousands of top-level keys is too complex, quickly', () => {
  const body = encode(`{${Array.from({ length: 90_000 }, (_, n) => `"k${n}":0`).join(',')}}`);
  expect(codeOf(body)).toBe('too_complex');
  expect(fastestMs(() => codeOf(body))).toBeLessThan(50);
});

test('F018 long bodies without tokens scan in linear time', () => {
  for (const unit of ['x', '\\n', '\\u0041', '代', '\\"']) {
    const body = encode(`{"a":"${unit.repeat(Math.floor(4_000_000 / unit.length))}"}`);
    expect(codeOf(body)).toBeUndefined();
    expect(fastestMs(() => codeOf(body))).toBeLessThan(250);
  }
});

test.each(['__proto__', 'constructor', 'prototype'])('F019 %s is no key at any depth, however it is spelt', (name) => {
  const escapes = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: name.length, maxLength: name.length });
  const wrap = fc.constantFrom('{@:1}', '{"a":{@:1}}', '{"a":[[{"b":2,@ :1}]]}', '{"messages":[{"content":{@:{}}}]}');
  fc.assert(
    fc.property(escapes, wrap, (spelling, around) => {
      const key = [...name].map((letter, at) => {
        const hex = letter.charCodeAt(0).toString(16).padStart(4, '0');
        return spelling[at] === 0 ? letter : `\\u${spelling[at] === 1 ? hex : hex.toUpperCase()}`;
      });
      const body = encode(around.replace('@', `"${key.join('')}"`));
      expect(faultOf(body)).toMatchObject({ code: 'forbidden_key', key: name });
      expect(codeOf(body, { ...STRICT, forbidKeys: false })).toBeUndefined();
    }),
    { numRuns: 1000 },
  );
  expect(codeOf(encode(`{"a":"${name}","x${name}":1,"${name}x":2,"\\u005c${name}":3}`))).toBeUndefined();
});

test('F019 "__pro\\u0074o__" is seen through', () => {
  expect(codeOf(encode('{"a":[{"__pro\\u0074o__":{"admin":true}}]}'))).toBe('forbidden_key');
});

test('F019 a flood of escaped keys stays cheap', () => {
  const body = encode(`{"a":{${'"\\u005f_prot\\u006f_x":0,'.repeat(90_000)}"z":0}}`);
  expect(codeOf(body)).toBeUndefined();
  expect(fastestMs(() => codeOf(body))).toBeLessThan(100);
});
