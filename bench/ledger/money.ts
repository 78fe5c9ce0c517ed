// What it takes to know what an attempt costs. For parts.ts.
import type { PoolTarget } from '../../src/core/plan.ts';
import type { GpuPrice, TokenPrice } from '../../src/core/prices.ts';
import { createPriceBook } from '../../src/economics/price-book.ts';
import { WorkerTime } from '../../src/economics/worker-time.ts';
import { nodeClock } from '../../src/runtime/node/machine.ts';

const PRICE: TokenPrice = {
  uncached: 2000,
  cachedRead: 100,
  cacheWrite: 2500,
  cacheWriteLong: 4000,
  output: 10_000,
  tiers: [],
  perCall: 0,
  perItem: 0,
  batchFactor: 0.5,
  serviceTiers: { flex: 0.5, priority: 1.75 },
  asOf: '2026-11-01',
  source: null,
};
const GPU: GpuPrice = {
  usdPerGpuHour: 3.95,
  gpus: 1,
  billed: 'always',
  incrementMs: 1000,
  minimumMs: 0,
  term: 'on-demand',
  coldStart: 0,
  egressPerGiB: 0,
  asOf: null,
  source: null,
};
const TARGET: PoolTarget = {
  kind: 'pool',
  name: 'bench',
  serves: 'bench-model',
  zone: null,
  capabilities: null,
  speaks: new Set(),
  rerank: null,
  contextTokens: null,
  maxItems: null,
};
const USAGE = {
  uncachedTokens: 400,
  cachedTokens: 3000,
  outputTokens: 200,
  reasoningTokens: 20,
  cacheWriteTokens: 300,
  serviceTier: 'flex',
};

const MODELS = ['bench-model', 'another-model', 'a-third-model'] as const;

/** Of three models in turn, so that the last one is not the next. */
export async function rate() {
  const book = createPriceBook(() => PRICE);
  let at = 0;
  return () => book.rate(TARGET, MODELS[at++ % MODELS.length]!, GPU);
}

export async function cost() {
  const own = createPriceBook(() => PRICE).rate(TARGET, TARGET.serves, GPU);
  return () => own.cost(USAGE, 1, 812.5, 4096) + own.charge(USAGE, 1, 812.5);
}

export async function share() {
  const time = new WorkerTime({ clock: { ...nodeClock, after: () => ({ cancel() {} }) }, add() {} });
  const worker = { id: 'bench/1', pool: 'bench', gpu: GPU };
  return () => time.end(worker, time.begin(worker), 'won', null);
}
