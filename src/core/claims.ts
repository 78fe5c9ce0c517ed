// What a rule wants held for a call, reserved in one step and settled once. For admission, stores and router.
import type { RouterError } from './errors.ts';

/** A wish to hold `amount` of something bounded. Amounts are in the bucket's own unit (calls, tokens, micro-dollars). */
export interface Claim {
  /** Names what is held, tenant first: `acme:inFlight`. */
  readonly bucket: string;
  readonly amount: number;
  readonly limit: number;
  /** The refusal when it does not fit. */
  refuse(held: number): RouterError;
}

/** All of a call's claims, held. Settled or released exactly once; a second time does nothing. */
export interface Reservation {
  /** Corrects each claim, by bucket, to what was really used; what is not named is given back. */
  settle(used: Readonly<Record<string, number>>): void;
  release(): void;
}

/** Holds all claims or none. Memory answers at once, other stores with a promise. */
export interface ClaimStore {
  reserve(claims: readonly Claim[]): Reservation | RouterError | Promise<Reservation | RouterError>;
  /** What is held of a bucket now. */
  held(bucket: string): number;
}
