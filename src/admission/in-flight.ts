// How many calls a tenant may have in flight, and how long each takes as a rule: one rule. For admission.
import type { TenantLimits } from '../core/plan.ts';
import type { SlotLimit } from '../core/quota.ts';

/** Calls that the mean looks back on. */
const SPAN = 64;
/** One call in so many is timed: it costs two looks at the clock. */
const EVERY = 8;

/** A call that is not timed. */
export const UNTIMED = -1;

export function slotLimit(tenant: string, { inFlight }: TenantLimits): SlotLimit | null {
  if (inFlight === null) return null;
  return { kind: 'slots', bucket: `${tenant} in flight`, limit: inFlight.limit, dryRun: inFlight.dryRun };
}

export function allInFlight(tenant: string, limit: SlotLimit): string {
  return `${tenant} has ${limit.limit} calls in flight, as many as it may.`;
}

/** How long a tenant's calls hold a slot, in the mean. */
export class HoldTime {
  #meanMs = 0;
  #calls = 0;
  #begun = 0;

  /** When a call began, if it is to be timed. */
  begin(clock: { nowMs(): number }): number {
    return this.#begun++ % EVERY === 0 ? clock.nowMs() : UNTIMED;
  }

  end(beginMs: number, clock: { nowMs(): number }): void {
    if (beginMs === UNTIMED) return;
    const heldMs = clock.nowMs() - beginMs;
    if (this.#calls < SPAN) this.#calls++;
    this.#meanMs += (heldMs - this.#meanMs) / this.#calls;
  }

  /** When a slot is free for one who comes after so many; null: nothing is known yet. */
  waitMs(limit: SlotLimit, ahead: number): number | null {
    if (this.#calls === 0 || limit.limit < 1) return null;
    return (this.#meanMs * (ahead + 1)) / limit.limit;
  }
}
