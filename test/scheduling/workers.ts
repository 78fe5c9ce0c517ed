// Decides what workers and calls look like to a scheduler in tests. For tests of src/scheduling.
import type { ScheduleCall } from '../../src/core/schedule.ts';
import type { SlotWorker } from '../../src/core/worker.ts';
import { filters } from '../../src/scheduling/filters/index.ts';
import { pickers } from '../../src/scheduling/pickers/index.ts';
import type { SchedulingParts } from '../../src/scheduling/scheduler.ts';
import { scorers } from '../../src/scheduling/scorers/index.ts';

export const parts: SchedulingParts = { filters, scorers, pickers };

/** `tokensPerMs` 0: its speed is not known. */
export type TestWorker = SlotWorker & {
  limit: number;
  up: boolean;
  zone: string | null;
  contextTokens: number | null;
  baseMs: number;
  tokensPerMs: number;
  /** Of a reply that comes in one piece; 0: not known. */
  wholeMs: number;
  idleSinceMs: number;
  /** Done of late. */
  work: number;
};

export function worker(id: string, limit: number, more: Partial<TestWorker> = {}): TestWorker {
  return {
    id,
    limit,
    reach: limit,
    inFlight: 0,
    backlogTokens: 0,
    heldTokens: 0,
    seat: -1,
    up: true,
    state: 'warm',
    origin: 'http://w',
    basePath: '',
    versioned: false,
    headers: [],
    replyHeaders: [],
    zone: null,
    contextTokens: null,
    engineLoad: null,
    baseMs: 0,
    tokensPerMs: 0,
    wholeMs: 0,
    idleSinceMs: 0,
    work: 0,
    expectedFirstContentMs(uncachedTokens) {
      return this.tokensPerMs === 0 ? 0 : this.baseMs + (this.backlogTokens + uncachedTokens) / this.tokensPerMs;
    },
    usualFirstContentMs(uncachedTokens) {
      return this.tokensPerMs === 0 ? 0 : this.baseMs + uncachedTokens / this.tokensPerMs;
    },
    recentWork() {
      return this.work;
    },
    usualWholeMs() {
      return this.wholeMs;
    },
    admits() {
      return this.up;
    },
    ...more,
  };
}

/** `held`: tokens of the prompt by worker. */
export interface CallShape extends Partial<Omit<ScheduleCall, 'waitedMs' | 'uncachedAt' | 'tried'>> {
  readonly tried?: readonly string[];
  readonly held?: Readonly<Record<string, number>>;
  readonly waited?: number;
}

export function call({ tried, held = {}, waited = 0, ...more }: CallShape = {}): ScheduleCall {
  const { inputTokens = 1_000 } = more;
  return {
    model: 'm',
    inputTokens,
    contextTokens: inputTokens,
    outputTokens: 100,
    lease: null,
    prefix: 0,
    zones: null,
    tried: tried === undefined ? null : new Set(tried),
    again: true,
    hold: null,
    overdue: false,
    waitedMs: () => waited,
    uncachedAt: (at) => inputTokens - (at === null ? Math.max(0, ...Object.values(held)) : (held[at.id] ?? 0)),
    ...more,
  };
}

/** Numbers in [0, 1) that are the same each time. */
export function lot(seed = 1): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
