// The decisions of a crowded pool, one by one, by the clock. For the decision bench.
import { setImmediate } from 'node:timers/promises';
import type { Random } from '../../src/core/runtime.ts';
import { Crowd, type CrowdSize } from './crowd.ts';
import { outside, Pauses, type Quantiles, quantiles, type Sample } from './pauses.ts';

export interface Effort {
  readonly turns: number;
  readonly warm: number;
}

export interface Timed {
  readonly name: string;
  /** The router promises how long it takes. */
  readonly budgeted: boolean;
  readonly all: Quantiles;
  readonly outsidePauses: Quantiles;
}

export interface Timings {
  readonly decisions: readonly Timed[];
  /** Collections of garbage while it was timed: most run between two decisions. */
  readonly pauses: { readonly count: number; readonly longestMs: number; readonly share: number };
}

/** Turns between two turns of the event loop, in which timers and collectors' reports have their say. */
const TURNS_AT_ONCE = 64;
/** Plain counting that takes about as long as a decision: what it takes at worst is the machine's own doing. */
const COUNTS = 15_000;

export async function timed(size: CrowdSize, random: Random, { turns, warm }: Effort): Promise<Timings> {
  const crowd = new Crowd(size, random);
  await crowd.fill();
  const releases: Sample[] = [];
  const enters: Sample[] = [];
  const overfull: Sample[] = [];
  const looks: Sample[] = [];
  const plain: Sample[] = [];
  /** One out, one in, and one more for whom another gives way: the line stays as long as it is. */
  const turn = async (at: number) => {
    const look = crowd.passTime();
    if (look !== null) looks.push(look);
    releases.push(crowd.release());
    await null;
    enters.push(crowd.enter());
    overfull.push(crowd.enter());
    plain.push(counting());
    if (at % TURNS_AT_ONCE === 0) await setImmediate();
  };
  for (let at = 0; at < warm; at++) await turn(at);
  for (const samples of [releases, enters, overfull, looks, plain]) samples.length = 0;
  crowd.refused.clear();
  const sinceMs = performance.now();
  const pauses = new Pauses();
  for (let at = 0; at < turns; at++) await turn(at);
  const found = await pauses.end();
  const lengthsMs = found.map(({ startMs, endMs }) => endMs - startMs);
  const share = lengthsMs.reduce((sum, ms) => sum + ms, 0) / (performance.now() - sinceMs);
  check(crowd, size, turns);
  await crowd.close();
  const told = (name: string, budgeted: boolean, samples: readonly Sample[]): Timed => {
    return { name, budgeted, all: quantiles(samples), outsidePauses: quantiles(outside(samples, found)) };
  };
  const decisions = [
    told('a slot comes free, the next call has it', true, releases),
    told('a call comes: forecast, place in line', true, enters),
    told('a call comes to a full line: another gives way', true, overfull),
    told('a timer of the line', false, looks),
    told('for comparison: plain counting', false, plain),
  ];
  return { decisions, pauses: { count: found.length, longestMs: Math.max(0, ...lengthsMs), share } };
}

/** The figures are of this crowd and no other. */
function check(crowd: Crowd, { workers, slots, waiting }: CrowdSize, turns: number): void {
  const letGo = [...crowd.refused].map(([reason, calls]) => `${calls} ${reason}`).join(', ');
  if (crowd.inFlight !== workers * slots || crowd.waiting !== waiting || letGo !== `${turns} queue_full`)
    throw new Error(`${crowd.inFlight} in flight, ${crowd.waiting} in line, let go: ${letGo}`);
}

function counting(): Sample {
  const startMs = performance.now();
  let sum = 0;
  for (let count = 0; count < COUNTS; count++) sum += count & 7;
  const endMs = performance.now();
  if (sum < 0) throw new Error('counting went wrong');
  return { startMs, endMs };
}
