// Decides when calls that wait for a turn of the event loop go on. For runtime/node/cohort.
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Cohort } from '../../../src/runtime/node/cohort.ts';

describe('a cohort', () => {
  it('goes on together, in the order in which it came, promise by promise', async () => {
    const cohort = new Cohort();
    const seen: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      cohort.add(() => {
        seen.push(`${name}1`);
        void Promise.resolve()
          .then(() => seen.push(`${name}2`))
          .then(() => seen.push(`${name}3`));
      });
    }
    expect(seen).toEqual([]);
    await setImmediate();
    expect(seen).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c2', 'a3', 'b3', 'c3']);
  });

  it('does not grow while it runs: who comes meanwhile is of the next', async () => {
    const cohort = new Cohort();
    const seen: string[] = [];
    cohort.add(() => {
      seen.push('first');
      cohort.add(() => seen.push('next'));
      seen.push('first over');
    });
    await setImmediate();
    expect(seen).toEqual(['first', 'first over']);
    await setImmediate();
    expect(seen).toEqual(['first', 'first over', 'next']);
  });
});
