// A tenant's limits as claims, made once: which there are, where each stands, how much of it a call wants. For admission.
import type { LimitKind } from '../core/metrics.ts';
import type { TenantLimits } from '../core/plan.ts';
import type { Claim, QuotaLimit, RateLimit, SlotLimit } from '../core/quota.ts';
import { HoldTime, slotLimit } from './in-flight.ts';
import { requestLimit } from './request-rate.ts';
import { tokenLimit } from './token-rate.ts';

/** Stores read what they are given before they return, so a tenant's calls can share it. */
interface Amount {
  readonly limit: QuotaLimit;
  amount: number;
}

export class TenantClaims {
  readonly tenant: string;
  readonly requests: RateLimit | null;
  readonly tokens: RateLimit | null;
  readonly slots: SlotLimit | null;
  readonly kinds: readonly LimitKind[];
  readonly requestsAt: number;
  readonly tokensAt: number;
  readonly holdTime = new HoldTime();
  readonly #claims: readonly Amount[];
  readonly #used: number[];

  constructor(tenant: string, limits: TenantLimits) {
    this.tenant = tenant;
    this.requests = requestLimit(tenant, limits);
    this.tokens = tokenLimit(tenant, limits);
    this.slots = slotLimit(tenant, limits);
    const all: readonly [LimitKind, QuotaLimit | null][] = [
      ['requests', this.requests],
      ['tokens', this.tokens],
      ['in_flight', this.slots],
    ];
    const set = all.filter((one): one is [LimitKind, QuotaLimit] => one[1] !== null);
    this.kinds = set.map(([kind]) => kind);
    this.requestsAt = this.kinds.indexOf('requests');
    this.tokensAt = this.kinds.indexOf('tokens');
    this.#claims = set.map(([, limit]) => ({ limit, amount: 1 }));
    // A request counts whatever becomes of it, a slot is free.
    this.#used = this.kinds.map((kind) => (kind === 'requests' ? 1 : 0));
  }

  /** Good until the next call of this. */
  claims(tokens: number): readonly Claim[] {
    if (this.tokensAt >= 0) this.#claims[this.tokensAt]!.amount = tokens;
    return this.#claims;
  }

  /** What was used, by place. Good until the next call of this. */
  used(tokens: number): readonly number[] {
    if (this.tokensAt >= 0) this.#used[this.tokensAt] = tokens;
    return this.#used;
  }

  kindOf(limit: QuotaLimit): LimitKind {
    if (limit.bucket === this.requests?.bucket) return 'requests';
    return limit.bucket === this.tokens?.bucket ? 'tokens' : 'in_flight';
  }
}

/** Of one set of limits, as a rule one tenant's own; a plan's may be many tenants'. */
interface Shared {
  readonly first: TenantClaims;
  readonly others: Map<string, TenantClaims>;
}

/** Sharers that are remembered. What is lost is made again, but for the mean of hold times. */
const MOST_OTHERS = 10_000;

/** The claims of each tenant; null: it has no limit that counts here. */
export class ClaimBook {
  readonly #byLimits = new WeakMap<TenantLimits, Shared>();

  of(tenant: string, limits: TenantLimits): TenantClaims | null {
    if (limits.requests === null && limits.uncachedTokens === null && limits.inFlight === null) return null;
    const shared = this.#byLimits.get(limits);
    if (shared === undefined) {
      const first = new TenantClaims(tenant, limits);
      this.#byLimits.set(limits, { first, others: new Map() });
      return first;
    }
    return shared.first.tenant === tenant ? shared.first : other(shared, tenant, limits);
  }
}

function other({ others }: Shared, tenant: string, limits: TenantLimits): TenantClaims {
  let claims = others.get(tenant);
  if (claims === undefined) {
    if (others.size >= MOST_OTHERS) others.clear();
    claims = new TenantClaims(tenant, limits);
    others.set(tenant, claims);
  }
  return claims;
}
