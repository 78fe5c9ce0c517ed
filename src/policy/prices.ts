// The `prices:` section and the prices of workers: how figures are written, and what they become. For the schema and the loader.
import { z } from 'zod';
import { nanoUsd } from '../core/money.ts';
import type { GpuPrice, TokenPrice, TokenRates } from '../core/prices.ts';
import { amount, count, day, duration, name, number, percent } from './units.ts';

/** Nano-USD per token at one USD per million tokens. */
const PER_MILLION = 1000;
const HOUR_MS = 3_600_000;

const BILLED = ['always', 'per-second', 'per-minute', 'per-hour'] as const;
type Billed = (typeof BILLED)[number];
const INCREMENT_MS: Readonly<Record<Billed, number>> = {
  always: HOUR_MS,
  'per-second': 1000,
  'per-minute': 60_000,
  'per-hour': HOUR_MS,
};

const perMillion = (text: string) => number(0, 1_000_000).optional().describe(`USD per million ${text}`);
const usd = (text: string) => number(0, 1_000_000).prefault(0).describe(`USD ${text}`);
const asOf = () => day().describe('The day on which the figures were looked up. Old ones are warned of.');
const source = () => z.string().max(500, 'has more than 500 characters').optional().describe('Where they stand.');
const billed = () =>
  z
    .enum(BILLED)
    .describe('always: whether it works or not; else for as long as it is up, in whole seconds, minutes or hours.');

const cached = () => ({
  cachedRead: perMillion(
    'prompt tokens read from a cache. Default: as `input`; in a tier, in proportion to its `input`.',
  ),
  cacheWrite: perMillion(
    'prompt tokens written to a cache for minutes. Default: as `input`; in a tier, in proportion.',
  ),
  cacheWriteLong: perMillion('prompt tokens written to a cache for an hour. Default: as `cacheWrite`.'),
});

const tier = z
  .strictObject({
    above: amount().describe('Prompt tokens, cached or not, above which the whole call costs these rates.'),
    input: number(0, 1_000_000).describe('USD per million prompt tokens.'),
    output: number(0, 1_000_000).describe('USD per million tokens of replies.'),
    ...cached(),
  })
  .describe('Rates of whole calls with long prompts.');

const modelPrice = z
  .strictObject({
    input: perMillion('prompt tokens. Default: nothing.'),
    output: perMillion('tokens of replies, reasoning among them. Default: nothing.'),
    ...cached(),
    tiers: z
      .array(tier)
      .max(8, 'has more than 8 tiers')
      .refine((tiers) => tiers.every(({ above }, at) => at === 0 || above > tiers[at - 1]!.above), {
        error: 'must stand in the order of `above`, each higher than the one before',
      })
      .prefault([])
      .describe('Rates of long prompts.'),
    perCall: usd('per call, such as a search of up to 100 documents.'),
    perItem: usd('per document of a rerank call.'),
    batch: percent(10).prefault('100%').describe('Percent. What batches cost of it.'),
    serviceTiers: z
      .record(name(), percent(10).describe('Percent of the price.'))
      .prefault({})
      .describe('What calls cost that a reply names this service tier for, such as flex: 50%.'),
    asOf: asOf(),
    source: source(),
  })
  .refine((price) => price.input !== undefined || price.output !== undefined || price.perCall + price.perItem > 0, {
    error: 'names no price: give input and output, perCall or perItem',
  })
  .describe('What a model costs there, USD.');

const gpuPrice = z
  .strictObject({
    usdPerHour: number(0, 100_000).describe('USD per GPU and hour.'),
    billed: billed().prefault('always'),
    minimum: duration().prefault('0s').describe('Duration. Billed at least, each time that it comes up.'),
    term: z
      .enum(['on-demand', 'reserved', 'spot'])
      .prefault('on-demand')
      .describe('How it was bought. A spot one may be taken away at any time.'),
    coldStartUsd: usd('for each time that it comes up, beside its time.'),
    egressUsdPerGiB: usd('per GiB of replies.'),
    asOf: asOf(),
    source: source(),
  })
  .describe('What a kind of GPU costs.');

const priceKey = () =>
  z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\/[!-~]{1,256}$/,
      'is no target and model: write TARGET/MODEL, where TARGET is a provider, a kind of provider or a pool, and MODEL may hold *',
    );

export function pricesSchema() {
  return z
    .strictObject({
      models: z
        .record(priceKey(), modelPrice)
        .prefault({})
        .describe(
          'Prices by TARGET/MODEL: TARGET is the name of a provider, a kind of provider, or a pool; MODEL may hold *. The name of a provider goes before its kind, then the most specific model.',
        ),
      gpus: z.record(name(), gpuPrice).prefault({}).describe('Prices of GPUs by a name of your choice.'),
    })
    .prefault({})
    .describe('What calls cost.');
}

/** Keys that stand beside those of any kind of worker. */
export const gpuFields = () => ({
  gpu: name().optional().describe('Name of a price under prices.gpus: what its GPUs cost.'),
  gpus: count(1, 1024).optional().describe('How many GPUs it has. Default: 1.'),
  usdPerGpuHour: number(0, 100_000)
    .optional()
    .describe('USD per GPU and hour, where no price under prices.gpus is named.'),
  billed: billed().optional(),
});

export const GPU_KEYS: ReadonlySet<string> = new Set(Object.keys(gpuFields()));

export type PricesDocument = z.output<ReturnType<typeof pricesSchema>>;
export interface GpuEntry {
  readonly gpu?: string | undefined;
  readonly gpus?: number | undefined;
  readonly usdPerGpuHour?: number | undefined;
  readonly billed?: Billed | undefined;
}

export function tokenPriceOf(given: PricesDocument['models'][string]): TokenPrice {
  const { perCall, perItem, batch, serviceTiers, asOf, source, tiers } = given;
  const base = ratesOf(given, given);
  return {
    ...base,
    tiers: tiers.map((tier) => ({ ...ratesOf(tier, given), abovePromptTokens: tier.above })),
    perCall: nanoUsd(perCall),
    perItem: nanoUsd(perItem),
    batchFactor: batch,
    serviceTiers: { ...serviceTiers },
    asOf,
    source: source ?? null,
  };
}

type Rates = {
  readonly [key in 'input' | 'output' | 'cachedRead' | 'cacheWrite' | 'cacheWriteLong']?: number | undefined;
};

/** A cache that nobody has told a price of costs what reading does: better too much than nothing. */
function ratesOf(own: Rates, base: Rates): TokenRates {
  const input = own.input ?? 0;
  const scaled = (rate: number | undefined) =>
    rate === undefined || own === base || base.input === undefined || base.input === 0
      ? undefined
      : (rate / base.input) * input;
  const cachedRead = own.cachedRead ?? scaled(base.cachedRead) ?? input;
  const cacheWrite = own.cacheWrite ?? scaled(base.cacheWrite) ?? input;
  const cacheWriteLong = own.cacheWriteLong ?? scaled(base.cacheWriteLong) ?? cacheWrite;
  const nano = (perMillion: number) => Math.round(perMillion * PER_MILLION * 1e6) / 1e6;
  return {
    uncached: nano(input),
    cachedRead: nano(cachedRead),
    cacheWrite: nano(cacheWrite),
    cacheWriteLong: nano(cacheWriteLong),
    output: nano(own.output ?? 0),
  };
}

/** Null: nobody has said what the worker costs, or it names a price that is not there. */
export function gpuPriceOf(worker: GpuEntry, prices: PricesDocument['gpus']): GpuPrice | null {
  const { gpus = 1 } = worker;
  const named = worker.gpu === undefined || !Object.hasOwn(prices, worker.gpu) ? undefined : prices[worker.gpu];
  const usdPerGpuHour = named?.usdPerHour ?? worker.usdPerGpuHour;
  if (usdPerGpuHour === undefined) return null;
  const how = worker.billed ?? named?.billed ?? 'always';
  return {
    usdPerGpuHour,
    gpus,
    billed: how === 'always' ? 'always' : 'while-up',
    incrementMs: INCREMENT_MS[how],
    minimumMs: named?.minimum ?? 0,
    term: named?.term ?? 'on-demand',
    coldStart: nanoUsd(named?.coldStartUsd ?? 0),
    egressPerGiB: nanoUsd(named?.egressUsdPerGiB ?? 0),
    asOf: named?.asOf ?? null,
    source: named?.source ?? null,
  };
}
