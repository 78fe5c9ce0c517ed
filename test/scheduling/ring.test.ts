// Where prints lead, and how little that changes. For src/scheduling/ring.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ring } from '../../src/scheduling/ring.ts';

const ids = (count: number) => Array.from({ length: count }, (_, at) => `pool/${at}`);
const PRINTS = Array.from({ length: 8_000 }, (_, at) => 1 + at * 7_919);

function owners(names: readonly string[]): string[] {
  const ring = new Ring(names);
  return PRINTS.map((print) => names[ring.ownerAt(ring.placeOf(print))]!);
}

describe('the ring', () => {
  it('gives each worker about its share of the prints', () => {
    for (const count of [2, 8, 50]) {
      const byOwner = new Map<string, number>();
      for (const owner of owners(ids(count))) byOwner.set(owner, (byOwner.get(owner) ?? 0) + 1);
      expect(byOwner.size).toBe(count);
      for (const share of byOwner.values()) {
        expect(share).toBeGreaterThan((0.4 * PRINTS.length) / count);
        expect(share).toBeLessThan((1.8 * PRINTS.length) / count);
      }
    }
  });

  it('moves at most about 2 of n prints when one of n workers goes, and none but its own', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 40 }), fc.nat(), (count, nth) => {
        const all = ids(count);
        const gone = all[nth % count]!;
        const before = owners(all);
        const after = owners(all.filter((id) => id !== gone));
        const moved = before.filter((owner, at) => owner !== after[at]);
        expect(new Set(moved)).toEqual(new Set([gone]));
        expect(moved.length / PRINTS.length).toBeLessThanOrEqual(2 / count);
      }),
      { numRuns: 60 },
    );
  });

  it('does not depend on the order of the workers', () => {
    const all = ids(12);
    expect(owners([...all].reverse())).toEqual(owners(all));
  });

  it('goes on past its end, over every worker', () => {
    const ring = new Ring(ids(5));
    const seen = new Set<number>();
    const begin = ring.placeOf(0xffff_ffff_ffff);
    for (let place = begin; place < begin + ring.size; place++) seen.add(ring.ownerAt(place));
    expect(seen.size).toBe(5);
  });
});
