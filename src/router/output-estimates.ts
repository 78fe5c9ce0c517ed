// How many tokens a reply is expected to have, learned per tenant and model. For router/dispatch.
import type { RouteClass } from '../core/names.ts';

/** Before anything is learned: the mean of chat traces lies between 217 and 439. */
const FIRST_GUESS = 300;
/** Weight of the newest reply in the running mean. */
const NEWEST = 0.1;
/** Beyond them, what was learned first is forgotten: whoever still calls has learned it anew within a few replies. */
const MOST_KEYS = 10_000;

/** A running mean, the simplest predictor that VTC's authors propose; settling corrects it call by call. */
export interface OutputEstimate {
  tokens: number;
}

export class OutputEstimates {
  readonly #means = new Map<string, OutputEstimate>();

  /** Null while nothing is learned. */
  of(tenant: string, model: string): OutputEstimate | null {
    return this.#means.get(keyOf(tenant, model)) ?? null;
  }

  /** `known` is what `of` answered when the call began, so that its end need not look again. */
  learn(known: OutputEstimate | null, tenant: string, model: string, tokens: number): void {
    const mean = known ?? this.of(tenant, model);
    if (mean !== null) {
      mean.tokens += NEWEST * (tokens - mean.tokens);
      return;
    }
    this.#means.set(keyOf(tenant, model), { tokens });
    if (this.#means.size > MOST_KEYS) this.#means.delete(this.#means.keys().next().value!);
  }
}

export function expectedTokens(known: OutputEstimate | null, routeClass: RouteClass, most: number | null): number {
  if (routeClass !== 'chat') return 0;
  const mean = known?.tokens ?? FIRST_GUESS;
  return most === null ? mean : Math.min(mean, most);
}

const keyOf = (tenant: string, model: string): string => `${tenant} ${model}`;
