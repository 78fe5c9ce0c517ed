// The bounded waiting line in front of a pool, and the right to one slot of one named worker. For flow and router.
import type { CallSignal } from './signal.ts';
import type { SlotWorker } from './worker.ts';

/** How an attempt ended, for limits and health. `ignored`: it says nothing of the worker (the caller left, or erred). */
export type AttemptOutcome = 'won' | 'lost' | 'failed' | 'ignored';

/** The right to one slot of one named worker. Closed exactly once; a second close does nothing. */
export interface Permit {
  readonly worker: SlotWorker;
  /** How long the call stood in line, ms. */
  readonly waitedMs: number;
  close(outcome: AttemptOutcome): void;
}

/**
 * Chooses a worker with room for the call. `full`: the eligible ones have no room, wait. `none`: no worker is eligible,
 * waiting is no use. Synchronous, free of side effects; called again each time a slot comes free.
 */
export type Pick = () => SlotWorker | 'full' | 'none';

export interface GateCall {
  readonly signal: CallSignal;
  /** Longest wait, ms; 0 = take a slot now or not at all. */
  readonly maxWaitMs: number;
}

/** Why the gate let a call go without a permit. */
export type GateRefusal = 'queue_full' | 'waited' | 'none' | 'client_gone' | 'closed';

/**
 * One per pool. Answers at once when there is room. Calls in line are served in order; whoever leaves (deadline, caller
 * gone) is removed at once and never holds a slot. Bounded by count; capacity = sum of worker limits − in flight.
 */
export interface Gate {
  acquire(call: GateCall, pick: Pick): Permit | GateRefusal | Promise<Permit | GateRefusal>;
  /** Something about the workers changed: look at the line again. */
  poke(): void;
  /** Refuses all in line and all to come. */
  close(): void;
  readonly waiting: number;
  readonly inFlight: number;
}
