// A caller's going is told once to whoever still listens. For src/core/signal.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CallSignal } from '../../src/core/signal.ts';

it('runs listeners once, in order, at once; one that comes late runs there and then', () => {
  const signal = new CallSignal();
  const told: number[] = [];
  signal.onAbort(() => told.push(1));
  signal.onAbort(() => told.push(2));
  expect([signal.aborted, told]).toEqual([false, []]);
  signal.abort();
  signal.abort();
  expect([signal.aborted, told]).toEqual([true, [1, 2]]);
  signal.onAbort(() => told.push(3));
  expect(told).toEqual([1, 2, 3]);
});

it('forgets whom it is told to forget, before, during and after', () => {
  const signal = new CallSignal();
  const told: string[] = [];
  const gone = () => told.push('gone');
  signal.offAbort(gone);
  signal.onAbort(gone);
  signal.offAbort(gone);
  signal.onAbort(() => signal.offAbort(gone));
  signal.onAbort(() => told.push('kept'));
  signal.abort();
  signal.offAbort(gone);
  expect(told).toEqual(['kept']);
});

it('tells exactly those who listen, over random histories', () => {
  const step = fc.tuple(fc.constantFrom('on' as const, 'off' as const), fc.nat(4));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const signal = new CallSignal();
      const told: number[] = [];
      const listeners = Array.from({ length: 5 }, (_, at) => () => void told.push(at));
      const expected: number[] = [];
      for (const [what, at] of steps) {
        if (what === 'on') {
          signal.onAbort(listeners[at]!);
          expected.push(at);
        } else {
          signal.offAbort(listeners[at]!);
          const first = expected.indexOf(at);
          if (first >= 0) expected.splice(first, 1);
        }
      }
      signal.abort();
      expect(told).toEqual(expected);
    }),
    { numRuns: 1000 },
  );
});
