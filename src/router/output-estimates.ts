// How many tokens a reply is expected to have, learned per tenant and model. For router/dispatch.
import { LRUCache } from 'lru-cache';
import type { RouteClass } from '../core/names.ts';

/** Before anything is learned: the mean of chat traces lies between 217 and 439. */
const FIRST_GUESS = 300;
/** Weight of the newest reply in the running mean. */
const NEWEST = 0.1;
const MOST_KEYS = 10_000;

/** A running mean, the simplest predictor that VTC's authors propose; settling corrects it call by call. */
export class OutputEstimates {
  readonly #means = new LRUCache<string, { tokens: number }>({ max: MOST_KEYS });

  expect(tenant: string, model: string, routeClass: RouteClass, most: number | null): number {
    if (routeClass !== 'chat') return 0;
    const mean = this.#means.get(keyOf(tenant, model))?.tokens ?? FIRST_GUESS;
    return most === null ? mean : Math.min(mean, most);
  }

  learn(tenant: string, model: string, tokens: number): void {
    const key = keyOf(tenant, model);
    const mean = this.#means.get(key);
    if (mean === undefined) this.#means.set(key, { tokens });
    else mean.tokens += NEWEST * (tokens - mean.tokens);
  }
}

const keyOf = (tenant: string, model: string): string => `${tenant} ${model}`;
