// What a tenant may ask in a minute and at once: limits, claims on them, and the store that counts. For admission, stores and router.

/**
 * So many units a period, by GCRA, the generic cell rate algorithm of ITU-T I.371: one time per bucket, that at which it will
 * be full again. Within any span, `burst` + `limit` × span ÷ `periodMs` units are let through at most, and never more.
 */
export interface RateLimit {
  readonly kind: 'rate';
  /** Tenant first: `acme requests`. Equal names are one bucket, whoever asks; limits may change under it. */
  readonly bucket: string;
  readonly limit: number;
  readonly periodMs: number;
  /** Units that may come at once. A claim above it fits never. */
  readonly burst: number;
  /** Counted and told, never refused. */
  readonly dryRun: boolean;
}

/** So many calls in flight, each with a lease that ends by itself should nobody close it. */
export interface SlotLimit {
  readonly kind: 'slots';
  readonly bucket: string;
  readonly limit: number;
  readonly dryRun: boolean;
}

export type QuotaLimit = RateLimit | SlotLimit;

/** A wish to hold some of a limit: units of a rate, or one slot (`amount` 1). */
export interface Claim {
  readonly limit: QuotaLimit;
  readonly amount: number;
}

export interface BucketView {
  /** Units, or slots, that a claim could get now, never below 0. */
  readonly remaining: number;
  /** When a rate's bucket is full again, or 0 for slots, ms from now. */
  readonly resetMs: number;
}

/** What a caller is told of a limit of its tenant. */
export interface LimitView extends BucketView {
  readonly limit: number;
}

/** What a caller is told of its tenant's rates; null = no such limit, or one in dry run. */
export interface QuotaView {
  readonly requests: LimitView | null;
  readonly tokens: LimitView | null;
  /** When this was so, Unix epoch in ms. */
  readonly wallMs: number;
}

/** All of a call's claims, held. Settled exactly once; a second time does nothing. */
export interface QuotaReservation {
  readonly granted: true;
  /** What each bucket has left after this, in the order of the claims. */
  readonly views: readonly BucketView[];
  /** Limits in dry run that would have refused; empty as a rule. */
  readonly overruns: readonly QuotaLimit[];
  /**
   * Corrects each claim, by its place, to what was really used, and gives slots back. A rate gets back no more than time has
   * left of it: the least that was missing from the bucket at any moment since. For whoever holds claims until their bucket is
   * full again has got them back once already, and would get several bursts at once. Using more than was claimed is a debt
   * that later claims wait for. `used` is read before this returns.
   */
  settle(used: readonly number[]): void | Promise<void>;
}

export interface QuotaRefusal {
  readonly granted: false;
  /** Place of the first claim that does not fit. */
  readonly claim: number;
  /** When it would fit if nobody else came, ms from now; null: a slot that comes free when some call ends, or never. */
  readonly waitMs: number | null;
  readonly views: readonly BucketView[];
  readonly overruns: readonly QuotaLimit[];
}

export type QuotaAnswer = QuotaReservation | QuotaRefusal;

/**
 * Counts by its own clock. All claims of a call are held, or none, in one atomic step. Bounded in memory: a bucket that is
 * at rest (full, nothing held) need not be kept, and no bucket has a timer of its own.
 */
export interface QuotaStore {
  /** `leaseMs`: when slots come back by themselves. Claims are read before this returns. Rejects with a StoreFault. */
  reserve(claims: readonly Claim[], leaseMs: number): QuotaAnswer | Promise<QuotaAnswer>;
  /** What stands in a bucket now. */
  read(limit: QuotaLimit): BucketView | Promise<BucketView>;
  /** Forgets all buckets whose name begins with this; for erasing a tenant. */
  forget(prefix: string): void | Promise<void>;
  close(): void | Promise<void>;
}
