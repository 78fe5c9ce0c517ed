// The fair, bounded waiting line in front of a pool, and the right to one slot of one named worker. For flow and router.
import type { Priority, RouteClass } from './names.ts';
import type { CallSignal } from './signal.ts';
import type { SlotWorker } from './worker.ts';

/** How an attempt ended, for limits and health. `ignored`: it says nothing of the worker (the caller left, or erred). */
export type AttemptOutcome = 'won' | 'lost' | 'failed' | 'ignored';

/** The right to one slot of one named worker. Closed exactly once; a second close does nothing. */
export interface Permit {
  readonly worker: SlotWorker;
  /** How long the call stood in line, ms. */
  readonly waitedMs: number;
  /** First content has come: the prompt is read, and no longer ahead of anybody. A second time does nothing. */
  began(): void;
  /**
   * Gives the slot back and corrects the tenant's counter to what the attempt really used, in virtual tokens. Null: nobody
   * knows. Then the estimate stands for an attempt that won or lost, and is given back for one that failed or is ignored.
   */
  close(outcome: AttemptOutcome, usedTokens?: number | null): void;
}

/** Why a call that others have room for, or may soon have, should wait: its own worker is worth it. */
export interface Hold {
  /** Its own worker, which has no room now. */
  readonly worker: SlotWorker;
  /** Where it goes if it does not wait; null: nobody has room now, and it would rather wait for its own when others have. */
  readonly other: SlotWorker | null;
  /** When waiting is no longer worth it, monotonic ms. */
  readonly untilMs: number;
}

/**
 * Chooses a worker with room for the call. `full`: the eligible ones have no room, or the call's own worker is worth the
 * wait: then its `hold` says so. `none`: no worker is eligible, waiting is no use. Synchronous, free of side effects but
 * for `hold`; called again each time a slot comes free that may be the call's. `nowMs`: of the gate's decision, monotonic ms.
 */
export type Pick = (nowMs: number) => SlotWorker | 'full' | 'none';

/** A call as its gate sees it. Virtual tokens: uncached input + 2 × output. */
export interface GateCall {
  readonly signal: CallSignal;
  /** Longest wait, ms; 0 = take a slot now or not at all. A longer forecast refuses at once. */
  readonly maxWaitMs: number;
  readonly class: RouteClass;
  /** Already clamped to what its tenant may claim. */
  readonly priority: Priority;
  readonly tenant: string;
  /** Of the tenant; above 0. */
  readonly weight: number;
  /** It goes on with a run whose tool has answered: before its tenant's new runs. */
  readonly continues: boolean;
  /** When its run began here, monotonic ms: among equals, the older run goes first. */
  readonly runArrivedMs: number;
  /** What it holds of memory while it waits. */
  readonly bytes: number;
  /** Prompt tokens, cached or not: a worker's memory has to hold all of them. */
  readonly inputTokens: number;
  /** Expected output tokens. */
  readonly outputTokens: number;
  /** Its reply comes in pieces, so that the first says that its prompt is read. */
  readonly streams: boolean;
  /** What the last pick said beside `full`; null: all who would take it are full, and any of them will do. Its pick alone moves it. */
  hold: Hold | null;
  /** Its wait is over: a place that a learned limit leaves above itself will do. Its gate alone sets it. */
  overdue: boolean;
  /** Prompt tokens that this worker has to read anew; null: the worker where they are fewest. */
  uncachedAt(worker: SlotWorker | null): number;
}

/** Why the gate let a call go without a permit. `forecast`: its turn would come too late, so it need not wait for that. */
export type RefusalReason = 'queue_full' | 'forecast' | 'waited' | 'none' | 'client_gone' | 'closed';

export interface GateRefusal {
  readonly refused: RefusalReason;
  /** When a call like this is expected to get a slot, ms from now; null = nothing tells. */
  readonly waitMs: number | null;
}

/** What of a line a page or a metric shows. */
export interface LineStatus {
  readonly class: RouteClass;
  readonly priority: Priority;
  readonly tenant: string;
  readonly waiting: number;
  /** How long the oldest of them has waited, ms. */
  readonly oldestMs: number;
}

/** Bounds and weights of the lines of one pool; a reload may move them, and who is in line already stays. */
export interface GateRules {
  /** By class; a class that is not named has no line here. */
  readonly classes: Readonly<Partial<Record<RouteClass, ClassLine>>>;
  /** Share of the pool's service that each band is sure of while it waits, 0 to 1 each, less than 1 in sum. */
  readonly reserved: Readonly<Record<Priority, number>>;
}

export interface ClassLine {
  /** Calls in line at most. */
  readonly maxWaiting: number;
  /** Bytes of their bodies at most. */
  readonly maxBytes: number;
  /** The class's longest wait, ms. */
  readonly longestWaitMs: number;
  /** Weight of this class beside the pool's other classes. */
  readonly share: number;
}

/**
 * One per pool. Answers at once when there is room. Order in line: bands by their reserved share and then by priority;
 * within a band the class, and within it the tenant, that has had least for its weight; within a tenant continuing tool
 * loops, then new runs, the older run first. Half its longest wait in line raises a background call to
 * batch; nothing raises a call into what people wait for, or above. Whoever leaves (deadline, caller gone) is removed at
 * once and never holds a slot. Bounded by count, bytes and age; when a line is full,
 * the tenant with the most in it gives way. Capacity = sum of worker limits − in flight. A call that is held for its own
 * worker keeps its place, and holds up nobody: it is asked when that worker has room, when its hold is over, and now and
 * then; rather than be refused it goes where there is room. So is a newcomer that would be, while nobody has room; it counts
 * like all others in line. What a pick throws is its own caller's alone.
 */
export interface Gate {
  acquire(call: GateCall, pick: Pick): Permit | GateRefusal | Promise<Permit | GateRefusal>;
  /** When a slot would be this call's if it asked now, ms from now; 0 = at once as far as is known. */
  forecastMs(call: GateCall): number;
  /**
   * When a caller who has been refused with this `waitMs` is to come back, ms from now: each of its tenant's a slot later than
   * the one before. Booked for a caller who is told so, and for nobody else.
   */
  returnMs(call: GateCall, waitMs: number): number;
  /** Something about the workers changed: look at the line again. */
  poke(): void;
  /** Refuses all in line and all to come. */
  close(): void;
  readonly waiting: number;
  readonly inFlight: number;
  /** All lines that are not empty, by class, band and tenant. */
  lines(): readonly LineStatus[];
}
