// How much of a long text two versions of it share, by few samples. For src/wire/marks.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seeded } from '../../src/simulation/chance.ts';
import { LEAST_BYTES, marksOf, sharedShare } from '../../src/wire/marks.ts';

const textOf = (length: number, seed: number): Uint8Array => {
  const random = seeded(seed);
  return Uint8Array.from({ length }, () => 32 + Math.floor(random() * 90));
};
const marks = (text: Uint8Array) => {
  const made = marksOf(text, 0, text.length);
  if (made === null) throw new Error('no marks');
  return made;
};
const joined = (...parts: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));
/** What changed at an offset: so many bytes out, and others in. */
const edited = (text: Uint8Array, at: number, out: number, put: number) =>
  joined(text.subarray(0, at), textOf(put, 99), text.subarray(at + out));

describe('marks', () => {
  it('are at most 64 of few bytes, and none of a short text', () => {
    expect(marksOf(textOf(LEAST_BYTES - 1, 1), 0, LEAST_BYTES - 1)).toBeNull();
    for (const length of [LEAST_BYTES, 65_536, 65_537, 1_000_000]) {
      const { prints, bytes } = marks(textOf(length, 1));
      expect(bytes).toBe(length);
      expect(prints.length).toBeGreaterThanOrEqual(31);
      expect(prints.length).toBeLessThanOrEqual(64);
    }
  });

  it('are of the span alone, wherever it lies', () => {
    const text = textOf(20_000, 1);
    expect(marksOf(joined(textOf(77, 2), text), 77, 20_077)).toEqual(marks(text));
  });

  it('say that all is still there where something was added, however much', () => {
    const text = textOf(100_000, 1);
    for (const more of [0, 1, 5_000, 100_000, 900_000])
      expect(sharedShare(marks(text), marks(joined(text, textOf(more, 2))))).toBe(1);
  });

  it('say nothing of what clients change at the end of what they sent before', () => {
    const text = textOf(100_000, 1);
    expect(sharedShare(marks(text), marks(edited(text, 98_500, 40, 0)))).toBe(1);
  });

  it('say that what stands behind a change is gone, to within a sample, whatever was added', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 40_000, max: 300_000 }),
        fc.double({ min: 0, max: 0.75, noNaN: true }),
        fc.integer({ min: 1, max: 5_000 }),
        fc.integer({ min: 1, max: 5_000 }),
        fc.nat(200_000),
        (length, place, out, put, more) => {
          // As long as before nothing moves, which samples may miss.
          fc.pre(out !== put);
          const text = textOf(length, 1);
          const at = Math.floor(place * length);
          const share = sharedShare(marks(text), marks(joined(edited(text, at, out, put), textOf(more, 3))));
          expect(share).toBeLessThanOrEqual(at / length + 1e-9);
          // As far apart as samples of the longer one are.
          expect(share).toBeGreaterThanOrEqual(at / length - (length + more + put) / 31 / length);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('of a text that was cut off tell what is left of it', () => {
    const text = textOf(200_000, 1);
    expect(sharedShare(marks(text), marks(text.slice(0, 50_000)))).toBeCloseTo(0.25, 1);
    expect(sharedShare(marks(text), marks(textOf(200_000, 5)))).toBe(0);
  });
});
