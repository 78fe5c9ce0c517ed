// How many tokens a tenant may use in a minute, of prompts read anew and of replies: one rule. For admission.
import type { TenantLimits } from '../core/plan.ts';
import type { RateLimit } from '../core/quota.ts';

const MINUTE_MS = 60_000;

export function tokenLimit(tenant: string, { uncachedTokens }: TenantLimits): RateLimit | null {
  if (uncachedTokens === null) return null;
  const { perMinute, burst, dryRun } = uncachedTokens;
  return { kind: 'rate', bucket: `${tenant} tokens`, limit: perMinute, periodMs: MINUTE_MS, burst, dryRun };
}

/** Whole: a limit has no halves. */
export function tokensOf(uncachedTokens: number, outputTokens: number): number {
  return Math.ceil(uncachedTokens + outputTokens);
}

export function tokensUsedUp(tenant: string, limit: RateLimit, seconds: number): string {
  return `${tenant} has used its ${limit.limit} uncached tokens per minute. Next in ${seconds} s.`;
}

export function tooManyTokens(tenant: string, limit: RateLimit, tokens: number): string {
  return (
    `This call is expected to use ${tokens} tokens, and ${tenant} may use ${limit.burst} at once ` +
    `(${limit.limit} uncached tokens per minute). Shorten the prompt or lower the longest reply.`
  );
}
