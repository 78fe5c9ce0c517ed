// What calls cost: per token at managed APIs, per GPU hour at own workers. For policy, economics, ledger and router.
import type { Usage } from './dialect.ts';
import type { NanoUsd } from './money.ts';
import type { Target } from './plan.ts';

/** Nano-USD per token, fractions allowed; a call's sum is rounded once. */
export interface TokenRates {
  /** Prompt tokens read anew. */
  readonly uncached: number;
  readonly cachedRead: number;
  /** Prompt tokens that fill a cache, instead of `uncached`: for minutes, and for an hour. */
  readonly cacheWrite: number;
  readonly cacheWriteLong: number;
  /** Reasoning tokens are output tokens. */
  readonly output: number;
}

export interface TokenPrice extends TokenRates {
  /** Whole calls with more prompt tokens, cached or not, than `abovePromptTokens` cost these rates instead; ascending. */
  readonly tiers: readonly (TokenRates & { readonly abovePromptTokens: number })[];
  /** Per call, and per document or search unit of a rerank call. */
  readonly perCall: NanoUsd;
  readonly perItem: NanoUsd;
  /** Factor for batches: calls whose reply names the service tier `batch`. */
  readonly batchFactor: number;
  /** Factor by the service tier that the reply names. */
  readonly serviceTiers: Readonly<Record<string, number>>;
  /** Date of the figures, `2026-10-07`. */
  readonly asOf: string;
  readonly source: string | null;
}

export interface GpuPrice {
  readonly usdPerGpuHour: number;
  readonly gpus: number;
  /** `always`: billed whether used or not; else while it is up, in whole increments. */
  readonly billed: 'always' | 'while-up';
  readonly incrementMs: number;
  /** Billed at least for each time that it comes up. */
  readonly minimumMs: number;
  /** Bought for longer, on demand, or to be taken away at any time. */
  readonly term: 'on-demand' | 'reserved' | 'spot';
  readonly coldStart: NanoUsd;
  readonly egressPerGiB: NanoUsd;
  readonly asOf: string | null;
  readonly source: string | null;
}

/** What one target's calls for one model cost. */
export interface Rate {
  /** False: nobody has said what this costs; then all is 0. */
  readonly priced: boolean;
  /** By tokens; else by GPU time. */
  readonly byTokens: boolean;
  /**
   * An attempt's cost to the operator. `gpuMs`: GPU time that was its own; null: none of ours. `bytes`: of the reply.
   * `items`: those of the call, or the search units that a reply tells; 0 with no usage: it was not answered.
   */
  cost(usage: Usage | null, items: number, gpuMs: number | null, bytes: number): NanoUsd;
  /** What a tenant is charged for it: by tokens where the target has a price by tokens, else its GPU time's. */
  charge(usage: Usage | null, items: number, gpuMs: number | null): NanoUsd;
  /** What such a call would be charged, for reserving. `gpuMs`: expected. */
  expect(uncachedTokens: number, cachedTokens: number, outputTokens: number, items: number, gpuMs: number): NanoUsd;
}

export interface PriceBook {
  /** `model`: the name asked there. `gpu`: of the worker; null: a managed API, or not known yet. Cheap: kept per target. */
  rate(target: Target, model: string, gpu: GpuPrice | null): Rate;
}
