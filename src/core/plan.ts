// The ordered alternatives that policy leaves a call. Pure data, made from the policy file. For policy and router.
import type { NanoUsd } from './money.ts';
import type { Capability, DialectName, Priority, Reason, RerankForm, RouteClass, ScoreMeaning } from './names.ts';

/** Bounds on one attempt, ms. A buffered reply is silent until it is made: before its first byte only `connect` and `total` bind it. */
export interface Timeouts {
  readonly connectMs: number;
  readonly headersMs: number;
  /** From sending. */
  readonly firstContentMs: number;
  readonly idleMs: number;
  /** Of the whole call, over all attempts. */
  readonly totalMs: number;
}

/** What a class promises; null = nothing. A rung that would miss it is left for one that meets it. */
export interface ServiceLevel {
  readonly firstContentMs: number | null;
  readonly totalMs: number | null;
  /** Share of calls that meet it, below 1. */
  readonly objective: number;
}

/** Units a minute. */
export interface MinuteLimit {
  readonly perMinute: number;
  /** Units that may come at once. */
  readonly burst: number;
  /** Counted and told, never refused. */
  readonly dryRun: boolean;
}

/** Money by calendar windows in UTC; null = no limit. */
export interface SpendLimits {
  readonly hour: NanoUsd | null;
  readonly day: NanoUsd | null;
  readonly month: NanoUsd | null;
  /** Shares of a limit at which the operator is warned, ascending. */
  readonly warnAt: readonly number[];
  readonly dryRun: boolean;
}

/** What a tenant's calls may use; null = no limit. All keys of the tenant share them. */
export interface TenantLimits {
  readonly requests: MinuteLimit | null;
  /** Prompt tokens that had to be read anew, and the reply's. */
  readonly uncachedTokens: MinuteLimit | null;
  readonly inFlight: { readonly limit: number; readonly dryRun: boolean } | null;
  readonly spend: SpendLimits | null;
}

export const NO_LIMITS: TenantLimits = { requests: null, uncachedTokens: null, inFlight: null, spend: null };

/** What policy says of a tenant. */
export interface TenantRules {
  /** The plan that it has from; null = none. */
  readonly plan: string | null;
  /** Share under contention, beside other tenants'. */
  readonly weight: number;
  /** The highest band it may claim. */
  readonly priority: Priority;
  /** Zones its calls may go to; null = all. */
  readonly zones: ReadonlySet<string> | null;
  /** Names and patterns (with `*`) of models that it may ask; null = all. */
  readonly models: readonly string[] | null;
  /** From when on it may ask nothing more, Unix epoch in ms; null = never. */
  readonly expiresMs: number | null;
  readonly limits: TenantLimits;
}

export const DEFAULT_TENANT: TenantRules = {
  plan: null,
  weight: 1,
  priority: 'interactive',
  zones: null,
  models: null,
  expiresMs: null,
  limits: NO_LIMITS,
};

export interface ClassRules {
  readonly class: RouteClass;
  readonly timeouts: Timeouts;
  /** Calls in line per pool, and the longest wait there, ms. */
  readonly queue: { readonly max: number; readonly waitMs: number; readonly maxBytes: number };
  /** The band of calls that do not say theirs. */
  readonly priority: Priority;
  /** Weight of the class in a pool that serves several. */
  readonly share: number;
  readonly slo: ServiceLevel;
  /** Tries at one rung beyond the first. */
  readonly retries: number;
  /** The model that a call without one means; null = a call must name one. */
  readonly defaultModel: string | null;
}

/** What pools and providers say of themselves in common. */
export interface TargetFacts {
  /** Unique among all targets. */
  readonly name: string;
  readonly zone: string | null;
  /** What it can do; null = not declared, so nothing is ruled out. */
  readonly capabilities: ReadonlySet<Capability> | null;
  /** Dialects that it takes on the wire. */
  readonly speaks: ReadonlySet<DialectName>;
  /** How its rerank calls look; null where it serves none. */
  readonly rerank: { readonly form: RerankForm; readonly scores: ScoreMeaning } | null;
  /** Longest context, tokens; null = not declared. */
  readonly contextTokens: number | null;
  /** Entries of a list that one call may carry; longer lists are split. Null = not declared. */
  readonly maxItems: number | null;
}

/** A pool of own workers that serve one artifact. */
export interface PoolTarget extends TargetFacts {
  readonly kind: 'pool';
  /** The model name that the pool's workers know. */
  readonly serves: string;
}

/** A model of a managed API, which costs money with every call. */
export interface ProviderTarget extends TargetFacts {
  readonly kind: 'provider';
  /** The model name asked of the provider; null: the name that the caller asked goes through. */
  readonly serves: string | null;
}

export type Target = PoolTarget | ProviderTarget;

export interface Rung {
  /** 1 is the top. */
  readonly number: number;
  readonly target: Target;
  /** Counts as the asked model: moving here is failover, not degradation. */
  readonly same: boolean;
  /** The reasons for which a call may come down to this rung. */
  readonly when: ReadonlySet<Reason>;
}

/** A model's ladder with the rules of its class. */
export interface ModelPlan {
  readonly model: string;
  readonly rules: ClassRules;
  readonly rungs: readonly Rung[];
}
