// Decides how a pool with slots lives in virtual time: calls come, hold a slot for their time and go. For tests of the gate.
import type { Gate, GateCall, GateRefusal, Permit } from '../../src/core/gate.ts';
import type { GateOptions } from '../../src/flow/gate.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { gateCall, gateRules, on } from './calls.ts';
import { slotWorker, type TestWorker } from './slots.ts';

export interface Job {
  readonly call: Partial<GateCall>;
  /** What it really uses, virtual tokens, and how long it holds its slot. */
  readonly usedTokens: number;
  readonly serviceMs: number;
  /** It has a slot; not told of calls that were let go. */
  readonly granted?: (waitedMs: number) => void;
  readonly ended?: () => void;
  readonly refused?: (refusal: GateRefusal) => void;
}

export class PoolSim {
  readonly clock = new VirtualClock();
  readonly worker: TestWorker;
  readonly gate: Gate;
  /** Virtual tokens really used, by tenant, counted when the slot is given. */
  readonly served = new Map<string, number>();
  grants = 0;

  constructor(
    makeGate: (options: GateOptions) => Gate,
    slots: number,
    rules = gateRules({ line: { maxWaiting: 1e6 } }),
  ) {
    this.worker = slotWorker('w', slots);
    this.gate = makeGate({ clock: this.clock, rules, capacity: () => this.worker.limit });
  }

  submit(job: Job): void {
    const call = gateCall({ maxWaitMs: 1e12, bytes: 0, ...job.call });
    const answer = this.gate.acquire(call, on(this.worker));
    if (answer instanceof Promise) void answer.then((later) => this.#told(call, job, later));
    else this.#told(call, job, answer);
  }

  /** Runs until `done`, or until nothing is left to happen. */
  async run(done: () => boolean): Promise<void> {
    // What was promised is heard of before time goes on.
    for (await turn(); !done(); await turn()) {
      const nextMs = this.clock.nextInMs;
      if (nextMs === undefined) return;
      this.clock.advance(nextMs);
    }
  }

  async runFor(ms: number): Promise<void> {
    const untilMs = this.clock.nowMs() + ms;
    this.clock.after(ms, () => {});
    await this.run(() => this.clock.nowMs() >= untilMs);
  }

  #told(call: GateCall, job: Job, answer: Permit | GateRefusal): void {
    if ('refused' in answer) {
      job.refused?.(answer);
      return;
    }
    this.grants++;
    this.served.set(call.tenant, (this.served.get(call.tenant) ?? 0) + job.usedTokens);
    this.clock.after(job.serviceMs, () => {
      answer.close('won', job.usedTokens);
      job.ended?.();
    });
    job.granted?.(answer.waitedMs);
  }
}

/** Enough microtasks for a promise and what hangs on it. */
async function turn(): Promise<void> {
  for (let tick = 0; tick < 4; tick++) await null;
}

/** Numbers in [0, 1), the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** 1 = all have the same, 1/n = one has it all. */
export function jainIndex(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share * share, 0);
  return (sum * sum) / (shares.length * squares);
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
