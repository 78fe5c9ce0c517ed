// Decides whether what a store of quotas let through kept every bound, and refused nothing that fits. For tests of stores.
import type { Claim, QuotaAnswer, QuotaLimit, QuotaStore, RateLimit } from '../../src/core/quota.ts';

interface Taken {
  readonly limit: QuotaLimit;
  readonly amount: number;
  readonly endMs: number;
  /** As it was settled; null: not yet. */
  used: number | null;
}

type Event =
  | { readonly what: 'taken'; readonly atMs: number; readonly part: Taken }
  | { readonly what: 'settled'; readonly atMs: number; readonly part: Taken }
  | { readonly what: 'refused'; readonly atMs: number; readonly claim: Claim; readonly waitMs: number | null };

/** What happened, in order, by the store's own clock. */
export class History {
  readonly byBucket = new Map<string, Event[]>();
  taken = 0;
  refused = 0;
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  answered(claims: readonly Claim[], leaseMs: number, answer: QuotaAnswer): QuotaAnswer {
    const atMs = this.#nowMs();
    if (!answer.granted) {
      this.refused++;
      const claim = claims[answer.claim]!;
      this.#add(claim.limit, { what: 'refused', atMs, claim, waitMs: answer.waitMs });
      return answer;
    }
    this.taken++;
    const parts = claims.map(({ limit, amount }): Taken | null => {
      if (answer.overruns.includes(limit)) return null;
      const part = { limit, amount, endMs: atMs + leaseMs, used: null };
      this.#add(limit, { what: 'taken', atMs, part });
      return part;
    });
    let settled = false;
    return {
      ...answer,
      views: answer.views,
      overruns: answer.overruns,
      settle: (used) => {
        if (!settled) {
          for (const [at, part] of parts.entries()) {
            if (part === null) continue;
            part.used = used[at]!;
            this.#add(part.limit, { what: 'settled', atMs: this.#nowMs(), part });
          }
        }
        settled = true;
        return answer.settle(used);
      },
    };
  }

  #add({ bucket }: QuotaLimit, event: Event): void {
    const events = this.byBucket.get(bucket);
    if (events === undefined) this.byBucket.set(bucket, [event]);
    else events.push(event);
  }
}

/** Writes down what a store answers, at the moment at which it does. */
export function watched(store: QuotaStore, history: History): QuotaStore {
  return {
    reserve(asked, leaseMs) {
      const claims = asked.map(({ limit, amount }) => ({ limit, amount }));
      const answer = store.reserve(asked, leaseMs);
      if (answer instanceof Promise) return answer.then((later) => history.answered(claims, leaseMs, later));
      return history.answered(claims, leaseMs, answer);
    },
    read: (limit) => store.read(limit),
    forget: (prefix) => store.forget(prefix),
    close: () => store.close(),
  };
}

/** Share of a unit that sums of fractions may be off by. */
const SLACK = 1e-3;

/**
 * For each admission counts what was truly used of it, from the moment it was let in. A level that drains at the limit's pace
 * and stays below the burst is the same as the bound on every window: used in [a, b] ≤ burst + limit × (b − a) ÷ period.
 * Use beyond the claim comes to light at the end alone: it is not let in by anybody, and only later claims wait for it.
 */
export function faultsIn(history: History): string[] {
  const faults: string[] = [];
  for (const [bucket, events] of history.byBucket) {
    const first = events[0]!;
    const limit = first.what === 'refused' ? first.claim.limit : first.part.limit;
    const found = limit.kind === 'rate' ? rateFaults(limit, events) : slotFaults(limit, events);
    for (const fault of found) faults.push(`${bucket}: ${fault}`);
  }
  return faults;
}

function rateFaults(limit: RateLimit, events: readonly Event[]): string[] {
  const faults: string[] = [];
  let atMs = Number.NEGATIVE_INFINITY;
  /** What was truly used, and all that was ever claimed as if nothing came back. */
  let used = 0;
  let claimed = 0;
  for (const event of events) {
    const drained = ((event.atMs - atMs) * limit.limit) / limit.periodMs;
    used = Math.max(0, used - drained);
    claimed = Math.max(0, claimed - drained);
    atMs = event.atMs;
    if (event.what === 'taken') {
      const { part } = event;
      used += Math.min(part.amount, part.used ?? part.amount);
      claimed += part.amount;
      if (used > limit.burst + SLACK) faults.push(`${used} over a burst of ${limit.burst} at ${atMs} ms`);
    } else if (event.what === 'settled') {
      const debt = Math.max(0, event.part.used! - event.part.amount);
      used += debt;
      claimed += debt;
    } else if (event.waitMs === null) {
      if (event.claim.amount <= limit.burst) faults.push(`${event.claim.amount} fits never, at ${atMs} ms`);
    } else if (claimed + event.claim.amount <= limit.burst - SLACK || event.waitMs <= 0) {
      faults.push(`refused ${event.claim.amount} beside ${claimed} of ${limit.burst} at ${atMs} ms`);
    }
  }
  return faults;
}

function slotFaults(limit: QuotaLimit, events: readonly Event[]): string[] {
  const faults: string[] = [];
  let open: Taken[] = [];
  for (const event of events) {
    open = open.filter(({ endMs }) => endMs > event.atMs);
    if (event.what === 'settled') open = open.filter((part) => part !== event.part);
    else if (event.what === 'taken') {
      open.push(event.part);
      if (open.length > limit.limit) faults.push(`${open.length} slots of ${limit.limit} at ${event.atMs} ms`);
    } else if (open.length < limit.limit) faults.push(`refused beside ${open.length} slots at ${event.atMs} ms`);
  }
  return faults;
}
