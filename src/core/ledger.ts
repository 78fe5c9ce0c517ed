// The durable record of what each call used, cost and was charged, and of the money a tenant has left. For router, ledger and stores.
import type { Usage } from './dialect.ts';
import type { ErrorCode } from './errors.ts';
import type { AttemptOutcome } from './gate.ts';
import type { NanoUsd } from './money.ts';
import type { DialectName, Priority, Reason, RouteClass } from './names.ts';
import type { SpendLimits } from './plan.ts';
import type { End } from './reply.ts';
import type { IdentitySource, StepKind } from './runs.ts';

/** One try at one target. Never content. */
export interface AttemptRecord {
  readonly target: string;
  readonly kind: 'pool' | 'provider';
  readonly worker: string;
  /** The name asked there. */
  readonly model: string;
  readonly outcome: AttemptOutcome;
  readonly code: ErrorCode | null;
  /** From the call's arrival to the attempt's begin, and from there to its end, ms. */
  readonly beganMs: number;
  readonly durationMs: number;
  readonly firstContentMs: number | null;
  readonly usage: Usage | null;
  /** The target did not say what was used, so the router's own estimate stands. */
  readonly estimated: boolean;
  /** GPU time that was its own, ms; null: no worker of ours. */
  readonly gpuMs: number | null;
  readonly gpuSource: 'reported' | 'occupancy' | null;
  /** What it cost the operator. */
  readonly cost: NanoUsd;
}

/** One call, once it is over. Times from its arrival on, ms. */
export interface CallRecord {
  readonly id: string;
  /** W3C trace id of the caller, 32 hex digits; null: it sent none. */
  readonly traceId: string | null;
  /** Unix epoch, ms, by the router's clock. */
  readonly arrivedMs: number;
  readonly tenant: string;
  readonly keyId: string | null;
  readonly class: RouteClass;
  readonly dialect: DialectName;
  readonly stream: boolean;
  readonly priority: Priority;
  readonly step: StepKind;
  readonly run: string | null;
  readonly agent: string | null;
  readonly runSource: IdentitySource | null;
  /** 32-bit print of what its prompt has in common with others; 0 = none or not looked at. */
  readonly prefix: number;
  readonly asked: string;
  /** `target/model`; null: nothing answered. */
  readonly served: string | null;
  readonly rung: number | null;
  readonly degraded: Reason | 'capability' | null;
  readonly how: End['how'];
  readonly code: ErrorCode | null;
  readonly queueMs: number;
  readonly coldMs: number;
  readonly firstContentMs: number | null;
  readonly totalMs: number;
  /** Tokens of the prompt as the router estimated them when the call came. */
  readonly inputTokens: number;
  /** Of the attempt that is charged; null: none is. */
  readonly usage: Usage | null;
  readonly estimated: boolean;
  readonly attempts: readonly AttemptRecord[];
  /** Over all attempts. */
  readonly cost: NanoUsd;
  /** What the tenant pays. */
  readonly charge: NanoUsd;
}

/** Whose answer the caller got; null: nobody's. */
export function targetOf({ attempts }: CallRecord): string | null {
  return attempts.find(({ outcome }) => outcome === 'won')?.target ?? null;
}

/** Of the cost: attempts that lost or failed, and all of a call that failed: the operator pays. Whoever leaves pays for what it had. */
export function failedCostOf({ attempts, how, cost: all }: CallRecord): NanoUsd {
  if (how === 'failed') return all;
  return attempts.reduce((sum, { outcome, estimated, cost }) => (outcome === 'won' || estimated ? sum : sum + cost), 0);
}

/** What became of one worker's time within a minute or less, ms. Billed = useful + failed + idle + cold. */
export interface WorkerTimeRecord {
  /** Unix epoch, ms. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly pool: string;
  readonly worker: string;
  /** Spent on attempts that won. */
  readonly usefulMs: number;
  /** Spent on attempts that lost, failed or were left. */
  readonly failedMs: number;
  readonly idleMs: number;
  /** Billed while it came up. */
  readonly coldMs: number;
  readonly cost: NanoUsd;
}

export const SPEND_WINDOWS = ['hour', 'day', 'month'] as const;
/** Calendar windows in UTC, by the store's clock. */
export type SpendWindow = (typeof SPEND_WINDOWS)[number];

export interface WindowSpend {
  readonly window: SpendWindow;
  readonly limit: NanoUsd;
  /** Charged so far, by all routers on this store; what crashes lost is counted in. */
  readonly spent: NanoUsd;
  /** Unix epoch, ms. */
  readonly startMs: number;
  readonly resetsMs: number;
}

/** A wish that `amount` of a tenant's money be kept for one router, durably, before it is spent. */
export interface HoldRequest {
  readonly tenant: string;
  /** In all, not in addition; less than before gives back. */
  readonly amount: NanoUsd;
  /** Null: nothing is limited, and nothing is held. */
  readonly limits: SpendLimits | null;
}

export interface HoldReply {
  /** What is held now for this router: the wish, or as much of it as the tightest limit leaves. */
  readonly held: NanoUsd;
  /** What the tightest limit leaves beyond all that is spent and held, by anybody; 2^53 − 1 where nothing is limited. */
  readonly free: NanoUsd;
  /** One per limit that is set. */
  readonly windows: readonly WindowSpend[];
}

export interface LedgerHealth {
  readonly ok: boolean;
  /** Since when it has not been, monotonic ms; null while it is. */
  readonly failingSinceMs: number | null;
  /** Records that wait to be written, and those that were given up for want of room. */
  readonly waiting: number;
  readonly lost: number;
}

export const USAGE_KEYS = ['tenant', 'model', 'run', 'key', 'class', 'target', 'day', 'hour'] as const;
/**
 * By what usage is added up. `model` is the asked one, `target` the one that answered. Of arrivals in UTC: `day` reads
 * `2026-11-29`, `hour` `2026-11-29T16:00Z`.
 */
export type UsageKey = (typeof USAGE_KEYS)[number];

export interface UsageQuery {
  readonly by: readonly UsageKey[];
  /** By arrival, Unix epoch in ms; `toMs` itself is out. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Of this tenant alone; null = of all. */
  readonly tenant: string | null;
  /** Groups at most, the dearest first. */
  readonly limit: number;
}

export interface UsageRow {
  /** In the order of `by`; null where a call has none. */
  readonly keys: readonly (string | null)[];
  readonly calls: number;
  /** Calls that ended whole. */
  readonly complete: number;
  readonly degraded: number;
  readonly attempts: number;
  readonly uncachedTokens: number;
  readonly cachedTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly gpuMs: number;
  readonly cost: NanoUsd;
  readonly charge: NanoUsd;
  /** Of the cost: attempts that lost or failed, and all of calls that failed, which the operator pays. */
  readonly failedCost: NanoUsd;
}

export interface PoolTimeRow {
  readonly pool: string;
  readonly billedMs: number;
  readonly usefulMs: number;
  readonly failedMs: number;
  readonly idleMs: number;
  readonly coldMs: number;
  readonly cost: NanoUsd;
}

/**
 * Keeps records, and the money that tenants have left. `add` takes what it is given at once and writes it in groups, within
 * 20 ms or 256 records, off the thread that serves; a record is counted as spent, and taken from what this router holds, in
 * the transaction that writes it. A router that dies loses what it had not written: what it held is then counted as spent,
 * once its lease has run out, so a crash is never in the tenant's favour. All else rejects with a StoreFault.
 */
export interface LedgerStore {
  /** Never throws. While writing fails, records wait, up to a bound; `health` tells. */
  add(record: CallRecord): void;
  addWorkerTime(record: WorkerTimeRecord): void;
  /** Answers once all that was added before is durable. */
  flush(): void | Promise<void>;
  /** Sees all that was added before it. */
  hold(request: HoldRequest): HoldReply | Promise<HoldReply>;
  usage(query: UsageQuery): readonly UsageRow[] | Promise<readonly UsageRow[]>;
  poolTime(fromMs: number, toMs: number): readonly PoolTimeRow[] | Promise<readonly PoolTimeRow[]>;
  /** Takes away all records of a tenant; answers with how many. What it has spent stays counted against its limits. */
  erase(tenant: string): number | Promise<number>;
  /** Takes away records of calls that arrived before this, and answers with how many; also all else that is older. */
  expire(beforeMs: number): number | Promise<number>;
  readonly health: LedgerHealth;
  /** Writes what waits, gives back what is held. */
  close(): void | Promise<void>;
}
