// Calls come at a rate, whether or not earlier ones have ended; counts how they end. For the soak.
import { setTimeout } from 'node:timers/promises';
import type { Random } from '../../src/core/runtime.ts';
import { exponential } from '../../src/simulation/chance.ts';
import type { Caller, Kind } from './calls.ts';

/** A bound that no healthy run comes near: lines are short, so what waits longer than that is lost. */
const MOST_OPEN = 1_000;
const LOOK_MS = 5;

export class Load {
  /** Calls a second; 0 = none come. */
  rate = 0;
  open = 0;
  readonly counts = new Map<string, number>();
  readonly #caller: Caller;
  readonly #random: Random;
  #stopped = false;

  constructor(caller: Caller, random: Random) {
    this.#caller = caller;
    this.#random = random;
  }

  /** Poisson arrivals, until `stop`. */
  async run(): Promise<void> {
    let nextMs = performance.now();
    while (!this.#stopped) {
      const nowMs = performance.now();
      if (this.rate === 0) nextMs = nowMs;
      else {
        for (; nextMs <= nowMs; nextMs += exponential(this.#random, 1_000 / this.rate)) {
          if (this.open < MOST_OPEN) void this.#one();
          else this.#count('wrong: too many are open');
        }
      }
      await setTimeout(LOOK_MS);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Calls a second that complete with so many callers at once: what the workers can do at most. */
  async capacity(callers: number, ms: number): Promise<number> {
    const untilMs = performance.now() + ms;
    const kinds: readonly Kind[] = ['stream', 'whole'];
    let ended = 0;
    await Promise.all(
      Array.from({ length: callers }, async () => {
        while (performance.now() < untilMs) {
          const { ended: how } = await this.#caller.call(this.#random, kinds[ended++ % 2]!);
          this.#count(`calibration: ${how}`);
        }
      }),
    );
    return (this.counts.get('calibration: complete') ?? 0) / (ms / 1_000);
  }

  async #one(): Promise<void> {
    this.open++;
    const { kind, ended } = await this.#caller.call(this.#random);
    this.open--;
    this.#count(ended.startsWith('wrong') ? ended : `${kind} ${ended}`);
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}
