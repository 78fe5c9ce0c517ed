// One bucket of units or slots: what it has left, what it takes and gets back. For the memory store of quotas.
import type { BucketView, RateLimit, SlotLimit } from '../../core/quota.ts';
import { Lows, type Moment } from '../../structures/lows.ts';

/** Sums of fractions of a ms are off by their last bits; a microsecond is less than a unit of any limit. */
const SLACK_MS = 1e-3;

/** Units of a rate that a claim took, and since when what is missing is watched for it. */
export class HeldUnits implements Moment {
  low = 0;
  moments = 0;
  older: Moment | null = null;
  newer: Moment | null = null;
  into: Moment | null = null;
  readonly bucket: Bucket;
  readonly limit: RateLimit;
  readonly amount: number;

  constructor(bucket: Bucket, limit: RateLimit, amount: number) {
    this.bucket = bucket;
    this.limit = limit;
    this.amount = amount;
  }
}

export class HeldSlot {
  readonly bucket: Bucket;
  /** When it comes back by itself. */
  readonly endMs: number;
  /** Among the bucket's slots; -1: in none. */
  place = -1;

  constructor(bucket: Bucket, endMs: number) {
    this.bucket = bucket;
    this.endMs = endMs;
  }
}

export type Held = HeldUnits | HeldSlot;

export class Bucket {
  readonly name: string;
  /** In the store under its name. One that is not has been dropped at rest, or is forgotten. */
  kept = true;
  /** When its rate is full again: what is missing is the time from now to then. */
  fullMs = Number.NEGATIVE_INFINITY;
  usedMs = 0;
  /** Of an erased tenant: what its calls still correct is nobody's. */
  forgotten = false;
  /** A bucket has either; each is made when it is needed, as there may be very many buckets. */
  #slots: HeldSlot[] | null = null;
  #lows: Lows | null = null;
  /** No slot comes back by itself before that. */
  #soonestMs = Number.POSITIVE_INFINITY;
  /** All that was ever given back, ms. What was missing before would have been less by it. */
  #backMs = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Nothing is missing and nothing held: a new one would be the same. */
  atRest(nowMs: number): boolean {
    return this.fullMs <= nowMs && this.taken(nowMs) === 0;
  }

  /** 0: it fits; else when it will if nobody else comes, ms; null: never. */
  waitMs(limit: RateLimit, amount: number, nowMs: number): number | null {
    if (amount > limit.burst || !(limit.limit > 0)) return null;
    const overMs = this.#missingMs(nowMs) + (amount - limit.burst) * unitMs(limit);
    return overMs > SLACK_MS ? overMs : 0;
  }

  take(limit: RateLimit, amount: number, nowMs: number): HeldUnits {
    const missingMs = this.#pass(nowMs);
    const held = new HeldUnits(this, limit, amount);
    this.#lows!.begin(held);
    this.fullMs = nowMs + missingMs + amount * unitMs(limit);
    return held;
  }

  /** Corrects what was taken to what was used. */
  correct(held: HeldUnits, used: number, nowMs: number): void {
    const missingMs = this.#pass(nowMs);
    const leastMs = this.#lows!.end(held) - this.#backMs;
    const moreMs = (used - held.amount) * unitMs(held.limit);
    const changeMs = Math.max(moreMs, -Math.max(0, leastMs));
    if (changeMs < 0) this.#backMs -= changeMs;
    this.fullMs = nowMs + missingMs + changeMs;
  }

  /** Takes without asking. */
  owe(limit: RateLimit, amount: number, nowMs: number): void {
    this.fullMs = nowMs + this.#pass(nowMs) + amount * unitMs(limit);
  }

  /** Slots held, without those whose time is over. */
  taken(nowMs: number): number {
    if (nowMs >= this.#soonestMs) this.#reclaim(nowMs);
    return this.#slots === null ? 0 : this.#slots.length;
  }

  hold(endMs: number): HeldSlot {
    const held = new HeldSlot(this, endMs);
    this.#slots ??= [];
    held.place = this.#slots.push(held) - 1;
    if (endMs < this.#soonestMs) this.#soonestMs = endMs;
    return held;
  }

  free(held: HeldSlot): void {
    const slots = this.#slots;
    if (held.place < 0 || slots === null) return;
    const last = slots.pop()!;
    if (last !== held) {
      last.place = held.place;
      slots[last.place] = last;
    }
    held.place = -1;
    if (slots.length === 0) this.#soonestMs = Number.POSITIVE_INFINITY;
  }

  view(limit: RateLimit | SlotLimit, nowMs: number): BucketView {
    if (limit.kind === 'slots') return { remaining: Math.max(0, limit.limit - this.taken(nowMs)), resetMs: 0 };
    const missingMs = this.#missingMs(nowMs);
    const left = limit.burst - (missingMs - SLACK_MS) / unitMs(limit);
    return { remaining: Math.min(limit.burst, Math.max(0, Math.floor(left))), resetMs: missingMs };
  }

  #missingMs(nowMs: number): number {
    return Math.max(0, this.fullMs - nowMs);
  }

  /** What is missing now is noted before it changes: between changes it only gets less. */
  #pass(nowMs: number): number {
    const missingMs = this.#missingMs(nowMs);
    this.#lows ??= new Lows();
    this.#lows.pass(missingMs + this.#backMs);
    return missingMs;
  }

  #reclaim(nowMs: number): void {
    this.#soonestMs = Number.POSITIVE_INFINITY;
    const slots = this.#slots ?? [];
    for (let place = slots.length - 1; place >= 0; place--) {
      const held = slots[place]!;
      if (held.endMs <= nowMs) this.free(held);
    }
    for (const { endMs } of slots) this.#soonestMs = Math.min(this.#soonestMs, endMs);
  }
}

function unitMs(limit: RateLimit): number {
  return limit.periodMs / limit.limit;
}
