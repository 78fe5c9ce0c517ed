// Decides how an engine with so many slots behaves behind a limit: what exceeds the slots waits inside it, unseen. For limits' tests.
import type { Limit } from '../../../src/core/limit.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

export interface SlotEngineOptions {
  readonly slots: number;
  /** Before first content, in a slot: fixed, and per prompt token. */
  readonly baseMs: number;
  readonly perTokenMs: number;
  /** After first content, in the slot. */
  readonly decodeMs: number;
  /** In [0, 1). */
  readonly random: () => number;
  tokens?(): number;
}

interface Call {
  readonly beganMs: number;
  readonly inFlight: number;
  readonly tokens: number;
}

/** Calls come as fast as the limit lets them (`saturate`) or one by one (`offer`); each tells the limit of itself at its end. */
export class SlotEngine {
  readonly clock: VirtualClock;
  /** All times in it are multiplied by this: a slow spell. */
  slowness = 1;
  inFlight = 0;
  served = 0;
  readonly #options: SlotEngineOptions;
  #limit: Limit | null = null;
  #busy = 0;
  #queue: Call[] = [];
  #saturated = false;

  constructor(options: SlotEngineOptions, clock = new VirtualClock()) {
    this.#options = options;
    this.clock = clock;
  }

  behind(limit: Limit): this {
    this.#limit = limit;
    return this;
  }

  saturate(on: boolean): void {
    this.#saturated = on;
    this.#fill();
  }

  /** False: the limit had no room. */
  offer(): boolean {
    if (this.inFlight >= Math.floor(this.#limit!.value)) return false;
    this.inFlight++;
    const tokens = this.#options.tokens?.() ?? 1_000;
    this.#queue.push({ beganMs: this.clock.nowMs(), inFlight: this.inFlight, tokens });
    this.#serve();
    return true;
  }

  /** Runs until so many calls more have ended. */
  run(calls: number): void {
    const until = this.served + calls;
    while (this.served < until) this.clock.advance(this.clock.nextInMs ?? 1_000);
  }

  #fill(): void {
    while (this.#saturated && this.offer());
  }

  #serve(): void {
    const { slots, baseMs, perTokenMs, decodeMs, random } = this.#options;
    while (this.#busy < slots && this.#queue.length > 0) {
      const call = this.#queue.shift()!;
      this.#busy++;
      const even = () => this.slowness * (0.8 + 0.4 * random());
      const contentMs = (baseMs + perTokenMs * call.tokens) * even();
      const firstContentMs = this.clock.nowMs() + contentMs - call.beganMs;
      this.clock.after(contentMs + decodeMs * even(), () => {
        this.#busy--;
        this.inFlight--;
        this.served++;
        this.#limit!.sample({ firstContentMs, uncachedTokens: call.tokens, inFlight: call.inFlight, dropped: false });
        this.#serve();
        this.#fill();
      });
    }
  }
}

/** Park–Miller: the same numbers in each run. */
export function seeded(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state - 1) / 2_147_483_646;
  };
}
