// Jobs for simulated engines that note when each thing happened to them. For the tests of worker models.
import type { Clock } from '../../src/core/runtime.ts';
import type { Cancel, EngineModel } from '../../src/simulation/engine-model.ts';

export interface NotedJob {
  startedMs: number | null;
  contentMs: number | null;
  endedMs: number | null;
  cutMs: number | null;
  cachedTokens: number;
  answer: Cancel | 'full' | 'too_long';
}

export interface JobSize {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly blocks?: readonly number[];
  readonly blockTokens?: number;
  readonly isKnown?: boolean;
}

export function submit(engine: EngineModel, clock: Clock, size: JobSize): NotedJob {
  const { inputTokens = 0, outputTokens = 1, blocks = [], blockTokens = 100, isKnown = false } = size;
  const noted: NotedJob = {
    startedMs: null,
    contentMs: null,
    endedMs: null,
    cutMs: null,
    cachedTokens: 0,
    answer: 'full',
  };
  noted.answer = engine.submit({
    inputTokens,
    outputTokens,
    blocks,
    blockTokens,
    isKnown,
    started(cachedTokens) {
      noted.startedMs = clock.nowMs();
      noted.cachedTokens = cachedTokens;
    },
    content() {
      noted.contentMs = clock.nowMs();
    },
    ended() {
      noted.endedMs = clock.nowMs();
    },
    cut() {
      noted.cutMs = clock.nowMs();
    },
  });
  return noted;
}

/** 100, 101, … */
export const blocksFrom = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, at) => first + at);
