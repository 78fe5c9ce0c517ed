// What can go wrong with a store, in one closed set, whatever it is made of. For stores, ledger, admission and entries.

export type StoreFaultCode =
  /** Another process holds it for too long. */
  | 'busy'
  /** It cannot be opened, read or written now: no disk, no network, no permission. */
  | 'unavailable'
  /** No room left to write. */
  | 'full'
  /** May be read and not written. */
  | 'read_only'
  /** What is there is not ours, or not whole. */
  | 'damaged'
  /** A later version of Spillway made it. */
  | 'too_new'
  /** The SQLite of this Node has a fault that loses data. */
  | 'unsafe_engine'
  /** What was asked is not there, or is there already. */
  | 'unknown'
  | 'conflict';

/** Its text is for operators: it names files and what to do, never content, a key or a secret. */
export class StoreFault extends Error {
  readonly code: StoreFaultCode;

  constructor(code: StoreFaultCode, message: string) {
    super(message);
    this.name = 'StoreFault';
    this.code = code;
  }
}
