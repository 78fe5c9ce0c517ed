// The lowest value since each moment, beside all values looked through. For src/structures/lows.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Lows, type Moment } from '../../src/structures/lows.ts';

it('knows the lowest value since each of its moments: 500 random courses', () => {
  const step = fc.oneof(
    fc.record({ pass: fc.integer({ min: 0, max: 20 }) }),
    fc.record({ end: fc.nat(30) }),
    fc.constant({ begin: true }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const lows = new Lows();
      const open: { moment: Moment; values: number[] }[] = [];
      const end = (at: number) => {
        const [{ moment, values }] = open.splice(at, 1) as [(typeof open)[0]];
        expect(lows.end(moment)).toBe(Math.min(Number.POSITIVE_INFINITY, ...values));
      };
      for (const one of steps) {
        if ('pass' in one) {
          lows.pass(one.pass);
          for (const { values } of open) values.push(one.pass);
        } else if ('begin' in one) {
          const moment = { low: 0, moments: 0, older: null, newer: null, into: null };
          lows.begin(moment);
          open.push({ moment, values: [] });
        } else if (open.length > 0) end(one.end % open.length);
      }
      while (open.length > 0) end(0);
    }),
    { numRuns: 500 },
  );
});
