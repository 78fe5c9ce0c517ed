// Decides that a store of quotas answers after times of chance, on a clock that the test moves. For tests of what stands on it.
import type { QuotaStore } from '../../src/core/quota.ts';
import type { Random } from '../../src/core/runtime.ts';
import type { VirtualClock } from '../fakes/virtual-clock.ts';
import { lateOn } from './late.ts';

/** Each call takes effect at a moment of its own between the question and the answer. */
export function delayedQuota(store: QuotaStore, clock: VirtualClock, random: Random): QuotaStore {
  const late = lateOn(clock, random);
  return {
    reserve(asked, leaseMs) {
      const claims = asked.map(({ limit, amount }) => ({ limit, amount }));
      return late(async () => {
        const answer = await store.reserve(claims, leaseMs);
        if (!answer.granted) return answer;
        const { granted, views, overruns } = answer;
        const settle = (used: readonly number[]) => {
          const copy = [...used];
          return late(() => answer.settle(copy));
        };
        return { granted, views, overruns, settle };
      });
    },
    read: (limit) => late(() => store.read(limit)),
    forget: (prefix) => late(() => store.forget(prefix)),
    close: () => late(() => store.close()),
  };
}
