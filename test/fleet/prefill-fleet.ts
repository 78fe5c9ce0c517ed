// Decides how four workers read prompts one after the other, and who gets a call: where first content is expected soonest. For speed's tests.

import { PoolWorker } from '../../src/fleet/worker.ts';
import { Breaker, DEFAULT_BREAKER } from '../../src/upstream/breaker.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { fixedLimit, report } from './fleets.ts';

const BASE_MS = 20;
const TOKENS_PER_MS = 10;
const DECODE_MS = 500;

export interface PrefillWorker {
  readonly worker: PoolWorker;
  /** How many times slower than the others it is. */
  slowness: number;
  /** Reads no prompt to its end any more. */
  hung: boolean;
  got: number;
  freeAtMs: number;
}

export class PrefillFleet {
  readonly clock = new VirtualClock();
  readonly all: PrefillWorker[];
  readonly #random: () => number;

  constructor(count: number, random: () => number) {
    this.#random = random;
    this.all = Array.from({ length: count }, (_, at) => {
      const worker = new PoolWorker({
        id: `p/${at}`,
        headers: [],
        limit: fixedLimit(64).createLimit(),
        state: 'warm',
        breaker: new Breaker(DEFAULT_BREAKER, this.clock, () => 0.5),
        clock: this.clock,
        expectedReadyMs: 0,
      });
      worker.origin = 'http://w';
      return { worker, slowness: 1, hung: false, got: 0, freeAtMs: 0 };
    });
  }

  /** Calls at random moments, so many a second on the mean. */
  run(calls: number, perSecond: number): void {
    for (const each of this.all) each.got = 0;
    for (let i = 0; i < calls; i++) {
      this.clock.advance((-Math.log(1 - this.#random()) * 1_000) / perSecond);
      this.#call(Math.round(500 + 1_000 * this.#random()));
    }
  }

  shareOf(at: number): number {
    return this.all[at]!.got / this.all.reduce((sum, { got }) => sum + got, 0);
  }

  #call(tokens: number): void {
    let best = this.all[0]!;
    let least = Number.POSITIVE_INFINITY;
    const from = Math.floor(this.#random() * this.all.length);
    for (let i = 0; i < this.all.length; i++) {
      const one = this.all[(from + i) % this.all.length]!;
      const { worker } = one;
      if (worker.inFlight >= worker.limit || !worker.admits(this.clock.nowMs(), 'm')) continue;
      const cost = worker.expectedFirstContentMs(tokens);
      if (cost >= least) continue;
      least = cost;
      best = one;
    }
    this.#send(best, tokens);
  }

  #send(to: PrefillWorker, tokens: number): void {
    const { worker } = to;
    const nowMs = this.clock.nowMs();
    to.got++;
    worker.inFlight++;
    worker.backlogTokens += tokens;
    if (to.hung) return;
    const { inFlight, backlogTokens } = worker;
    const begun = worker.begin();
    const readMs = (BASE_MS + tokens / TOKENS_PER_MS) * to.slowness * (0.9 + 0.2 * this.#random());
    to.freeAtMs = Math.max(to.freeAtMs, nowMs) + readMs;
    this.clock.after(to.freeAtMs - nowMs, () => {
      worker.backlogTokens -= tokens;
      const firstContentMs = this.clock.nowMs() - nowMs;
      this.clock.after(DECODE_MS * to.slowness, () => {
        worker.inFlight--;
        worker.record(report({ begun, firstContentMs, uncachedTokens: tokens, inFlight, backlogTokens }));
      });
    });
  }
}
