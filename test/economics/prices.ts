// Decides what prices in tests look like. For tests of src/economics.
import type { GpuPrice, TokenPrice } from '../../src/core/prices.ts';

export const tokenPrice = (more: Partial<TokenPrice> = {}): TokenPrice => ({
  uncached: 2000,
  cachedRead: 100,
  cacheWrite: 2500,
  cacheWriteLong: 4000,
  output: 10_000,
  tiers: [],
  perCall: 0,
  perItem: 0,
  batchFactor: 0.5,
  serviceTiers: {},
  asOf: '2026-11-01',
  source: null,
  ...more,
});

export const gpuPrice = (more: Partial<GpuPrice> = {}): GpuPrice => ({
  usdPerGpuHour: 3.6,
  gpus: 1,
  billed: 'always',
  incrementMs: 0,
  minimumMs: 0,
  term: 'on-demand',
  coldStart: 0,
  egressPerGiB: 0,
  asOf: '2026-11-01',
  source: null,
  ...more,
});
