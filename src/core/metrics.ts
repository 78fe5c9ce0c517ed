// What is counted of calls, for whoever watches many of them. For router/settle and the runtimes that export it.
import type { ErrorCode } from './errors.ts';
import type { Priority, Reason, RouteClass } from './names.ts';
import type { End } from './reply.ts';

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
}

export interface Metrics {
  /** A call ended. */
  call(facts: CallFacts): void;
  /** A pool's gate or the process itself let a call go. `reason` is one of a closed set. */
  refused(reason: string, routeClass: RouteClass, target: string, tenant: string): void;
}

export const NO_METRICS: Metrics = { call() {}, refused() {} };
