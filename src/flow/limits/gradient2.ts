// A limit that follows how soon replies begin: up while that is as ever, down once it is not. For all that say `auto`.
import { z } from 'zod';
import type { Limit, LimitDeps, LimitSample } from '../../core/limit.ts';
import type { Plugin } from '../../core/plugin.ts';
import type { Clock } from '../../core/runtime.ts';
import { bounds, median, within } from './bounds.ts';
import { contentMs, PromptLine } from './prompt-line.ts';

const options = z.strictObject({
  ...bounds,
  tolerance: z.number().min(1).max(10).default(1.5).describe('How much later than ever replies may begin.'),
  smoothing: z.number().gt(0).max(1).default(0.2).describe('How far each window moves the limit.'),
  queueSize: z
    .number()
    .gt(0)
    .max(1_000)
    .default(4)
    .describe('Calls by which the limit reaches above what is known good.'),
  longWindow: z.int().min(10).max(100_000).default(600).describe('Samples that make up what is usual.'),
});

type Gradient2Options = z.output<typeof options>;

const WINDOW_MS = 1_000;
const WINDOW_SAMPLES = 10;
const MOST_RATIOS = 512;
/** Of the limit in use: above it, the limit itself holds calls back. */
const HELD = 0.9;
/** Half the calls in flight, and still this much of the delay: what makes it slow is not their number. */
const UNCHANGED = 0.75;
const BACK_OFF = 0.9;
/** The limit is a guess that is an eighth off in both directions while it settles; so far above it nothing breaks. */
const REACH = 1.125;

/**
 * Netflix's Gradient2, changed in what does not hold for inference:
 * - It learns from time to first content, never the whole time, as a ratio: against what that many uncached tokens take by a
 *   learned line, of which only the shape counts. A window's (1 s and 10 samples) median counts, so odd prompts do not.
 * - While the limit holds calls back, what is usual only sinks: else a queue inside the worker becomes usual in time, and
 *   the limit climbs for ever. It rises with samples taken while there was room. Where half the calls in flight left the
 *   delay as it was, the worker itself has become slower, and that is the new usual: no limit is squeezed to the ground for it.
 * - `queueSize` is at most half of the limit and shrinks with the gradient: small workers have a knee, too.
 * Frozen while less than half of the limit is in flight.
 */
class Gradient2 implements Limit {
  readonly #options: Gradient2Options;
  readonly #clock: Clock;
  readonly #line = new PromptLine();
  #value: number;
  /** The usual ratio. */
  #long = 1;
  #ratios: number[] = [];
  #count = 0;
  #inFlight = 0;
  #beganMs: number;
  /** Calls in flight, and how late their replies began, when the limit was lowered first or they had been halved last. */
  #decline: { readonly inFlight: number; readonly short: number } | null = null;

  constructor(options: Gradient2Options, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#value = within(options, options.initial);
    this.#beganMs = clock.nowMs();
  }

  get value(): number {
    return this.#value;
  }

  get reach(): number {
    return Math.max(this.#value, Math.min(this.#options.max, this.#value * REACH));
  }

  sample(sample: LimitSample): void {
    const { inFlight, uncachedTokens, dropped } = sample;
    if (dropped) {
      // Calls refused together began under one limit: those above the lowered one say nothing new.
      if (inFlight <= Math.ceil(this.#value)) this.#value = within(this.#options, this.#value * BACK_OFF);
      return;
    }
    const ms = contentMs(sample);
    if (ms === null) return;
    const ratio = this.#line.ratio(ms, uncachedTokens);
    if (ratio === null) return this.#line.learn(ms, uncachedTokens);
    const usual = this.#usual(ratio, inFlight);
    // A queue tilts the line: what waits for others' prompts is no matter of its own length.
    if (ratio <= this.#options.tolerance * usual) this.#line.learn(ms, uncachedTokens);
    if (inFlight < this.#value / 2) return;
    this.#ratios[this.#count++ % MOST_RATIOS] = ratio;
    this.#inFlight += inFlight;
    const nowMs = this.#clock.nowMs();
    if (this.#count >= WINDOW_SAMPLES && nowMs - this.#beganMs >= WINDOW_MS) this.#close(nowMs);
  }

  #usual(ratio: number, inFlight: number): number {
    const { longWindow } = this.#options;
    // One odd prompt is not to move what hundreds have shown.
    const clipped = Math.min(ratio, 2 * this.#long);
    if (clipped < this.#long || inFlight < Math.floor(this.#value) * HELD) {
      this.#long += (clipped - this.#long) / longWindow;
      if (this.#long > 2 * ratio) this.#long *= 0.95;
    }
    return this.#long;
  }

  #close(nowMs: number): void {
    const short = Math.max(median(this.#ratios), 1e-6);
    const inFlight = this.#inFlight / this.#count;
    this.#ratios = [];
    this.#count = 0;
    this.#inFlight = 0;
    this.#beganMs = nowMs;
    const { tolerance, smoothing, queueSize } = this.#options;
    const gradient = Math.max(0.5, Math.min(1, (tolerance * this.#long) / short));
    if (gradient === 1) this.#decline = null;
    else if (this.#isInVain(short, inFlight)) return;
    const value = this.#value;
    const next = gradient === 1 ? value + Math.min(queueSize, value / 2) : value * gradient;
    this.#value = within(this.#options, value + smoothing * (next - value));
  }

  /** Whether half the calls in flight have changed nothing; then what is slow now is usual from now on. */
  #isInVain(short: number, inFlight: number): boolean {
    const from = this.#decline;
    if (from === null || inFlight <= Math.max(from.inFlight / 2, this.#options.min)) {
      if (from !== null && short > UNCHANGED * from.short) {
        this.#long = short;
        this.#decline = null;
        return true;
      }
      this.#decline = { inFlight, short };
    }
    return false;
  }
}

export const gradient2: Plugin<Gradient2Options, LimitDeps, Limit> = {
  name: 'gradient2',
  options,
  create: (options, { clock }) => new Gradient2(options, clock),
};
