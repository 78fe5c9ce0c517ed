// What a target's calls cost the operator and are charged to tenants. For router/settle and whoever reserves money.
import { NANO_USD_PER_USD, type NanoUsd } from '../core/money.ts';
import type { Target } from '../core/plan.ts';
import type { GpuPrice, PriceBook, Rate, TokenPrice } from '../core/prices.ts';
import { type TokenCosts, tokenCosts } from './token-rates.ts';

/** Null: nobody has said. Asked once per target and model, as long as not too many are in use. */
export type TokenPriceOf = (target: Target, model: string) => TokenPrice | null;

const MS_PER_HOUR = 3_600_000;
const BYTES_PER_GIB = 2 ** 30;
/** An attempt takes no longer; more is a lie or a bug. */
const MOST_GPU_MS = 86_400_000;
/** Callers may choose the name of a model where all go through, so names are not kept without bound. */
const MOST_MODELS = 256;

/** Nano-USD for a worker's time, not rounded yet. */
export function gpuCost({ usdPerGpuHour, gpus }: Pick<GpuPrice, 'usdPerGpuHour' | 'gpus'>, ms: number): number {
  return (usdPerGpuHour * gpus * ms * NANO_USD_PER_USD) / MS_PER_HOUR;
}

const gpuTime = (ms: number): number => (ms > 0 ? Math.min(ms, MOST_GPU_MS) : 0);

class TargetRate implements Rate {
  readonly priced: boolean;
  readonly byTokens: boolean;
  readonly #tokens: TokenCosts | null;
  readonly #gpu: GpuPrice | null;

  constructor(tokens: TokenCosts | null, gpu: GpuPrice | null) {
    this.priced = tokens !== null || gpu !== null;
    this.byTokens = tokens !== null;
    this.#tokens = tokens;
    this.#gpu = gpu;
  }

  /** A worker of ours costs its time, whatever is charged for it. */
  cost(usage: Parameters<Rate['cost']>[0], items: number, gpuMs: number | null, bytes: number): NanoUsd {
    const gpu = this.#gpu;
    if (gpu === null || gpuMs === null) return this.#tokens?.of(usage, items) ?? 0;
    const sent = bytes > 0 ? (gpu.egressPerGiB * bytes) / BYTES_PER_GIB : 0;
    return Math.round(gpuCost(gpu, gpuTime(gpuMs)) + sent);
  }

  charge(usage: Parameters<Rate['charge']>[0], items: number, gpuMs: number | null): NanoUsd {
    if (this.#tokens !== null) return this.#tokens.of(usage, items);
    return this.#gpuCharge(gpuMs ?? 0);
  }

  expect(uncached: number, cached: number, output: number, items: number, gpuMs: number): NanoUsd {
    return this.#tokens === null ? this.#gpuCharge(gpuMs) : this.#tokens.expected(uncached, cached, output, items);
  }

  #gpuCharge(gpuMs: number): NanoUsd {
    return this.#gpu === null ? 0 : Math.round(gpuCost(this.#gpu, gpuTime(gpuMs)));
  }
}

const UNPRICED: Rate = new TargetRate(null, null);

/** One target's rates. Those that were asked for last stand apart: most targets are asked for one model. */
interface Kept {
  model: string;
  gpu: GpuPrice | null;
  rate: Rate;
  readonly byModel: Map<string, { readonly price: TokenPrice | null; readonly rates: Map<GpuPrice | null, Rate> }>;
}

/** Rates are kept as long as their target: a new policy brings new ones, and a new book. */
export function createPriceBook(tokenPrice: TokenPriceOf): PriceBook {
  const targets = new WeakMap<Target, Kept>();
  const costs = new WeakMap<TokenPrice, TokenCosts>();

  function tokensOf(price: TokenPrice | null): TokenCosts | null {
    if (price === null) return null;
    const known = costs.get(price);
    if (known !== undefined) return known;
    const made = tokenCosts(price);
    costs.set(price, made);
    return made;
  }

  function find(kept: Kept, target: Target, model: string, gpu: GpuPrice | null): Rate {
    let entry = kept.byModel.get(model);
    if (entry === undefined) {
      if (kept.byModel.size >= MOST_MODELS) kept.byModel.clear();
      entry = { price: tokenPrice(target, model), rates: new Map() };
      kept.byModel.set(model, entry);
    }
    let rate = entry.rates.get(gpu);
    if (rate === undefined) {
      const { price } = entry;
      rate = price === null && gpu === null ? UNPRICED : new TargetRate(tokensOf(price), gpu);
      // Workers get new prices by a reload alone.
      if (entry.rates.size >= MOST_MODELS) entry.rates.clear();
      entry.rates.set(gpu, rate);
    }
    kept.model = model;
    kept.gpu = gpu;
    kept.rate = rate;
    return rate;
  }

  return {
    rate(target, model, gpu) {
      let kept = targets.get(target);
      if (kept === undefined) {
        kept = { model: '', gpu: null, rate: UNPRICED, byModel: new Map() };
        targets.set(target, kept);
        return find(kept, target, model, gpu);
      }
      if (kept.model === model && kept.gpu === gpu) return kept.rate;
      return find(kept, target, model, gpu);
    },
  };
}

/** Documents in one search unit. */
const UNIT_DOCUMENTS = 100;

/** What `perItem` counts: an API's own search units where it tells them, else as many as its documents make; else items. */
export function billedItems(target: Pick<Target, 'rerank'>, items: number, searchUnits: number | null): number {
  if (searchUnits !== null) return searchUnits;
  return target.rerank?.form === 'cohere' ? Math.ceil(items / UNIT_DOCUMENTS) : items;
}
