// Percentiles, and how fairly something was shared. For the report and scripts.

/** Nearest rank; null where there is nothing. */
export function percentile(values: readonly number[], share: number): number | null {
  return ranked(
    [...values].sort((a, b) => a - b),
    share,
  );
}

export interface Percentiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

export function percentiles(values: readonly number[]): Percentiles {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50: ranked(sorted, 0.5), p95: ranked(sorted, 0.95), p99: ranked(sorted, 0.99) };
}

function ranked(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}

/** 1 = all equal, 1/n = one has everything (Jain, Chiu and Hawe, 1984); null where there is nothing. */
export function jain(shares: readonly number[]): number | null {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share * share, 0);
  return squares === 0 ? null : (sum * sum) / (shares.length * squares);
}

/** What each is entitled to of a capacity, by weight, when nobody gets more than it asks for: weighted max-min. */
export function maxMin(demands: readonly number[], weights: readonly number[], capacity: number): number[] {
  const shares = demands.map(() => 0);
  // Whoever wants least for its weight is served whole first, and leaves the rest to the others.
  const order = demands.map((_, at) => at).sort((a, b) => demands[a]! / weights[a]! - demands[b]! / weights[b]!);
  let left = capacity;
  let weight = weights.reduce((total, one) => total + one, 0);
  for (const at of order) {
    shares[at] = Math.min(demands[at]!, (left * weights[at]!) / weight);
    left -= shares[at]!;
    weight -= weights[at]!;
  }
  return shares;
}
