// What the serving thread and the thread of the ledger say to each other. For both.
import type { HoldReply, HoldRequest, WorkerTimeRecord } from '../../core/ledger.ts';
import type { LogFields } from '../../core/runtime.ts';
import type { StoreFaultCode } from '../../core/store.ts';
import type { CallBatch } from './ledger-codec.ts';

/** What is answered, in the order in which it was asked. */
export type LedgerQuestion =
  | { readonly what: 'flush' }
  | { readonly what: 'hold'; readonly request: HoldRequest }
  | { readonly what: 'erase'; readonly tenant: string }
  | { readonly what: 'expire'; readonly beforeMs: number }
  | { readonly what: 'close' };

export type ToLedger =
  | { readonly kind: 'calls'; readonly batch: CallBatch }
  | { readonly kind: 'time'; readonly records: readonly WorkerTimeRecord[]; readonly firstSeq: number }
  | { readonly kind: 'ask'; readonly id: number; readonly question: LedgerQuestion };

export type LedgerAnswer = HoldReply | number | null;

export type FromThread<Answer> =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly code: StoreFaultCode; readonly text: string }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer }
  | { readonly kind: 'fault'; readonly id: number; readonly code: StoreFaultCode; readonly text: string }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly event: string;
      readonly fields: LogFields;
    };

/** Places of the memory that both threads see, so that health costs no message. */
export const SHARED = {
  /** Records that are written, or never will be. */
  done: 0,
  /** Of these, those that never will be. */
  lost: 1,
  /** Since when writing fails, microseconds of Unix epoch by a monotonic clock; 0: it does not. */
  failingSinceUs: 2,
  /** Added to the store's clock, ms: tests move it. */
  shiftMs: 3,
} as const;

export type SharedState = BigInt64Array<SharedArrayBuffer>;

export const newSharedState = (): SharedState =>
  new BigInt64Array(new SharedArrayBuffer(Object.keys(SHARED).length * BigInt64Array.BYTES_PER_ELEMENT));
