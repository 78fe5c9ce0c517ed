// The tokenizer loses nothing, needs no table and keeps prefixes. For src/demo/tokenizer.ts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode, pieces } from '../../src/demo/tokenizer.ts';

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.lorem({ maxCount: 30 }));
/** Lone surrogates have no UTF-8 form; JSON text on a wire cannot carry them either. */
const wellFormed = text.map((value) => value.toWellFormed());

describe('tokenizer', () => {
  it('gives every text back exactly', () => {
    fc.assert(fc.property(wellFormed, (value) => decode(encode(value)) === value));
  });

  it('never cuts a character in two, so that each token can be sent by itself', () => {
    fc.assert(fc.property(wellFormed, (value) => pieces(value).join('') === value));
  });

  it('makes safe whole numbers only', () => {
    fc.assert(fc.property(wellFormed, (value) => encode(value).every((id) => Number.isSafeInteger(id) && id >= 256)));
  });

  it('cuts English into about four characters a token', () => {
    const english =
      'The router sends specialist calls to workers and keeps every promise when capacity runs out. '.repeat(20);
    const perToken = english.length / encode(english).length;
    expect(perToken).toBeGreaterThan(3);
    expect(perToken).toBeLessThan(6);
  });

  it('keeps words with the space before them', () => {
    expect(pieces('call me  now, 12345')).toEqual(['call', ' me', ' ', ' now', ',', ' ', '123', '45']);
  });

  it('shows numbers of a foreign tokenizer instead of failing', () => {
    expect(decode([15339, 1917])).toBe('<|15339|><|1917|>');
  });
});
