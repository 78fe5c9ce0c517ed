// Medians and spread of rounds. For the table and the ledger.

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: number;
}

export function summary(values: readonly number[]): Summary {
  if (values.length === 0) throw new Error('a summary of no rounds');
  if (!values.every(Number.isFinite)) throw new Error(`a round without a figure: ${values.join(', ')}`);
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)!, rounds: sorted.length };
}

/** Pairs the rounds, so that a neighbour's burst which hits both sides of a round cancels out. */
export function ratios(values: readonly number[], reference: readonly number[]): number[] {
  return values.slice(0, reference.length).map((value, round) => value / reference[round]!);
}
