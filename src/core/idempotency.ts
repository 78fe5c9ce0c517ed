// Replies kept under a caller's Idempotency-Key, so that sending a request again does not run it again. For http and stores.

export interface IdempotencyScope {
  readonly tenant: string;
  readonly route: string;
  /** As the caller sent it, 1 to 255 visible characters. */
  readonly key: string;
}

/** A reply as it went out. */
export interface KeptReply {
  readonly status: number;
  /** Name, value, name, value; without what belongs to one exchange. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

export type IdempotencyAnswer =
  /** Nobody has: run it, then `keep` or `drop`. `fence` tells this try from later ones. */
  | { readonly state: 'new'; readonly fence: number }
  | { readonly state: 'in_flight' }
  /** The same key came with another body. */
  | { readonly state: 'mismatch' }
  | { readonly state: 'kept'; readonly reply: KeptReply };

export interface IdempotencyBounds {
  readonly maxReplies: number;
  readonly maxBytes: number;
  /** A larger reply is not kept. */
  readonly maxReplyBytes: number;
  readonly maxAgeMs: number;
}

export const REPLY_BOUNDS: IdempotencyBounds = {
  maxReplies: 10_000,
  maxBytes: 64 * 1024 * 1024,
  maxReplyBytes: 1024 * 1024,
  maxAgeMs: 24 * 3_600_000,
};

/** Bounded by count, bytes and age. By its own clock. Rejects with a StoreFault. */
export interface IdempotencyStore {
  /** One atomic step. `digest`: SHA-256 of the body, lower-case hex. A try that is not closed after `leaseMs` is over. */
  begin(scope: IdempotencyScope, digest: string, leaseMs: number): IdempotencyAnswer | Promise<IdempotencyAnswer>;
  /** Keeps a whole reply for as long as the store keeps any; too large a one is dropped, and the key is free again. */
  keep(scope: IdempotencyScope, fence: number, reply: KeptReply): void | Promise<void>;
  /** The try did not end well: the key is free again. */
  drop(scope: IdempotencyScope, fence: number): void | Promise<void>;
  /** Takes away all of a tenant. */
  erase(tenant: string): void | Promise<void>;
  close(): void | Promise<void>;
}
