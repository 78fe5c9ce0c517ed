// Decides what a store of quotas answers, by the plainest means, and can be given one fault. For tests of such stores.
import type {
  BucketView,
  Claim,
  QuotaAnswer,
  QuotaLimit,
  QuotaReservation,
  QuotaStore,
  RateLimit,
} from '../../src/core/quota.ts';
import type { VirtualClock } from '../fakes/virtual-clock.ts';

export type Fault =
  | 'none'
  /** Looks whether all fits, and takes it a moment later. */
  | 'looks first'
  /** Gives back as often as it is told to. */
  | 'settles twice'
  /** A bucket may become fuller than full. */
  | 'no cap'
  /** Gives back what time has given back already. */
  | 'gives back twice';

interface Taken {
  readonly bucket: Bucket;
  readonly limit: QuotaLimit;
  readonly amount: number;
  readonly endMs: number;
  leastMs: number;
}

interface Bucket {
  fullMs: number;
  /** What it is fuller than full by. */
  beyondMs: number;
  taken: Set<Taken>;
  slots: Set<Taken>;
}

const unitMs = (limit: RateLimit) => limit.periodMs / limit.limit;

export function referenceQuota(clock: VirtualClock, fault: Fault = 'none'): QuotaStore {
  const buckets = new Map<string, Bucket>();
  const bucketOf = ({ bucket }: QuotaLimit): Bucket => {
    const known = buckets.get(bucket) ?? { fullMs: 0, beyondMs: 0, taken: new Set(), slots: new Set() };
    buckets.set(bucket, known);
    return known;
  };
  const missingMs = ({ fullMs, beyondMs }: Bucket) => Math.max(0, fullMs - clock.nowMs()) - beyondMs;
  const change = (bucket: Bucket, byMs: number) => {
    const missing = missingMs(bucket) + byMs;
    bucket.fullMs = clock.nowMs() + Math.max(0, missing);
    bucket.beyondMs = fault === 'no cap' ? Math.max(0, -missing) : 0;
  };
  const open = ({ slots }: Bucket) => [...slots].filter(({ endMs }) => endMs > clock.nowMs()).length;
  const watch = (bucket: Bucket) => {
    for (const one of bucket.taken) one.leastMs = Math.min(one.leastMs, missingMs(bucket));
  };

  function view(limit: QuotaLimit): BucketView {
    const bucket = bucketOf(limit);
    if (limit.kind === 'slots') return { remaining: Math.max(0, limit.limit - open(bucket)), resetMs: 0 };
    const left = Math.floor(limit.burst - missingMs(bucket) / unitMs(limit) + 1e-6);
    return { remaining: Math.max(0, left), resetMs: missingMs(bucket) };
  }

  /** Of each claim: 0, ms, or null; those before it in the same call count. */
  function waits(claims: readonly Claim[]): (number | null)[] {
    const before = new Map<string, number>();
    return claims.map(({ limit, amount }) => {
      const ahead = before.get(limit.bucket) ?? 0;
      const bucket = bucketOf(limit);
      let waitMs: number | null;
      if (limit.kind === 'slots') waitMs = open(bucket) + ahead < limit.limit ? 0 : null;
      else if (amount > limit.burst) waitMs = null;
      else waitMs = Math.max(0, missingMs(bucket) + (ahead + amount - limit.burst) * unitMs(limit));
      if (waitMs !== null && waitMs < 1e-3) waitMs = 0;
      if (waitMs === 0) before.set(limit.bucket, ahead + amount);
      return waitMs;
    });
  }

  function take(claims: readonly Claim[], leaseMs: number, ms: readonly (number | null)[]): QuotaReservation {
    const overruns = claims.filter((_claim, at) => ms[at] !== 0).map(({ limit }) => limit);
    const parts = claims.map(({ limit, amount }, at) => {
      if (ms[at] !== 0) return null;
      const bucket = bucketOf(limit);
      const endMs = clock.nowMs() + leaseMs;
      const taken: Taken = { bucket, limit, amount, endMs, leastMs: Number.POSITIVE_INFINITY };
      if (limit.kind === 'slots') bucket.slots.add(taken);
      else {
        watch(bucket);
        change(bucket, amount * unitMs(limit));
        bucket.taken.add(taken);
      }
      return taken;
    });
    let settled = false;
    return {
      granted: true,
      views: claims.map(({ limit }) => view(limit)),
      overruns,
      settle(used) {
        if (settled && fault !== 'settles twice') return;
        for (const [at, part] of parts.entries()) if (part !== null) giveBack(part, used[at]!, settled);
        settled = true;
      },
    };
  }

  function giveBack(part: Taken, used: number, again: boolean): void {
    const { bucket } = part;
    if (part.limit.kind === 'slots') {
      const [any] = bucket.slots;
      if (bucket.slots.has(part)) bucket.slots.delete(part);
      else if (again && any !== undefined) bucket.slots.delete(any);
      return;
    }
    watch(bucket);
    bucket.taken.delete(part);
    const changeMs = (used - part.amount) * unitMs(part.limit);
    const capped = fault !== 'no cap' && fault !== 'gives back twice';
    const appliedMs = capped ? Math.max(changeMs, -part.leastMs) : changeMs;
    for (const other of bucket.taken) if (appliedMs < 0) other.leastMs = Math.max(0, other.leastMs + appliedMs);
    change(bucket, appliedMs);
  }

  return {
    reserve(asked, leaseMs): QuotaAnswer | Promise<QuotaAnswer> {
      const claims = asked.map(({ limit, amount }) => ({ limit, amount }));
      const ms = waits(claims);
      const overruns = claims.filter(({ limit }, at) => ms[at] !== 0 && limit.dryRun).map(({ limit }) => limit);
      const claim = claims.findIndex(({ limit }, at) => ms[at] !== 0 && !limit.dryRun);
      if (claim >= 0)
        return {
          granted: false,
          claim,
          waitMs: ms[claim]!,
          views: claims.map(({ limit }) => view(limit)),
          overruns: overruns.filter((_limit, at) => at < claim),
        };
      if (fault !== 'looks first') return take(claims, leaseMs, ms);
      return new Promise((resolve) => clock.after(1, () => resolve(take(claims, leaseMs, ms))));
    },
    read: view,
    forget(prefix) {
      for (const name of buckets.keys()) if (name.startsWith(prefix)) buckets.delete(name);
    },
    close() {},
  };
}
