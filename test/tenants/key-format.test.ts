// What is a key and what is none, told from the text alone. For src/tenants/key-format.
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKey, KEY_CHARS, SHOWN_CHARS, wellFormed } from '../../src/tenants/key-format.ts';
import { HOSTILE_TEXTS } from './sample-keys.ts';

const BASE62 = /^[0-9A-Za-z]{6}$/;

describe('a key', () => {
  it('is the prefix, 32 bytes in base64url and their checksum in base62', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const key = createKey(() => bytes);
        const checked = `sk-spw-${Buffer.from(bytes).toString('base64url')}`;
        expect(key.slice(0, 50)).toBe(checked);
        expect(key).toHaveLength(KEY_CHARS);
        const check = key.slice(50);
        expect(check).toMatch(BASE62);
        const value = [...check].reduce((sum, char) => sum * 62 + valueOf62(char), 0);
        expect(value).toBe(crc32(checked));
        expect(wellFormed(key)).toBe(true);
      }),
    );
  });

  it('asks for 32 random bytes at once, and is not made of fewer', () => {
    const asked: number[] = [];
    createKey((length) => {
      asked.push(length);
      return randomBytes(length);
    });
    expect(asked).toEqual([32]);
    expect(() => createKey(() => new Uint8Array(31))).toThrow(/32 random bytes/);
  });

  it('shows too little of itself to be guessed: 24 of 256 bits', () => {
    expect(SHOWN_CHARS).toBe('sk-spw-'.length + 4);
  });
});

describe('F028 a text that is no key', () => {
  it('any one character changed, left out, put in or swapped with its neighbour is noticed', () => {
    const key = createKey(randomBytes);
    for (let at = 0; at < KEY_CHARS; at++) {
      const rest = key.slice(at + 1);
      for (const char of ['A', 'b', '7', '-', '_', '=', ' ', '\0', 'é', '\u{1f511}'])
        if (char !== key[at]) expect(wellFormed(key.slice(0, at) + char + rest), `${at} ${char}`).toBe(false);
      expect(wellFormed(key.slice(0, at) + rest)).toBe(false);
      expect(wellFormed(`${key.slice(0, at)}A${key.slice(at)}`)).toBe(false);
      const swapped = key.slice(0, at) + (rest[0] ?? '') + key[at] + rest.slice(1);
      if (swapped !== key) expect(wellFormed(swapped)).toBe(false);
    }
  });

  it('property: no other text is one', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !wellFormed(text)));
    fc.assert(fc.property(fc.string({ minLength: 49, maxLength: 49 }), (text) => !wellFormed(`sk-spw-${text}`)));
    for (const text of [...HOSTILE_TEXTS, '', 'sk-spw-', 'Bearer', createKey(randomBytes).toUpperCase()])
      expect(wellFormed(text)).toBe(false);
  });

  it('a megabyte is refused by its length alone', () => {
    const key = createKey(randomBytes);
    const long = key + 'A'.repeat(1 << 20);
    let reads = 0;
    const watched = new Proxy(new String(long), {
      get(target, property) {
        if (property !== 'length') reads++;
        return Reflect.get(target, property) as unknown;
      },
    });
    expect(wellFormed(watched as unknown as string)).toBe(false);
    expect(reads).toBe(0);
  });
});

function valueOf62(char: string): number {
  return '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'.indexOf(char);
}
