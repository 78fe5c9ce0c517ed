// What the run asks of the load process, and what it gets back. For run.ts and load/main.ts.
import type { WorkloadName } from '../workload.ts';

/** How a proxy is spoken to. */
export interface Address {
  readonly port: number;
  readonly path: string;
  /** Beyond host, content-type, content-length and a bearer key. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A closed loop over `connections` until level, then for `measureMs`. */
export interface MeasureJob {
  readonly kind: 'measure';
  readonly address: Address;
  /** Whose CPU time is read; null for the direct way. */
  readonly pid: number | null;
  /** The proxy's own core; null when it is not pinned. */
  readonly core: number | null;
  readonly workload: WorkloadName;
  readonly connections: number;
  readonly windowMs: number;
  /** Bounds on the warming, whether level or not. */
  readonly minWarmMs: number;
  readonly maxWarmMs: number;
  readonly measureMs: number;
}

export interface Measured {
  readonly kind: 'measured';
  readonly replies: number;
  /** HTTP chunks received, of streams. */
  readonly frames: number;
  readonly elapsedMs: number;
  /** Of the proxy; 0 for the direct way. */
  readonly cpuMs: number;
  /** Time that others had the proxy's core; 0 where it has none of its own. */
  readonly othersMs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly level: boolean;
  /** Quiet slices were too rare, so the noisy ones are in the figures. */
  readonly disturbed: boolean;
}

/** Asks until one request is answered; connection refusals are retried every other ms. */
export interface FirstAnswerJob {
  readonly kind: 'first_answer';
  readonly address: Address;
  readonly deadlineMs: number;
}

export interface FirstAnswer {
  readonly kind: 'first_answered';
  /** Epoch ms with fractions. */
  readonly atMs: number;
}

/** Opens streams and holds them after their first event, until `release`. */
export interface HoldJob {
  readonly kind: 'hold';
  readonly address: Address;
  readonly streams: number;
}

export interface ReleaseJob {
  readonly kind: 'release';
}

export interface Done {
  readonly kind: 'held' | 'released';
}

export interface Failed {
  readonly kind: 'failed';
  readonly reason: string;
}

export type Job = MeasureJob | FirstAnswerJob | HoldJob | ReleaseJob;
export type Outcome = Measured | FirstAnswer | Done | Failed;
