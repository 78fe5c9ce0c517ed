// When calls come: at random, in bursts, phase after phase. For the simulations that claims rest on.
import type { Random } from '../../../src/core/runtime.ts';
import type { CallSpec } from '../../../src/simulation/call.ts';
import { exponential } from '../../../src/simulation/chance.ts';
import { type Script, single } from '../../../src/simulation/script.ts';
import { CALL } from '../staged.ts';

export interface Phase {
  readonly perSecond: number;
  readonly seconds: number;
}

/** How calls of a phase are spread: Poisson, or all of a second's within its first 20 ms. */
export type Shape = 'poisson' | 'bursts';

const BURST_MS = 20;

/** Moments of arrival, ms, in order. */
export function arrivals(phases: readonly Phase[], shape: Shape, random: Random): number[] {
  const moments: number[] = [];
  let fromMs = 0;
  for (const { perSecond, seconds } of phases) {
    const untilMs = fromMs + seconds * 1_000;
    const gapMs = 1_000 / perSecond;
    for (let atMs = fromMs + exponential(random, gapMs); atMs < untilMs; atMs += exponential(random, gapMs)) {
      moments.push(shape === 'poisson' ? atMs : Math.floor(atMs / 1_000) * 1_000 + ((atMs % 1_000) * BURST_MS) / 1_000);
    }
    fromMs = untilMs;
  }
  return moments;
}

/** One call at each moment. */
export function callsAt(moments: readonly number[], call: (at: number) => Partial<CallSpec>): Script[] {
  return moments.map((atMs, at) => single(atMs, { ...CALL, ...call(at) }));
}

/** Scripts of several callers in one order of time. */
export function together(...all: readonly (readonly Script[])[]): Script[] {
  return all.flat().sort((a, b) => a.startMs - b.startMs);
}
