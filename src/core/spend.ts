// Money held for calls in flight, so that a budget is not spent twice. For admission and router.
import type { WindowSpend } from './ledger.ts';
import type { NanoUsd } from './money.ts';
import type { SpendLimits } from './plan.ts';

export interface SpendWish {
  readonly tenant: string;
  readonly limits: SpendLimits;
  /** What the call costs in 99 of 100 cases, and what it can cost at most. */
  readonly likely: NanoUsd;
  readonly most: NanoUsd;
  /** Nobody waits for it now: it stops as soon as the store fails, where others go on for a minute. */
  readonly defers?: boolean;
}

/** Held for one call; closed exactly once, a second time does nothing. */
export interface SpendHold {
  readonly granted: true;
  /** Why it would have been refused, were its limits not in dry run; null as a rule. */
  readonly overrun: SpendRefusal['reason'] | null;
  /**
   * What the call is charged. It is spent from here on, whether or not the ledger has written it yet. Its record is added to
   * the ledger in the same turn.
   */
  close(charge: NanoUsd): void;
}

export interface SpendRefusal {
  readonly granted: false;
  /**
   * `spent`: less is left than the call is likely to cost, and only the window's end helps. `held`: calls in flight may need
   * what is left; some of it comes back when they end. `above`: the call alone costs more than the whole limit. `store`:
   * nobody can tell.
   */
  readonly reason: 'spent' | 'held' | 'above' | 'store';
  /** The tightest; null where the store could not be asked. */
  readonly window: WindowSpend | null;
}

/**
 * Every call in flight is backed by the most it can cost, all but one: the one whose most lies widest above what is likely.
 * So a budget is overshot by one call's error at worst, and one call alone is let in while what it likely costs is left.
 */
export interface SpendBook {
  reserve(wish: SpendWish): SpendHold | SpendRefusal | Promise<SpendHold | SpendRefusal>;
  /** Tells when money of this tenant comes free again; called once, in the order of asking. Answers with how to leave. */
  awaits(tenant: string, freed: () => void): () => void;
  /** Held for calls in flight now. */
  readonly reserved: NanoUsd;
  /** What a tenant has spent and left; null: nothing is known yet. */
  windows(tenant: string): readonly WindowSpend[] | null;
  close(): void | Promise<void>;
}
