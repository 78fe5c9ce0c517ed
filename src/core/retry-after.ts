// When a refused caller is told to come back. For whoever refuses: admission and router.
import type { Random } from './runtime.ts';

/** Clients give up or ignore hints beyond a minute (docs/errors.md), so no hint is longer than this, seconds. */
const MAX_HINT_SECONDS = 55;
/** Where nothing tells. */
export const DEFAULT_WAIT_MS = 1_000;

/** Whole seconds from 1 to 55, spread by ± 20 % so that refused callers do not come back in step. */
export function retryAfterSeconds(waitMs: number | null, random: Random): number {
  const seconds = ((waitMs ?? DEFAULT_WAIT_MS) / 1000) * (0.8 + 0.4 * random());
  return Math.min(MAX_HINT_SECONDS, Math.max(1, Math.ceil(seconds)));
}

/** The same where the time is known: never sooner, or half of those who come back as told would be refused again. */
export function retryAfterExactly(waitMs: number, random: Random): number {
  const seconds = (waitMs / 1000) * (1 + 0.2 * random());
  return Math.min(MAX_HINT_SECONDS, Math.max(1, Math.ceil(seconds)));
}
