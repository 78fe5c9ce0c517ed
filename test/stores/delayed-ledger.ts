// Decides that a ledger answers after times of chance, on a clock that the test moves. For tests of what stands on a ledger.
import type { LedgerStore } from '../../src/core/ledger.ts';
import type { Clock, Random } from '../../src/core/runtime.ts';
import { lateOn } from './late.ts';

/** Records are taken at once; each question takes effect at a moment of its own before the answer. */
export function delayedLedger(store: LedgerStore, clock: Clock, random: Random): LedgerStore {
  const late = lateOn(clock, random);
  return {
    add: (record) => store.add(record),
    addWorkerTime: (record) => store.addWorkerTime(record),
    flush: () => late(() => store.flush()),
    hold: (request) => late(() => store.hold(request)),
    usage: (query) => late(() => store.usage(query)),
    poolTime: (fromMs, toMs) => late(() => store.poolTime(fromMs, toMs)),
    erase: (tenant) => late(() => store.erase(tenant)),
    expire: (beforeMs) => late(() => store.expire(beforeMs)),
    get health() {
      return store.health;
    },
    close: () => late(() => store.close()),
  };
}
