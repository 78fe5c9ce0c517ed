// Limits counted in this process alone. For one router without a store of its own, and for tests.
import type {
  BucketView,
  Claim,
  QuotaAnswer,
  QuotaLimit,
  QuotaRefusal,
  QuotaReservation,
  QuotaStore,
} from '../../core/quota.ts';
import type { Clock } from '../../core/runtime.ts';
import { Bucket, type Held, HeldSlot } from './bucket.ts';

/** A bucket that is asked again and again is not made anew each time. */
const IDLE_MS = 1_000;
/** Old buckets looked at for each new one: at least two leave while one comes, as soon as they are at rest. */
const LOOKS = 3;

const NO_OVERRUNS: readonly QuotaLimit[] = [];

/** A store whose answers are there at once. */
export interface MemoryQuota extends QuotaStore {
  reserve(claims: readonly Claim[], leaseMs: number): QuotaAnswer;
  read(limit: QuotaLimit): BucketView;
  forget(prefix: string): void;
  close(): void;
  /** Buckets kept now. */
  readonly size: number;
}

export function createMemoryQuota({ clock }: { readonly clock: Pick<Clock, 'nowMs'> }): MemoryQuota {
  return new Buckets(clock);
}

class Buckets implements MemoryQuota {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #buckets = new Map<string, Bucket>();
  #hand: MapIterator<Bucket> = this.#buckets.values();
  /** Of the call that is looked at: its buckets, and what each was before. */
  readonly #found: Bucket[] = [];
  readonly #before: number[] = [];

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one after the other and, should one not fit, gives all of them back: so that two claims on one bucket add up. */
  reserve(claims: readonly Claim[], leaseMs: number): QuotaAnswer {
    const nowMs = this.#clock.nowMs();
    const parts: (Held | null)[] = [];
    let overruns = NO_OVERRUNS;
    this.#sweep(nowMs, 1);
    for (let place = 0; place < claims.length; place++) {
      const { limit, amount } = claims[place]!;
      const bucket = this.#bucket(limit.bucket, nowMs);
      this.#found[place] = bucket;
      this.#before[place] = bucket.fullMs;
      const waitMs = limit.kind === 'rate' ? bucket.waitMs(limit, amount, nowMs) : slotWaitMs(bucket, limit, nowMs);
      if (waitMs === 0) {
        parts.push(limit.kind === 'rate' ? bucket.take(limit, amount, nowMs) : bucket.hold(nowMs + leaseMs));
      } else if (limit.dryRun) {
        parts.push(null);
        overruns = [...overruns, limit];
      } else {
        undo(parts, this.#before, nowMs);
        return this.#refusal(claims, place, waitMs, overruns);
      }
    }
    const views: BucketView[] = [];
    for (let place = 0; place < claims.length; place++) {
      views.push(this.#found[place]!.view(claims[place]!.limit, nowMs));
    }
    return new Reservation(this, parts, views, overruns);
  }

  read(limit: QuotaLimit): BucketView {
    return (this.#buckets.get(limit.bucket) ?? new Bucket(limit.bucket)).view(limit, this.#clock.nowMs());
  }

  forget(prefix: string): void {
    for (const [name, bucket] of this.#buckets) {
      if (!name.startsWith(prefix)) continue;
      bucket.forgotten = true;
      this.#drop(bucket);
    }
  }

  close(): void {
    this.forget('');
  }

  settle(parts: readonly (Held | null)[], used: readonly number[]): void {
    const nowMs = this.#clock.nowMs();
    for (let place = 0; place < parts.length; place++) {
      const held = parts[place]!;
      if (held === null) continue;
      const { bucket } = held;
      if (held instanceof HeldSlot) {
        bucket.free(held);
        continue;
      }
      const { limit, amount } = held;
      const truly = used[place] ?? amount;
      if (bucket.kept) bucket.correct(held, truly, nowMs);
      // It was dropped at rest: time has given all back, and a debt is still one.
      else if (truly > amount && !bucket.forgotten) {
        this.#bucket(limit.bucket, nowMs).owe(limit, truly - amount, nowMs);
      }
    }
  }

  #refusal(
    claims: readonly Claim[],
    claim: number,
    waitMs: number | null,
    overruns: readonly QuotaLimit[],
  ): QuotaRefusal {
    return { granted: false, claim, waitMs, views: claims.map(({ limit }) => this.read(limit)), overruns };
  }

  #bucket(name: string, nowMs: number): Bucket {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      this.#sweep(nowMs, LOOKS);
      bucket = new Bucket(name);
      this.#buckets.set(name, bucket);
    }
    bucket.usedMs = nowMs;
    return bucket;
  }

  /** Looks at the next few, round and round, and drops those at rest. */
  #sweep(nowMs: number, looks: number): void {
    for (let look = 0; look < looks; look++) {
      const next = this.#hand.next();
      if (next.done === true) {
        this.#hand = this.#buckets.values();
        return;
      }
      const bucket = next.value;
      if (nowMs - bucket.usedMs >= IDLE_MS && bucket.atRest(nowMs)) this.#drop(bucket);
    }
  }

  #drop(bucket: Bucket): void {
    bucket.kept = false;
    this.#buckets.delete(bucket.name);
  }
}

class Reservation implements QuotaReservation {
  readonly granted = true;
  readonly views: readonly BucketView[];
  readonly overruns: readonly QuotaLimit[];
  readonly #store: Buckets;
  #parts: readonly (Held | null)[] | null;

  constructor(
    store: Buckets,
    parts: readonly (Held | null)[],
    views: readonly BucketView[],
    overruns: readonly QuotaLimit[],
  ) {
    this.#store = store;
    this.#parts = parts;
    this.views = views;
    this.overruns = overruns;
  }

  settle(used: readonly number[]): void {
    const parts = this.#parts;
    this.#parts = null;
    if (parts !== null) this.#store.settle(parts, used);
  }
}

/** Slots come free when some call ends, and nobody knows when. */
function slotWaitMs(bucket: Bucket, limit: { readonly limit: number }, nowMs: number): 0 | null {
  return bucket.taken(nowMs) < limit.limit ? 0 : null;
}

function undo(parts: readonly (Held | null)[], before: readonly number[], nowMs: number): void {
  for (let place = parts.length - 1; place >= 0; place--) {
    const held = parts[place]!;
    if (held === null) continue;
    if (held instanceof HeldSlot) held.bucket.free(held);
    else {
      held.bucket.correct(held, held.amount, nowMs);
      held.bucket.fullMs = before[place]!;
    }
  }
}
