// One tenant's money as this router sees it: what is left, what is held for the calls in flight, and whether one more fits. For spend-book.
import type { HoldReply, WindowSpend } from '../core/ledger.ts';
import type { NanoUsd } from '../core/money.ts';
import type { SpendLimits } from '../core/plan.ts';
import type { SpendRefusal, SpendWish } from '../core/spend.ts';
import { IndexedHeap } from '../structures/heap.ts';
import { type Backed, SpendInFlight } from './spend-in-flight.ts';

/** A view of the store that is older is not enough to refuse by: other routers may have given back. */
export const FRESH_MS = 1_000;
/** However plentiful money is, no call is let in by a view that is older. */
const STALE_MS = 60_000;
/**
 * How much of the money that nobody holds may back the distance between likely and most: half of it where this router is
 * alone, little where others hold money too, as each counts on the same. Beyond that the most itself is held. With more in
 * flight than this, money can be overspent only if others take nearly all of it before the next look.
 */
const SHARE_ALONE = 1 / 2;
const SHARE_AMONG = 1 / 32;
/** A slice grows by this share of the tightest limit, or by two calls. */
const STEP_SHARE = 0.01;
const STEP_CALLS = 2;

export type Verdict = 'granted' | 'ask' | SpendRefusal['reason'];
/** How the store does: it answers; it fails, and calls go on within what is held; it has failed for too long. */
export type StoreState = 'answers' | 'fails' | 'lost';

/**
 * In here, `slice` is what is held for this router and not yet charged, and `free` is what nobody holds. Calls in flight are
 * always covered by the slice as far as is likely, and by slice and free money together as far as they can cost at most.
 */
export class SpendAccount {
  readonly tenant: string;
  limits: SpendLimits;
  /** The least of the limits; infinite: none. */
  tightest: NanoUsd;
  readonly flight = new SpendInFlight(new IndexedHeap<Backed>((a, b) => a.gap > b.gap));
  /** What the store said last; null: nothing yet, or of other limits. */
  windows: readonly WindowSpend[] | null = null;
  viewMs = Number.NEGATIVE_INFINITY;
  #held: NanoUsd = 0;
  #free: NanoUsd = 0;
  /** By limit and spending alone, whoever holds it. */
  #left: NanoUsd = 0;
  #others: NanoUsd = 0;
  /** Charged, and in no view yet: since what the store said was asked, and since the question that is under way. */
  #charged: NanoUsd = 0;
  #chargedSinceAsk: NanoUsd = 0;
  asking = false;
  askedMs = Number.NEGATIVE_INFINITY;
  /** When a call was last refused for want of money that may come back; another question so soon would change nothing. */
  #shortMs = Number.NEGATIVE_INFINITY;
  /** When the first of the windows ends, monotonic. */
  #rollsMs = Number.POSITIVE_INFINITY;
  #likelyOne: NanoUsd = 0;
  /** The most that was needed lately; fades. */
  #peak: NanoUsd = 0;
  /** Something happened since the last sweep, and how many sweeps ago. */
  touched = true;
  quietSweeps = 0;

  constructor(tenant: string, limits: SpendLimits) {
    this.tenant = tenant;
    this.limits = limits;
    this.tightest = tightestOf(limits);
  }

  /** Policy was changed: what the store said of other limits says little of these. */
  limitBy(limits: SpendLimits): void {
    const { hour, day, month, dryRun } = this.limits;
    this.limits = limits;
    if (hour === limits.hour && day === limits.day && month === limits.month && dryRun === limits.dryRun) return;
    this.tightest = tightestOf(limits);
    this.windows = null;
    this.viewMs = Number.NEGATIVE_INFINITY;
  }

  get slice(): NanoUsd {
    return this.#held - this.#charged;
  }

  /** What is needed of the slice now: where money is plentiful what is likely, else the most. */
  get need(): NanoUsd {
    const { likely, most } = this.flight;
    // By half the share, so that what is given back is not wanted again at once.
    return this.#plenty(most, likely, 0.5) ? likely : most;
  }

  /** The store has money set aside for this router. */
  get holds(): boolean {
    return this.#held > 0;
  }

  /** Other routers hold money of this tenant. */
  get shared(): boolean {
    return this.#others > 0;
  }

  /** May one more call go? `ask`: the store knows better. With `mayAsk` false by what is known alone. */
  judge({ likely, most }: SpendWish, nowMs: number, store: StoreState, mayAsk: boolean): Verdict {
    if (likely > this.tightest) return 'above';
    const ageMs = nowMs - this.viewMs;
    if (this.windows !== null && store !== 'lost') {
      const { flight, slice } = this;
      const open = flight.most + most - slice;
      if (flight.likely + likely <= slice && this.#backs(open, most - likely, store === 'fails' ? 0 : ageMs))
        return 'granted';
    }
    if (store !== 'answers') return mayAsk ? 'ask' : 'store';
    if (ageMs >= FRESH_MS) return mayAsk ? 'ask' : this.#why(likely);
    if (likely > this.left || this.left <= 0) return 'spent';
    if (mayAsk && this.#free > 0 && nowMs - this.#shortMs >= FRESH_MS) return 'ask';
    this.#shortMs = nowMs;
    return 'held';
  }

  /** As it would be judged, by what is known. */
  judgeDry({ likely, most }: SpendWish): Verdict {
    if (likely > this.tightest) return 'above';
    if (this.windows === null) return 'granted';
    const { flight } = this;
    const open = flight.most + most - Math.max(flight.widest, most - likely);
    return open <= this.left - this.#others ? 'granted' : this.#why(likely);
  }

  /** What neither is charged nor can be said to be gone, whoever holds it. */
  get left(): NanoUsd {
    return this.#left - this.#charged;
  }

  /**
   * Whether what the slice does not cover may be left to money that nobody holds. Once there is none left, and none that
   * another router holds, it is this router's call alone that may cost more than is left: the one with the widest gap.
   */
  #backs(open: NanoUsd, gap: NanoUsd, ageMs: number): boolean {
    if (open <= 0) return true;
    const shared = this.#shareable;
    if (open <= shared && ageMs <= freshMs(open, shared)) return true;
    return this.#free <= 0 && this.#others <= 0 && open <= Math.max(this.flight.widest, gap);
  }

  get #shareable(): NanoUsd {
    return this.#free * (this.#others > 0 ? SHARE_AMONG : SHARE_ALONE);
  }

  /** Whether a slice of `slim` would leave enough to money that nobody holds, if `most` is in flight. */
  #plenty(most: NanoUsd, slim: NanoUsd, part: number): boolean {
    const free = this.#free + this.slice - slim;
    return most - slim <= free * part * (this.#others > 0 ? SHARE_AMONG : SHARE_ALONE);
  }

  /** Nothing comes back to a window that cannot cover the call even if all that is held came back. */
  #why(likely: NanoUsd): 'spent' | 'held' {
    return likely > this.left || this.left <= 0 ? 'spent' : 'held';
  }

  /** The window that keeps a call out longest, or the tightest, with what is charged and not yet written. */
  refusal(reason: SpendRefusal['reason'], likely: NanoUsd): SpendRefusal {
    const room = ({ limit, spent }: WindowSpend) => limit - spent - this.#charged;
    const byRoom = (reason === 'store' ? [] : [...(this.windows ?? [])]).sort((a, b) => room(a) - room(b));
    const shut = reason === 'spent' ? byRoom.filter((one) => room(one) < likely || room(one) <= 0) : [];
    const window = shut.sort((a, b) => b.resetsMs - a.resetsMs)[0] ?? byRoom[0] ?? null;
    return {
      granted: false,
      reason,
      window: window === null ? null : { ...window, spent: window.spent + this.#charged },
    };
  }

  /** The windows with what is charged and not yet written; null: nothing is known. */
  spending(): readonly WindowSpend[] | null {
    return this.windows?.map((one) => ({ ...one, spent: one.spent + this.#charged })) ?? null;
  }

  /** A call is let in. */
  take(call: Backed): void {
    this.flight.add(call);
    this.#likelyOne = call.likely;
    this.touched = true;
    const { need } = this;
    if (need > this.#peak) this.#peak = need;
  }

  /** It ended, and its record is on its way to the store. */
  give(call: Backed, charge: NanoUsd): void {
    this.flight.remove(call);
    this.#charged += charge;
    this.#chargedSinceAsk += charge;
    this.#shortMs = Number.NEGATIVE_INFINITY;
    this.touched = true;
  }

  /** Whether the slice should be made larger, or the view newer, before somebody has to wait for it. */
  wantsAhead(nowMs: number): boolean {
    if (this.asking || this.limits.dryRun) return false;
    const { flight, slice } = this;
    const open = flight.most - slice;
    const shared = this.#shareable;
    if (open > 0 && shared > 0 && (open > shared || nowMs - this.viewMs > freshMs(open, shared) / 2))
      return nowMs - this.askedMs >= FRESH_MS / 2;
    return this.#free > 0 && flight.size > 0 && slice - flight.likely < this.#step / 2 && flight.likely > 0;
  }

  get #step(): NanoUsd {
    return Math.ceil(Math.max(STEP_SHARE * this.tightest, STEP_CALLS * this.#likelyOne));
  }

  /** A window has ended since the store was asked, as far as clocks tell; a wrong one costs a question a second at most. */
  rolled(nowMs: number): boolean {
    return nowMs >= this.#rollsMs && nowMs - this.askedMs >= FRESH_MS;
  }

  /** What to hold so that these can be let in beside those in flight; whole amounts, as ledgers count. */
  target(likely: NanoUsd, most: NanoUsd): NanoUsd {
    if (this.limits.dryRun) return 0;
    const { flight } = this;
    const wide = flight.most + most;
    const slim = flight.likely + likely + Math.max(this.#step, Math.ceil(STEP_CALLS * likely));
    const plenty = this.windows === null || this.#plenty(wide, slim, 1);
    // Nothing is given back in passing: what was needed lately may be needed again.
    return Math.max(0, plenty ? slim : wide, Math.min(this.slice, this.#peak));
  }

  /** What it may do without; null: it keeps what it has. */
  surplus(): NanoUsd | null {
    const { need } = this;
    this.#peak = Math.max(need, Math.floor(this.#peak * 0.8));
    const enough = this.#peak + this.#step;
    return this.slice > enough + this.#step && !this.limits.dryRun ? enough : null;
  }

  /** A question is on its way. From now on, no more is counted on than was asked for. */
  asked(amount: NanoUsd, nowMs: number): void {
    this.asking = true;
    this.askedMs = nowMs;
    this.#chargedSinceAsk = 0;
    if (amount >= this.slice) return;
    // Whoever asks next may get it: what is left is nobody's own any more.
    this.#others = Math.max(this.#others, 1);
    this.#held = amount + this.#charged;
  }

  /** What was charged after the question is not in its answer. */
  answered({ held, free, windows }: HoldReply, nowMs: number, wallMs: number): void {
    this.asking = false;
    this.viewMs = nowMs;
    this.windows = windows;
    this.#held = held;
    this.#free = free;
    this.#charged = this.#chargedSinceAsk;
    let left = Number.POSITIVE_INFINITY;
    let rollsMs = Number.POSITIVE_INFINITY;
    for (const { limit, spent, resetsMs } of windows) {
      left = Math.min(left, limit - spent);
      rollsMs = Math.min(rollsMs, resetsMs - wallMs);
    }
    this.#rollsMs = nowMs + rollsMs;
    this.#left = left;
    this.#others = Math.max(0, left - held - free);
  }

  /** What the store made of the question nobody knows, so the lesser stands. */
  failed(): void {
    this.asking = false;
  }
}

/** A view may be the older the more there is; at the edge it must be fresh. */
function freshMs(open: NanoUsd, shared: NanoUsd): number {
  return Math.min(STALE_MS, (FRESH_MS * shared) / open);
}

export function tightestOf({ hour, day, month }: SpendLimits): NanoUsd {
  const none = Number.POSITIVE_INFINITY;
  return Math.min(hour ?? none, day ?? none, month ?? none);
}
