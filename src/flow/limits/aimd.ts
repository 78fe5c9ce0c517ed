// A limit that feels its way up one by one and steps back by a tenth. For servers that say clearly when they are full.
import { z } from 'zod';
import type { Limit, LimitDeps, LimitSample } from '../../core/limit.ts';
import type { Plugin } from '../../core/plugin.ts';
import type { Clock } from '../../core/runtime.ts';
import { type Bounds, bounds, median, within } from './bounds.ts';
import { contentMs, PromptLine } from './prompt-line.ts';

const options = z.strictObject({
  ...bounds,
  timeoutMs: z
    .int()
    .min(1)
    .max(3_600_000)
    .default(5_000)
    .describe('A first content that takes longer is too slow, ms.'),
});

type AimdOptions = z.output<typeof options>;

const BACK_OFF = 0.9;
const WINDOW_MS = 1_000;
const WINDOW_SAMPLES = 10;
/** Times kept of one window; of a flood the newest tell enough. */
const MOST_TIMES = 512;

/**
 * A window lasts at least 1 s and 10 samples. One in which at least half of the limit was used raises it by 1; one whose
 * median first content came too late lowers it. What is told "full" lowers it at once, and once a window: the calls that
 * are refused together say the same thing. A long prompt's time is scaled to that of an ordinary one, by a learned line.
 */
class Aimd implements Limit {
  readonly #bounds: Bounds;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #line = new PromptLine();
  #value: number;
  #times: number[] = [];
  #timed = 0;
  #count = 0;
  #most = 0;
  #beganMs: number;
  #loweredMs = Number.NEGATIVE_INFINITY;

  constructor(options: AimdOptions, clock: Clock) {
    this.#bounds = options;
    this.#timeoutMs = options.timeoutMs;
    this.#clock = clock;
    this.#value = within(options, options.initial);
    this.#beganMs = clock.nowMs();
  }

  get value(): number {
    return this.#value;
  }

  sample(sample: LimitSample): void {
    const nowMs = this.#clock.nowMs();
    if (sample.dropped) {
      if (nowMs - this.#loweredMs >= WINDOW_MS) this.#lower(nowMs);
      return;
    }
    const ms = contentMs(sample);
    if (ms !== null) {
      const ratio = this.#line.ratio(ms, sample.uncachedTokens);
      this.#times[this.#timed++ % MOST_TIMES] = ratio === null ? ms : ratio * this.#line.typicalMs;
      this.#line.learn(ms, sample.uncachedTokens);
    }
    this.#count++;
    this.#most = Math.max(this.#most, sample.inFlight);
    if (this.#count >= WINDOW_SAMPLES && nowMs - this.#beganMs >= WINDOW_MS) this.#close(nowMs);
  }

  #close(nowMs: number): void {
    if (this.#times.length > 0 && median(this.#times) > this.#timeoutMs) return this.#lower(nowMs);
    if (this.#most * 2 >= this.#value) this.#value = within(this.#bounds, this.#value + 1);
    this.#begin(nowMs);
  }

  #lower(nowMs: number): void {
    this.#value = within(this.#bounds, this.#value * BACK_OFF);
    this.#loweredMs = nowMs;
    this.#begin(nowMs);
  }

  #begin(nowMs: number): void {
    this.#times = [];
    this.#timed = 0;
    this.#count = 0;
    this.#most = 0;
    this.#beganMs = nowMs;
  }
}

export const aimd: Plugin<AimdOptions, LimitDeps, Limit> = {
  name: 'aimd',
  options,
  create: (options, { clock }) => new Aimd(options, clock),
};
