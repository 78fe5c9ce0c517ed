// A full pool with a full line before it, and the two decisions that keep it so. For the decision bench.
import type { Permit } from '../../src/core/gate.ts';
import type { Random } from '../../src/core/runtime.ts';
import { type Ask, askers, placed } from '../pool/askers.ts';
import { PoolClock } from '../pool/pool-clock.ts';
import { openStand, type Stand } from '../pool/stand.ts';
import type { Sample } from './pauses.ts';

export interface CrowdSize {
  readonly workers: number;
  readonly slots: number;
  readonly tenants: number;
  readonly waiting: number;
}

/** A slot is given back only after so many calls have got theirs: then the pool knows how long slots are held. */
const KNOWN = 1_000;
/** How long a call of the pool holds its slot, ms, in the mean: time goes on by that and the number of slots. */
const SLOT_MS = 10_000;

export class Crowd {
  readonly #clock = new PoolClock();
  readonly #stand: Stand;
  readonly #ask: Ask;
  readonly #size: CrowdSize;
  readonly #random: Random;
  readonly #open: Permit[] = [];
  /** Calls that the gate let go, by reason. */
  readonly refused = new Map<string, number>();

  constructor(size: CrowdSize, random: Random) {
    this.#size = size;
    this.#random = random;
    this.#stand = openStand({
      workers: size.workers,
      slots: size.slots,
      maxWaiting: size.waiting,
      random,
      clock: this.#clock,
    });
    this.#ask = askers(size.tenants, this.#stand, random);
  }

  get waiting(): number {
    return this.#stand.gate.waiting;
  }

  get inFlight(): number {
    return this.#stand.gate.inFlight;
  }

  /** Fills all slots, and then the line. */
  async fill(): Promise<void> {
    const { workers, slots, waiting } = this.#size;
    for (let call = 0; call < KNOWN; call++) {
      this.enter();
      this.#open.pop()!.close('won', 900);
    }
    while (this.inFlight < workers * slots) this.enter();
    while (this.waiting < waiting) this.enter();
    await null;
  }

  /** A call comes: what was decided by the time that the gate has answered, or has taken it into line. */
  enter(): Sample {
    const progress = this.#ask(Math.floor(this.#random() * this.#size.tenants));
    const startMs = performance.now();
    const nowMs = this.#clock.nowMs();
    const call = placed(this.#stand, progress, nowMs);
    const answer = this.#stand.gate.acquire(call, (pickMs) => this.#stand.choose(call, pickMs));
    const endMs = performance.now();
    if (answer instanceof Promise) void answer.then((later) => this.#answered(later));
    else this.#answered(answer);
    return { startMs, endMs };
  }

  /** A slot comes free and is the next call's. */
  release(): Sample {
    const at = Math.floor(this.#random() * this.#open.length);
    const permit = this.#open[at]!;
    this.#open[at] = this.#open.at(-1)!;
    this.#open.pop();
    const used = 300 + this.#random() * 6_000;
    const startMs = performance.now();
    permit.close('won', used);
    return { startMs, endMs: performance.now() };
  }

  /** Time goes on until the next slot comes free. A sample where the line was looked at meanwhile, as four times a second. */
  passTime(): Sample | null {
    const { workers, slots } = this.#size;
    const startMs = performance.now();
    const ran = this.#clock.advance(SLOT_MS / (workers * slots));
    return ran === 0 ? null : { startMs, endMs: performance.now() };
  }

  async close(): Promise<void> {
    await this.#stand.close();
  }

  #answered(answer: Permit | { readonly refused: string }): void {
    if ('refused' in answer) this.refused.set(answer.refused, (this.refused.get(answer.refused) ?? 0) + 1);
    else {
      // Half of them have begun: the other half is still to be read.
      if (this.#random() < 0.5) answer.began();
      this.#open.push(answer);
    }
  }
}
