// Decides that prints tell bytes apart where they are looked at, and are the same wherever the bytes lie. For placing calls.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finishedPrint, printSpan } from '../../src/wire/print.ts';

const print = (bytes: Uint8Array, start = 0, end = bytes.length) => finishedPrint(printSpan(7, bytes, start, end));
const long = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 7)) & 0xff);

describe('a print', () => {
  it('is the same wherever the bytes lie, a whole number of 32 bits, and never 0', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(9), (bytes, before) => {
        const moved = new Uint8Array(before + bytes.length + 3).fill(0xff);
        moved.set(bytes, before);
        const value = print(bytes);
        expect(print(moved, before, before + bytes.length)).toBe(value);
        expect(print(moved.subarray(before), 0, bytes.length)).toBe(value);
        expect(Number.isInteger(value) && value > 0 && value <= 0xffff_ffff).toBe(true);
      }),
    );
    expect(finishedPrint(0)).toBe(1);
  });

  it('changes with any one byte of a short span, and with its length', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 80 }),
        fc.nat(79),
        fc.integer({ min: 1, max: 255 }),
        (bytes, at, by) => {
          const other = bytes.slice();
          other[at % bytes.length]! ^= by;
          expect(print(other)).not.toBe(print(bytes));
          expect(print(bytes, 0, bytes.length - 1)).not.toBe(print(bytes));
        },
      ),
    );
  });

  it('of a long span sees its edges and its length, and not its middle', () => {
    const bytes = long(100_000);
    const value = print(bytes);
    for (const at of [0, 1, 2_047, 97_952, 99_999]) {
      const other = bytes.slice();
      other[at]! ^= 1;
      expect(print(other), `byte ${at}`).not.toBe(value);
    }
    const middle = bytes.slice().fill(0, 2_048, 97_952);
    expect(print(middle)).toBe(value);
    expect(print(bytes, 0, 99_999)).not.toBe(value);
  });

  it('of a hundred thousand texts that differ little is hardly ever shared', () => {
    const encoder = new TextEncoder();
    const seen = new Set<number>();
    for (let i = 0; i < 100_000; i++) seen.add(print(encoder.encode(`You are agent ${i} of the support team.`)));
    // By chance about one pair in 32 bits.
    expect(seen.size).toBeGreaterThan(99_990);
  });
});
