// What comes and goes: all that is there is found, and what has left keeps nothing alive. For src/structures/bag.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Bag } from '../../src/structures/bag.ts';

const item = (name: number) => ({ place: -1, name });
type Item = ReturnType<typeof item>;

it('holds what a Set would, whatever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(20)), { maxLength: 200 }), (steps) => {
      const bag = new Bag<Item>();
      const set = new Set<Item>();
      const items = Array.from({ length: 21 }, (_, name) => item(name));
      for (const [comes, at] of steps) {
        const one = items[at]!;
        if (!comes) {
          bag.delete(one);
          set.delete(one);
        } else if (!set.has(one)) {
          bag.add(one);
          set.add(one);
        }
        expect(bag.size).toBe(set.size);
      }
      expect(new Set(bag)).toEqual(set);
      for (const one of items) expect(one.place >= 0).toBe(set.has(one));
    }),
  );
});

it('goes on to the end when all leave while it is gone through', () => {
  const bag = new Bag<Item>();
  for (let name = 0; name < 5; name++) bag.add(item(name));
  const seen: number[] = [];
  for (const one of bag) {
    seen.push(one.name);
    bag.clear();
  }
  expect([seen, bag.size]).toEqual([[0, 1, 2, 3, 4], 0]);
});

it('leaves nothing behind in memory that only a full collection would free', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void;
  const bag = new Bag<Item & { readonly load: number[] }>();
  const churn = (times: number) => {
    const open: (Item & { readonly load: number[] })[] = [];
    for (let time = 0; time < times; time++) {
      const one = { place: -1, name: time, load: new Array<number>(64).fill(time) };
      bag.add(one);
      open.push(one);
      if (open.length > 64) bag.delete(open.shift()!);
      if (time % 2_000 === 0) collect({ type: 'minor' });
    }
    for (const one of open) bag.delete(one);
    collect({ type: 'minor' });
    collect({ type: 'minor' });
  };
  churn(20_000);
  collect();
  const before = process.memoryUsage().heapUsed;
  churn(40_000);
  // 23 MB came and went; what is under way is 40 KB of it.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(4e6);
});
