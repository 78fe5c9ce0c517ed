// How long replies get in 99 of 100 cases, learned per tenant and model, so that likely costs are known before a call. For router/dispatch.
import { RecentMap } from '../structures/recent-map.ts';

/**
 * Buckets that grow by 5 % keep a quantile within 2.5 % of the truth, whatever the distribution: DDSketch (Masson, Rim and
 * Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019), with counts that
 * fade, so that old habits are forgotten.
 */
const GROWTH = 1.05;
const LOG_GROWTH = Math.log(GROWTH);
/** Up to 2^20 tokens; what is longer counts as that. */
const BUCKETS = Math.ceil(Math.log(2 ** 20) / LOG_GROWTH) + 1;
/** Count at which all are halved: about so many replies are remembered. */
const MOST_SAMPLES = 4_096;
/** Below so many replies a tail of 1 % is chance: the first guess stands. */
const LEAST_SAMPLES = 100;
/** 99 of 100 replies of public traces of agents have at most 3,680 tokens. */
export const FIRST_LIKELY_TOKENS = 4_096;
/** Beyond them the longest unused is forgotten. */
const MOST_KEYS = 10_000;
/** The tail is looked at anew after so many replies; it moves slowly. */
const LOOK_EVERY = 16;

/** 584 bytes: counts of at most 4,096 fit into 16 bits each. */
class OutputTail {
  readonly #counts = new Uint16Array(BUCKETS);
  #samples = 0;
  #sinceLook = LOOK_EVERY;
  #p99 = FIRST_LIKELY_TOKENS;

  learn(tokens: number): void {
    const at = tokens <= 1 ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(tokens) / LOG_GROWTH));
    this.#counts[at]!++;
    this.#sinceLook++;
    if (++this.#samples >= MOST_SAMPLES) this.#fade();
  }

  get likelyTokens(): number {
    if (this.#samples < LEAST_SAMPLES) return FIRST_LIKELY_TOKENS;
    if (this.#sinceLook >= LOOK_EVERY) {
      this.#sinceLook = 0;
      this.#p99 = this.#look();
    }
    return this.#p99;
  }

  #look(): number {
    let at = BUCKETS - 1;
    let above = this.#samples * 0.01 - this.#counts[at]!;
    while (at > 0 && above >= 0) above -= this.#counts[--at]!;
    // A bucket's middle: its values lie within half of its width.
    return Math.round((2 * GROWTH ** at) / (1 + GROWTH));
  }

  /** Odd counts are rounded up and down in turn, so that a thin tail neither stays for ever nor goes at once. */
  #fade(): void {
    let up = 0;
    this.#samples = 0;
    for (let at = 0; at < BUCKETS; at++) {
      const count = this.#counts[at]!;
      if (count % 2 === 1) up ^= 1;
      const half = (count >> 1) + (count % 2 === 1 ? up : 0);
      this.#counts[at] = half;
      this.#samples += half;
    }
  }
}

export class OutputQuantiles {
  readonly #tails = new RecentMap<OutputTail>(MOST_KEYS);

  /** Tokens that 99 of 100 replies do not exceed; never more than the caller's own bound. */
  likelyTokens(tenant: string, model: string, maxOutputTokens: number | null): number {
    const learned = this.#tails.get(keyOf(tenant, model))?.likelyTokens ?? FIRST_LIKELY_TOKENS;
    return maxOutputTokens === null ? learned : Math.min(learned, maxOutputTokens);
  }

  /** A whole reply had so many. One that was cut off teaches nothing. */
  learn(tenant: string, model: string, tokens: number): void {
    const key = keyOf(tenant, model);
    const tail = this.#tails.get(key) ?? new OutputTail();
    this.#tails.set(key, tail);
    tail.learn(tokens);
  }

  get size(): number {
    return this.#tails.size;
  }
}

const keyOf = (tenant: string, model: string): string => `${tenant} ${model}`;
