// How evenly tenants got what they were entitled to, when not all could get what they asked for. For the report.
import { OUTPUT_WEIGHT } from './constants.ts';
import type { CallRecord } from './record.ts';
import { jain, maxMin } from './statistics.ts';

export interface TenantService {
  readonly tenant: string;
  readonly weight: number;
  /** Virtual tokens: prompt tokens that nobody could have reused, and tokens made at their weight. */
  readonly demanded: number;
  readonly served: number;
  readonly entitled: number;
}

export interface Fairness {
  /** Of served ÷ entitled, over the tenants that asked for anything. */
  readonly jain: number | null;
  readonly tenants: readonly TenantService[];
}

function sizeOf({ inputTokens, reusableTokens, outputTokens }: CallRecord): number {
  return inputTokens - reusableTokens + OUTPUT_WEIGHT * outputTokens;
}

/**
 * Entitlements are max-min shares, by weight, of what was served in each window, summed over the windows: what a tenant did
 * not ask for in one window it is not owed in another. A call counts in the window of its arrival, a repeated one once.
 */
export function fairness(
  records: readonly CallRecord[],
  weightOf: (tenant: string) => number,
  windowMs: number,
): Fairness {
  const names = [...new Set(records.map(({ tenant }) => tenant))].sort();
  const weights = names.map(weightOf);
  const place = new Map(names.map((name, at) => [name, at]));
  const sums = { demanded: names.map(() => 0), served: names.map(() => 0), entitled: names.map(() => 0) };
  for (const window of Map.groupBy(records, ({ arrivedMs }) => Math.floor(arrivedMs / windowMs)).values()) {
    const demanded = names.map(() => 0);
    const served = names.map(() => 0);
    for (const record of window) {
      const at = place.get(record.tenant)!;
      const size = sizeOf(record);
      if (record.tries === 1) demanded[at]! += size;
      if (record.code === null) served[at]! += size;
    }
    // A try in a later window than its first is served there without being asked for there.
    const asked = demanded.map((one, at) => Math.max(one, served[at]!));
    const entitled = maxMin(
      asked,
      weights,
      served.reduce((sum, one) => sum + one, 0),
    );
    for (const at of names.keys()) {
      sums.demanded[at]! += asked[at]!;
      sums.served[at]! += served[at]!;
      sums.entitled[at]! += entitled[at]!;
    }
  }
  const tenants = names.map((tenant, at) => ({
    tenant,
    weight: weights[at]!,
    demanded: sums.demanded[at]!,
    served: sums.served[at]!,
    entitled: sums.entitled[at]!,
  }));
  const shares = tenants.filter(({ entitled }) => entitled > 0).map(({ served, entitled }) => served / entitled);
  return { jain: jain(shares), tenants };
}
