// How many calls a tenant may make in a minute: one rule. For admission.
import type { TenantLimits } from '../core/plan.ts';
import type { RateLimit } from '../core/quota.ts';

const MINUTE_MS = 60_000;

export function requestLimit(tenant: string, { requests }: TenantLimits): RateLimit | null {
  if (requests === null) return null;
  const { perMinute, burst, dryRun } = requests;
  return { kind: 'rate', bucket: `${tenant} requests`, limit: perMinute, periodMs: MINUTE_MS, burst, dryRun };
}

export function requestsUsedUp(tenant: string, limit: RateLimit, seconds: number): string {
  return `${tenant} has used its ${limit.limit} requests per minute. Next in ${seconds} s.`;
}
