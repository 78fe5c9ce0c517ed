// What counts a router's calls and money: admission, spend, prices, workers' time, ledger. For router/create.
import { Admission } from '../admission/admission.ts';
import { SpendRule } from '../admission/spend.ts';
import type { LedgerStore } from '../core/ledger.ts';
import type { Metrics } from '../core/metrics.ts';
import type { PriceBook } from '../core/prices.ts';
import type { QuotaStore } from '../core/quota.ts';
import type { Clock, Runtime } from '../core/runtime.ts';
import type { SpendBook } from '../core/spend.ts';
import { createPriceBook } from '../economics/price-book.ts';
import { WorkerTime } from '../economics/worker-time.ts';
import { OutputQuantiles } from '../ledger/output-quantile.ts';
import { SpendAccounts } from '../ledger/spend-book.ts';
import type { Catalog } from '../policy/compile.ts';

/** Where a router counts; all of it, or nothing is counted and policies may limit nobody. */
export interface RouterStores {
  readonly quota: QuotaStore;
  /** Counts rates while `quota` is lost. */
  readonly local?: QuotaStore;
  readonly ledger: LedgerStore;
}

export interface Accounting {
  readonly clock: Clock;
  readonly admission: Admission;
  readonly spend: SpendRule;
  readonly book: SpendBook;
  /** By the policy in force. */
  prices: PriceBook;
  readonly workers: WorkerTime;
  /** How long replies get, and how much GPU time calls take in ms, in 99 of 100 cases. */
  readonly outputs: OutputQuantiles;
  readonly gpuTimes: OutputQuantiles;
  readonly ledger: LedgerStore;
  /** Tells what has been counted, and gives back what is held. The stores are their owner's to close. */
  close(): Promise<void>;
}

export function createAccounting(
  { quota, local, ledger }: RouterStores,
  { clock, random, log }: Pick<Runtime, 'clock' | 'random' | 'log'>,
  metrics: Metrics,
): Accounting {
  const book = new SpendAccounts({ ledger, clock, log });
  const admission = new Admission({ store: quota, local: local ?? null, clock, random, metrics, log });
  const workers = new WorkerTime({ clock, add: (record) => ledger.addWorkerTime(record) });
  return {
    clock,
    admission,
    spend: new SpendRule({
      book,
      clock,
      random,
      metrics: {
        spendRefused: (_reason, tenant, dryRun) =>
          dryRun ? metrics.overrun('spend', tenant) : metrics.denied('spend', tenant),
      },
    }),
    book,
    prices: createPriceBook(() => null),
    workers,
    outputs: new OutputQuantiles(),
    gpuTimes: new OutputQuantiles(),
    ledger,
    async close() {
      admission.close();
      workers.close();
      await book.close();
    },
  };
}

export function pricesOf(catalog: Catalog): PriceBook {
  return createPriceBook((target, model) => catalog.tokenPrice(target, model));
}
