// A ledger that lives as long as the process: the newest records, and sums of money that are exact. For the library and tests.
import type { CallRecord, LedgerStore, WorkerTimeRecord } from '../../core/ledger.ts';
import { SpentBook } from './spent.ts';
import { poolTimeOf, usageOf } from './usage.ts';

const MAX_RECORDS = 10_000;
const MAX_TENANTS = 10_000;

export interface MemoryLedgerOptions {
  /** The store's clock: Unix epoch, ms. */
  readonly wallMs: () => number;
  /** Records of calls kept for usage, and of workers' time: the newest. */
  readonly maxRecords?: number;
  readonly maxTenants?: number;
}

/** Answers at once. Nothing outlives it, so nothing that is held is lost either: there is one holder. */
export function createMemoryLedger(options: MemoryLedgerOptions): LedgerStore {
  const { wallMs, maxRecords = MAX_RECORDS, maxTenants = MAX_TENANTS } = options;
  const spent = new SpentBook(wallMs, maxTenants);
  const calls = new Newest<CallRecord>(maxRecords);
  const times = new Newest<WorkerTimeRecord>(maxRecords);
  return {
    add(record) {
      calls.add(record);
      spent.charge(record.tenant, record.charge);
    },
    addWorkerTime: (record) => times.add(record),
    flush() {},
    hold: (request) => spent.hold(request),
    usage: (query) => usageOf(calls.all(), query),
    poolTime: (fromMs, toMs) => poolTimeOf(times.all(), fromMs, toMs),
    erase: (tenant) => calls.drop((record) => record.tenant === tenant),
    expire(beforeMs) {
      times.drop(({ fromMs }) => fromMs < beforeMs);
      return calls.drop(({ arrivedMs }) => arrivedMs < beforeMs);
    },
    health: { ok: true, failingSinceMs: null, waiting: 0, lost: 0 },
    close() {},
  };
}

/** The newest of what is added, in a ring that grows to its bound. */
class Newest<T> {
  readonly #most: number;
  #kept: T[] = [];
  #next = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(value: T): void {
    if (this.#kept.length < this.#most) this.#kept.push(value);
    else {
      this.#kept[this.#next] = value;
      this.#next = (this.#next + 1) % this.#most;
    }
  }

  all(): readonly T[] {
    return this.#kept;
  }

  drop(which: (value: T) => boolean): number {
    const kept = [...this.#kept.slice(this.#next), ...this.#kept.slice(0, this.#next)];
    this.#kept = kept.filter((value) => !which(value));
    this.#next = 0;
    return kept.length - this.#kept.length;
  }
}
