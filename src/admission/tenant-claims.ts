// A tenant's limits as claims, made once: which there are, where each stands, how much of it a call wants. For admission.
import type { LimitKind } from '../core/metrics.ts';
import type { TenantLimits } from '../core/plan.ts';
import type { Claim, QuotaLimit, RateLimit, SlotLimit } from '../core/quota.ts';
import { HoldTime, slotLimit } from './in-flight.ts';
import { requestLimit } from './request-rate.ts';
import { tokenLimit } from './token-rate.ts';

/** Stores read claims before they return, so a tenant's calls can share them. */
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
  }

  /** Good until the next call of this. */
  claims(tokens: number): readonly Claim[] {
    if (this.tokensAt >= 0) this.#claims[this.tokensAt]!.amount = tokens;
    return this.#claims;
  }

  /** By place: a request counts whatever becomes of it, a slot is free. */
  used(tokens: number): readonly number[] {
    const used = [0, 0, 0];
    if (this.requestsAt >= 0) used[this.requestsAt] = 1;
    if (this.tokensAt >= 0) used[this.tokensAt] = tokens;
    return used;
  }

  kindOf(limit: QuotaLimit): LimitKind {
    if (limit.bucket === this.requests?.bucket) return 'requests';
    return limit.bucket === this.tokens?.bucket ? 'tokens' : 'in_flight';
  }
}

/** Of one set of limits, which may be many tenants' own or a plan's. */
const MOST_TENANTS = 10_000;

/** The claims of each tenant; null: it has no limit that counts here. */
export class ClaimBook {
  readonly #byLimits = new WeakMap<TenantLimits, Map<string, TenantClaims>>();

  of(tenant: string, limits: TenantLimits): TenantClaims | null {
    if (limits.requests === null && limits.uncachedTokens === null && limits.inFlight === null) return null;
    let tenants = this.#byLimits.get(limits);
    if (tenants === undefined) {
      tenants = new Map();
      this.#byLimits.set(limits, tenants);
    }
    let claims = tenants.get(tenant);
    if (claims === undefined) {
      // What is lost is made again, but for the mean of hold times.
      if (tenants.size >= MOST_TENANTS) tenants.clear();
      claims = new TenantClaims(tenant, limits);
      tenants.set(tenant, claims);
    }
    return claims;
  }
}
