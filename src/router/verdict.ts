// The one place that decides how a call is refused once its ladder is spent: 429 or 503, and when to come back. For router/dispatch.
import { RouterError } from '../core/errors.ts';
import type { Reason } from '../core/names.ts';
import { DEFAULT_WAIT_MS, retryAfterSeconds } from '../core/retry-after.ts';
import type { Random } from '../core/runtime.ts';

/** What became of one rung. `waitMs`: when another look is worth it; null when nothing tells. */
export interface RungFailure {
  readonly target: string;
  readonly error: RouterError;
  readonly waitMs: number | null;
  /** When a caller who is told so is to come back, ms: asked once, for its turn is booked. Without it: after `waitMs`. */
  readonly book?: () => number;
}

/** Of the operator's accounts, and of the caller's own limits. */
const NO_MONEY: ReadonlySet<string> = new Set(['upstream_unfunded', 'project_spend_limit_exceeded']);

/**
 * Contention before cold before failure: when any rung would serve once a slot comes free, the answer is 429; when some
 * model is on its way up, 503 with the time to ready; when an attempt was made and failed, what the last one said;
 * else every target is known to be down: 503.
 */
export function verdict(failures: readonly RungFailure[], attempts: number, random: Random): RouterError {
  const soonest = (reason: Reason): RungFailure | undefined =>
    failures.filter((failure) => failure.error.reason === reason).sort(bySoonest)[0];
  const names = [...new Set(failures.map((failure) => failure.target))].join(', ');
  const hint = (failure: RungFailure | undefined) =>
    retryAfterSeconds(failure?.book?.() ?? failure?.waitMs ?? null, random);

  const full = soonest('saturated');
  if (full !== undefined) {
    return new RouterError('capacity_contended', `All capacity for this model is in use (${names}).`, {
      reason: 'saturated',
      attempts,
      retryAfterSeconds: hint(full),
    });
  }
  const cold = soonest('cold');
  if (cold !== undefined) {
    const readyInSeconds = Math.max(1, Math.ceil((cold.waitMs ?? DEFAULT_WAIT_MS) / 1000));
    return new RouterError('model_warming', `${cold.target} is starting; it is expected in ${readyInSeconds} s.`, {
      reason: 'cold',
      attempts,
      readyInSeconds,
      retryAfterSeconds: hint(cold),
    });
  }
  const last = failures.at(-1);
  // Where money is all that is missing, coming back is no use, whether or not somebody was just told so.
  if (last !== undefined && failures.every(({ error }) => NO_MONEY.has(error.code))) {
    return last.error.with({ attempts });
  }
  if (last === undefined || attempts === 0) {
    return new RouterError('server_is_overloaded', `No target can serve this model now: ${names} failing.`, {
      attempts,
      retryAfterSeconds: hint(soonest('failing')),
    });
  }
  return last.error.with(last.error.waits ? { attempts, retryAfterSeconds: hint(last) } : { attempts });
}

function bySoonest(a: RungFailure, b: RungFailure): number {
  return (a.waitMs ?? Number.POSITIVE_INFINITY) - (b.waitMs ?? Number.POSITIVE_INFINITY);
}
