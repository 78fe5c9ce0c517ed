// Decides that each call takes effect at a moment of its own between question and answer. For stores that answer late, in tests.
import type { Clock, Random } from '../../src/core/runtime.ts';

export const MOST_MS = 50;

/** On a clock that the test moves. */
export function lateOn(clock: Clock, random: Random) {
  const wait = () => new Promise<void>((resolve) => clock.after(random() * MOST_MS, resolve));
  return async function late<T>(work: () => T | Promise<T>): Promise<T> {
    await wait();
    try {
      return await work();
    } finally {
      await wait();
    }
  };
}
