// Decides that a store answers after times of chance, on a clock that the test moves. For tests of what stands on a store.
import type { KeyStore } from '../../src/core/keys.ts';
import type { Random } from '../../src/core/runtime.ts';
import type { VirtualClock } from '../fakes/virtual-clock.ts';
import { lateOn, MOST_MS } from './late.ts';

/** Each call takes effect at a moment of its own between the question and the answer. */
export function delayedKeys(store: KeyStore, clock: VirtualClock, random: Random): KeyStore {
  const late = lateOn(clock, random);
  return {
    all: () => late(() => store.all()),
    version: () => late(() => store.version()),
    add: (record) => late(() => store.add(record)),
    end: (id, change) => late(() => store.end(id, change)),
    close: () => late(() => store.close()),
  };
}

/** Moves the clock until the answer is there. */
export async function settleOn<T>(clock: VirtualClock, answer: T | Promise<T>): Promise<T> {
  let settled = false;
  const settling = Promise.resolve(answer).finally(() => {
    settled = true;
  });
  settling.catch(() => {});
  for (let rounds = 0; !settled && rounds < 100; rounds++) await clock.advanceSettling(MOST_MS);
  if (!settled) throw new Error('no answer came');
  return settling;
}
