// The heaps against a sorted list, over random histories. For src/structures/heap and keyed-heap.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { IndexedHeap, type Placed } from '../../src/structures/heap.ts';
import { KeyedHeap } from '../../src/structures/keyed-heap.ts';

interface Item extends Placed {
  key: number;
}

const step = fc.tuple(fc.constantFrom('add', 'remove', 'move', 'take'), fc.nat(1000), fc.nat(20));

const kinds = {
  'by any order': () => new IndexedHeap<Item>((a, b) => a.key < b.key),
  'by a number': () => new KeyedHeap<Item>(),
};

it.each(Object.entries(kinds))(
  '%s: its first is the least of all, after whatever was added, removed or moved; and every item knows its place',
  (_, create) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const heap = create();
        let model: Item[] = [];
        for (const [what, at, key] of steps) {
          const item = model[at % Math.max(model.length, 1)];
          if (what === 'add' || item === undefined) {
            const added = { place: -1, key };
            heap.add(added, key);
            model.push(added);
          } else if (what === 'move') {
            item.key = key;
            heap.moved(item, key);
          } else {
            const gone = what === 'take' ? heap.first()! : item;
            heap.remove(gone);
            expect(gone.place).toBe(-1);
            model = model.filter((other) => other !== gone);
          }
          expect(heap.size).toBe(model.length);
          expect(heap.first()?.key).toBe(model.length === 0 ? undefined : Math.min(...model.map((one) => one.key)));
          expect(heap.items.map(({ place }) => place)).toEqual([...heap.items.keys()]);
          expect(new Set(heap.items)).toEqual(new Set(model));
        }
      }),
      { numRuns: 200 },
    );
  },
);

it('by two numbers: of equal keys the one with the least tie comes first, also when the tie alone has moved', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(100), fc.nat(100)), { minLength: 1, maxLength: 100 }), (all) => {
      const heap = new KeyedHeap<Item & { tie: number }>();
      const items = all.map(([key, tie]) => ({ place: -1, key, tie }));
      for (const item of items) heap.add(item, item.key, item.tie);
      items.forEach((item, at) => {
        item.tie = all[at]![2];
        heap.moved(item, item.key, item.tie);
      });
      for (const { key, tie } of items) {
        const before = items.filter((other) => other.key < key || (other.key === key && other.tie < tie)).length;
        expect(heap.countBefore(key, tie, 1_000)).toBe(before);
        expect(heap.countBefore(key, tie, 3)).toBe(Math.min(before, 4));
      }
      const left = items.map(({ key, tie }) => [key, tie]).sort(([a, b], [c, d]) => a! - c! || b! - d!);
      for (const expected of left) {
        const first = heap.first()!;
        expect([first.key, first.tie]).toEqual(expected);
        heap.remove(first);
      }
      expect(heap.size).toBe(0);
    }),
    { numRuns: 200 },
  );
});
