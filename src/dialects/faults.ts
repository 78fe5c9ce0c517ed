// What an error object inside a 200 means, whoever's dialect it is told in, and what ours say alike. For the dialects.
import { RouterError } from '../core/errors.ts';

const MONEY = /insufficient_quota|billing|spend|credit/;
const BUSY = /rate_limit|overload|too_many|capacity|slow_down|unavailable|exhausted/;

/** Its own text is never passed on: it may hold keys or prompts. */
export function inBandFault(value: unknown): RouterError {
  const error = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const status = [error['code'], error['status'], error['status_code']].find((part) => typeof part === 'number');
  const words = [error['type'], error['code'], error['status']]
    .filter((part) => typeof part === 'string')
    .join(' ')
    .toLowerCase();
  if (MONEY.test(words)) {
    return new RouterError('upstream_unfunded', 'The account behind the target has run out of money.');
  }
  if (status === 429 || status === 503 || status === 529 || BUSY.test(words)) {
    return new RouterError('worker_full', 'The target said inside its reply that it is full.', {
      reason: 'saturated',
      rateLimit: status === 429 || /rate_limit/.test(words),
    });
  }
  if (status === 400 || status === 422) {
    return new RouterError('refused_by_target', 'The target refused the request as invalid, inside its reply.');
  }
  return new RouterError('upstream_error', 'The target reported an error inside its reply.');
}

/** What waiting cures only at a known time says that time in the body; nothing else has the field. */
export function resetsAt({ detail }: RouterError): { readonly resets_at?: string } {
  return detail.resetsAtMs === undefined ? {} : { resets_at: new Date(detail.resetsAtMs).toISOString() };
}
