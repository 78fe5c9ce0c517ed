// Whether what a process holds grows with time, beside what changes with its load. For the soak.

export interface Point {
  readonly minute: number;
  readonly value: number;
  /** Points of one group were taken under like load. */
  readonly group: string;
}

export interface Growth {
  /** A minute. */
  readonly slope: number;
  /** Of the slope, one standard error. */
  readonly error: number;
  readonly mean: number;
}

/** Least squares with a level of its own for each group, so that a change of load is no growth. */
export function growth(points: readonly Point[]): Growth {
  const groups = Map.groupBy(points, ({ group }) => group);
  let spread = 0;
  let together = 0;
  const centred: { x: number; y: number }[] = [];
  for (const members of groups.values()) {
    const x0 = mean(members.map(({ minute }) => minute));
    const y0 = mean(members.map(({ value }) => value));
    for (const { minute, value } of members) {
      const x = minute - x0;
      const y = value - y0;
      centred.push({ x, y });
      spread += x * x;
      together += x * y;
    }
  }
  const free = points.length - groups.size - 1;
  if (free < 1 || spread === 0) throw new Error(`${points.length} points in ${groups.size} groups tell no growth`);
  const slope = together / spread;
  const rest = centred.reduce((sum, { x, y }) => sum + (y - slope * x) ** 2, 0);
  return { slope, error: Math.sqrt(rest / free / spread), mean: mean(points.map(({ value }) => value)) };
}

/** Growth that is no noise (beyond two standard errors) and would be seen: more than `least` over the time. */
export function grows({ slope, error }: Growth, minutes: number, least: number): boolean {
  return slope - 2 * error > 0 && slope * minutes > least;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
