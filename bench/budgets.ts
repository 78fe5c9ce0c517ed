// What Spillway may cost, as data. For the report, and for the gate of `--gate` and `--quick`.

export interface Budget {
  readonly mode: string;
  readonly figure: string;
  /** Against the median ratio to bare, or the absolute median. */
  readonly of: 'ratio' | 'absolute';
  readonly atLeast?: number;
  readonly atMost?: number;
}

export const BUDGETED: readonly string[] = ['spillway', 'spillway-package'];

export const BUDGETS: readonly Budget[] = [
  { mode: 'throughput', figure: 'req/s', of: 'ratio', atLeast: 0.65 },
  { mode: 'sequential', figure: 'added p50', of: 'ratio', atMost: 1.6 },
  { mode: 'stream', figure: 'CPU/1,000 chunks', of: 'ratio', atMost: 1.25 },
  { mode: 'large', figure: 'req/s', of: 'ratio', atLeast: 0.4 },
  { mode: 'idle', figure: 'RSS/stream', of: 'absolute', atMost: 64 },
  { mode: 'start', figure: 'first answer', of: 'absolute', atMost: 400 },
];

/** How much worse a quick run may be: it shares its machine and takes one short round. */
export const QUICK_SLACK = 2;

export function met(budget: Budget, value: number, slack: number): boolean {
  if (budget.atLeast !== undefined && value < budget.atLeast / slack) return false;
  return budget.atMost === undefined || value <= budget.atMost * slack;
}
