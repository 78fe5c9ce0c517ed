// Every metric: its name, kind, labels and meaning. For the runtimes that export them and for docs/metrics.md.

export interface MetricSpec {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

/** Which call: its class, the target that answered, and who pays. */
const CALL = ['class', 'target', 'tenant'] as const;

export const METRICS = {
  spillway_requests_total: { kind: 'counter', labels: [...CALL, 'how', 'code'], help: 'Calls that have ended.' },
  spillway_queue_seconds: { kind: 'histogram', labels: CALL, help: 'Time that calls stood in line.' },
  spillway_ttft_seconds: { kind: 'histogram', labels: CALL, help: 'From the head of a call to its first content.' },
  spillway_tokens_total: { kind: 'counter', labels: [...CALL, 'kind'], help: 'Tokens as the targets reported them.' },
  spillway_cost_usd_total: {
    kind: 'counter',
    labels: CALL,
    help: 'What calls cost the operator, over all their attempts, US dollars.',
  },
  spillway_charge_usd_total: {
    kind: 'counter',
    labels: CALL,
    help: 'What tenants were charged for calls, US dollars.',
  },
  spillway_attempts_total: { kind: 'counter', labels: CALL, help: 'Tries of calls at workers and providers.' },
  spillway_degraded_total: { kind: 'counter', labels: [...CALL, 'reason'], help: 'Calls that a substitute answered.' },
  spillway_shed_total: {
    kind: 'counter',
    labels: ['reason', ...CALL],
    help: 'Times that a line or the process itself let a call go.',
  },
  spillway_quota_denied_total: {
    kind: 'counter',
    labels: ['kind', 'tenant'],
    help: 'Calls that a limit of their tenant refused.',
  },
  spillway_quota_dry_run_total: {
    kind: 'counter',
    labels: ['kind', 'tenant'],
    help: 'Calls that a limit in dry run would have refused.',
  },
  spillway_store_errors_total: { kind: 'counter', labels: ['store', 'op'], help: 'Times that a store failed.' },
  spillway_reserved_tokens: { kind: 'gauge', labels: [], help: 'Tokens held of limits for calls in flight.' },
  spillway_reserved_usd: { kind: 'gauge', labels: [], help: 'Money that is held for calls in flight, US dollars.' },
  spillway_ledger_up: { kind: 'gauge', labels: [], help: '1 while the ledger can be written, else 0.' },
  spillway_ledger_waiting_records: { kind: 'gauge', labels: [], help: 'Records that wait to be written.' },
  spillway_ledger_lost_records_total: {
    kind: 'counter',
    labels: [],
    help: 'Records that were given up since there was no room to keep them any longer.',
  },
  spillway_queue_depth: {
    kind: 'gauge',
    labels: ['class', 'priority', 'target', 'tenant'],
    help: 'Calls that stand in line.',
  },
  spillway_in_flight: { kind: 'gauge', labels: ['target'], help: 'Calls at the workers of a target.' },
  spillway_limit: { kind: 'gauge', labels: ['target', 'worker'], help: 'Calls that a worker takes at once.' },
  spillway_saturation: {
    kind: 'gauge',
    labels: ['target'],
    help: 'Calls at a target and in line for it, as a share of what it takes at once; 1 is full.',
  },
  spillway_breaker_state: {
    kind: 'gauge',
    labels: ['target', 'worker'],
    help: '0 closed, 1 half-open, 2 open.',
  },
  spillway_slo_burn_rate: {
    kind: 'gauge',
    labels: ['class', 'window'],
    help: 'Share of bad calls as a multiple of what the objective allows.',
  },
  spillway_loop_lag_seconds: { kind: 'gauge', labels: [], help: 'How late the event loop has run lately.' },
  spillway_heap_share: { kind: 'gauge', labels: [], help: 'Old generation in use as a share of what there may be.' },
  spillway_pressure_step: {
    kind: 'gauge',
    labels: [],
    help: 'Step of the overload ladder of the process, 0 to 5.',
  },
} as const satisfies Record<string, MetricSpec>;

export type MetricName = keyof typeof METRICS;

/** One line of a metric. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One histogram: calls at most so long, by bound, and how long all of them took. */
export interface BucketSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly bounds: readonly number[];
  /** As many as bounds and one more, for what is above them; not cumulative. */
  readonly counts: ArrayLike<number>;
  readonly sum: number;
}

/** All there is to say of one metric at this moment. */
export interface Family {
  readonly name: MetricName;
  readonly samples: readonly Sample[];
  readonly buckets: readonly BucketSample[];
}

export function family(name: MetricName, samples: readonly Sample[]): Family {
  return { name, samples, buckets: [] };
}

/** What a label says of whatever has no label of its own: more names than there is room for, or one that is no plain text. */
export const OTHER = 'other';
/** Where there is nobody: no target answered, no tenant is known yet. */
export const NONE = 'none';

const MAX_LABEL = 128;

/**
 * A label's text, `OTHER` unless it can be written as it is. Text that would have to be changed to be written could become
 * the name of another.
 */
export function labelText(text: string): string {
  const plain =
    text.length > 0 &&
    text.length <= MAX_LABEL &&
    text.isWellFormed() &&
    !/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(text);
  return plain ? text : OTHER;
}
