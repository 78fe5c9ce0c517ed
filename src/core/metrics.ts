// What is counted of calls, for whoever watches many of them. For router/settle and the runtimes that export it.
import type { ErrorCode } from './errors.ts';
import type { NanoUsd } from './money.ts';
import type { Priority, Reason, RouteClass } from './names.ts';
import type { End } from './reply.ts';

/** What of its tenant's a limit counts. */
export type LimitKind = 'requests' | 'tokens' | 'in_flight' | 'spend';

/** One call that has ended. */
export interface CallFacts {
  readonly class: RouteClass;
  readonly priority: Priority;
  readonly tenant: string;
  /** The target that answered; null: none did. */
  readonly target: string | null;
  readonly how: End['how'];
  readonly code: ErrorCode | null;
  readonly degraded: Reason | 'capability' | null;
  readonly queueMs: number;
  /** From the request's head to first content; null: none came. */
  readonly firstContentMs: number | null;
  readonly totalMs: number;
  readonly attempts: number;
  readonly uncachedTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** To the operator, over all attempts, and to the tenant. */
  readonly cost: NanoUsd;
  readonly charge: NanoUsd;
}

export interface Metrics {
  /** A call ended. */
  call(facts: CallFacts): void;
  /** A pool's gate or the process itself let a call go. `reason` is one of a closed set. */
  refused(reason: string, routeClass: RouteClass, target: string, tenant: string): void;
  /** A limit of its tenant refused a call. */
  denied(kind: LimitKind, tenant: string): void;
  /** A limit in dry run would have refused a call. */
  overrun(kind: LimitKind, tenant: string): void;
  /** A store failed at what it was asked. Both are words of closed sets. */
  storeFault(store: string, op: string): void;
  /** So many tokens more are held of limits for calls in flight, or fewer. */
  held(tokens: number): void;
}

export const NO_METRICS: Metrics = { call() {}, refused() {}, denied() {}, overrun() {}, storeFault() {}, held() {} };
