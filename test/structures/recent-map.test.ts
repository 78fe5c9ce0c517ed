// What is kept and what goes, against a plain list, over random histories. For src/structures/recent-map.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RecentMap } from '../../src/structures/recent-map.ts';

const step = fc.tuple(fc.constantFrom('set', 'set', 'delete', 'get'), fc.nat(12));

it('keeps the last used, as many as it may', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 300 }), (most, steps) => {
      const map = new RecentMap<number>(most);
      let model: [string, number][] = [];
      for (const [at, [what, name]] of steps.entries()) {
        const key = String(name);
        if (what === 'get') {
          expect(map.get(key)).toBe(model.find(([one]) => one === key)?.[1]);
          continue;
        }
        const there = model.some(([one]) => one === key);
        model = model.filter(([one]) => one !== key);
        if (what === 'delete') expect(map.delete(key)).toBe(there);
        else {
          map.set(key, at);
          model = [...model, [key, at] as [string, number]].slice(-most);
        }
        expect(map.size).toBe(model.length);
        for (const [one, value] of model) expect(map.get(one)).toBe(value);
      }
    }),
    { numRuns: 500 },
  );
});
