// What is kept of each simulated call. For player, report and scripts that make tables of their own.
import type { ErrorCode } from '../core/errors.ts';
import type { RouteClass } from '../core/names.ts';
import type { Disclosure } from '../core/reply.ts';

export interface CallRecord {
  readonly tenant: string;
  readonly class: RouteClass;
  readonly run: string | null;
  readonly answersTool: boolean;
  readonly arrivedMs: number;
  /** In line; of a call that got no answer, until it was let go. */
  readonly queueMs: number;
  /** To first content, or the whole of a buffered reply; null: none came. */
  readonly ttftMs: number | null;
  readonly totalMs: number;
  /** Null: it was answered whole. */
  readonly code: ErrorCode | null;
  /** `target/model`; null: none answered. */
  readonly target: string | null;
  /** `pool/n`, from 1, in the order of the pool's workers. */
  readonly workerId: string | null;
  readonly inputTokens: number;
  readonly reusedTokens: number;
  /** What an infinite cache that every worker shares would have had of its prompt. */
  readonly reusableTokens: number;
  /** Made; of a call without a whole answer, what it would have been. */
  readonly outputTokens: number;
  readonly degraded: Disclosure['degraded'];
  readonly attempts: number;
  /** 1 = its caller's first try. */
  readonly tries: number;
  /** What its caller was told to wait, s. */
  readonly retryAfterSeconds: number | null;
}
