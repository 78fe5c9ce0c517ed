// How a worker is chosen among those with room: the parts a profile is made of. For scheduling, its plug-ins and policy.
import type { Hold } from './gate.ts';
import type { Plugin } from './plugin.ts';
import type { AffinityLease } from './runs.ts';
import type { Random } from './runtime.ts';
import type { SlotWorker, WorkerView } from './worker.ts';

/** One call as the scheduler sees it. */
export interface ScheduleCall {
  /** The name that the workers know. */
  readonly model: string;
  readonly inputTokens: number;
  /** Of them, those that must fit into a context at once: of a list, an entry's. */
  readonly contextTokens: number;
  /** Expected tokens of the reply. */
  readonly outputTokens: number;
  /** Where its run was served last in this pool. */
  readonly lease: AffinityLease | null;
  /** Print of what its prompt has in common with other runs; 0 = none. */
  readonly prefix: number;
  /** Zones it may go to; null = all. */
  readonly zones: ReadonlySet<string> | null;
  /** Workers tried for it already: chosen again only when `again` and no other takes it. */
  readonly tried: ReadonlySet<string> | null;
  readonly again: boolean;
  /** For whom a pick that answers `full` holds it; null otherwise. Each pick sets it anew. */
  hold: Hold | null;
  /** It goes where there is no room by a limit that is learned, rather than nowhere. */
  readonly overdue: boolean;
  /** How long it has stood in line by now, ms. */
  waitedMs(nowMs: number): number;
  /** Prompt tokens that this worker has to read anew; null: the worker where they are fewest. */
  uncachedAt(worker: WorkerView | null): number;
}

/** Whether a worker may get a call at all. Health, breaker and room are looked at before any filter. */
export interface WorkerFilter {
  admits(worker: WorkerView, call: ScheduleCall): boolean;
}

/** What choosing a worker costs the call, ms: less is better. */
export interface WorkerScorer {
  /** `home`: where prompts that begin like this one are gathered; null when this one begins like no other. */
  costMs(worker: WorkerView, call: ScheduleCall, nowMs: number, home: WorkerView | null): number;
}

/** Chooses among candidates by their costs. Answers with the place of the chosen one. */
export interface WorkerPicker {
  /** It looks at costs: then a worker that is far slower than the others is passed over as well. */
  readonly weighs: boolean;
  choose(candidates: readonly SlotWorker[], costs: Float64Array, count: number, random: Random): number;
}

/**
 * Knows which workers of a pool have room. Told by the fleet: `changed` after each move of a worker between room and none
 * (or in what it may take), `replace` when the pool's workers are others than before.
 */
export interface WorkerIndex {
  changed(worker: SlotWorker): void;
  replace(workers: readonly SlotWorker[]): void;
}

export type FilterPlugin = Plugin<never, undefined, WorkerFilter>;
export type ScorerPlugin = Plugin<never, undefined, WorkerScorer>;
export type PickerPlugin = Plugin<never, undefined, WorkerPicker>;

/** One part of a profile as a policy names it. */
export interface PartSpec {
  readonly kind: string;
  readonly options: unknown;
}

/** How one kind of pool chooses. */
export interface ProfileSpec {
  readonly name: string;
  readonly filters: readonly PartSpec[];
  readonly scorers: readonly (PartSpec & { readonly weight: number })[];
  readonly picker: PartSpec;
  /**
   * Stay where the prompt is: workers that hold at least this share of it come first, until waiting for one of them costs
   * more than reading it anew elsewhere. That counts as `breakAfterMs` at most, and more the more calls wait. Null: no worker is preferred but by cost.
   */
  readonly sticky: {
    readonly holds: number;
    readonly breakAfterMs: number;
    /** So long a call whose prompt no worker has waits for a full one that would cost it less, ms: half of the difference at most. */
    readonly restMs: number;
  } | null;
}
