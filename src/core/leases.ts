// Promises with an expiry that several processes respect: who may do a thing now, and how many may. For stores and ledger.

export interface LeaseRequest {
  /** What is promised: `ledger holder`, `batch b-1 line 7`. */
  readonly name: string;
  /** Who asks, unique among all that ever ask. */
  readonly holder: string;
  /** How many may hold it at once. */
  readonly most: number;
  readonly ttlMs: number;
}

export interface Lease {
  readonly name: string;
  readonly holder: string;
  /** Grows with every lease of this name that is granted: work done under an older one is told from it, and refused. */
  readonly fence: number;
  /** By the store's clock, Unix epoch in ms. */
  readonly expiresMs: number;
}

/** Counts by its own clock, so that a process whose clock is wrong takes nothing from others. Rejects with a StoreFault. */
export interface LeaseStore {
  /** Null: as many as may hold it already. Who holds it already gets it again, with a new end and the fence it had. */
  take(request: LeaseRequest): Lease | null | Promise<Lease | null>;
  /** A new end; null: it has ended, or another has it. */
  renew(lease: Lease, ttlMs: number): Lease | null | Promise<Lease | null>;
  /** A lease that ended already is no error. */
  release(lease: Lease): void | Promise<void>;
  /** Those in force, the oldest first. */
  held(name: string): readonly Lease[] | Promise<readonly Lease[]>;
}
