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

it.each(Object.entries(kinds))('%s: its first is the least of all, after whatever was added, removed or moved; and every item knows its place', (_, create) => {
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
});
