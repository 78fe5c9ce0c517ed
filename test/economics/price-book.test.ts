// What calls cost and are charged, to the nano-USD. For src/economics/price-book and token-rates.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Usage } from '../../src/core/dialect.ts';
import type { TokenPrice, TokenRates } from '../../src/core/prices.ts';
import { billedItems, createPriceBook } from '../../src/economics/price-book.ts';
import { poolTarget } from '../fakes/call-parts.ts';
import { gpuPrice, tokenPrice } from './prices.ts';

const TARGET = poolTarget();
const rateOf = (price: TokenPrice | null, gpu: ReturnType<typeof gpuPrice> | null = null) =>
  createPriceBook(() => price).rate(TARGET, 'm', gpu);

const usage = (more: Partial<Usage> = {}): Usage => ({
  uncachedTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  ...more,
});

describe('a price by tokens', () => {
  it('each kind of token at its rate, reasoning within the output', () => {
    const said = usage({
      uncachedTokens: 100,
      cachedTokens: 1000,
      outputTokens: 10,
      reasoningTokens: 9,
      cacheWriteTokens: 60,
      cacheWriteLongTokens: 20,
    });
    const wanted = 40 * 2000 + 40 * 2500 + 20 * 4000 + 1000 * 100 + 10 * 10_000;
    expect(rateOf(tokenPrice()).charge(said, 1, null)).toBe(wanted);
    expect(rateOf(tokenPrice()).cost(said, 1, null, 5000)).toBe(wanted);
  });

  it('a longer prompt, cached or not, costs another rate for the whole call', () => {
    const high: TokenRates = { uncached: 5, cachedRead: 4, cacheWrite: 5, cacheWriteLong: 5, output: 7 };
    const low: TokenRates = { uncached: 1, cachedRead: 1, cacheWrite: 1, cacheWriteLong: 1, output: 2 };
    const rate = rateOf(tokenPrice({ ...low, tiers: [{ ...high, abovePromptTokens: 100 }] }));
    expect(rate.charge(usage({ uncachedTokens: 60, cachedTokens: 40, outputTokens: 1 }), 1, null)).toBe(102);
    expect(rate.charge(usage({ uncachedTokens: 61, cachedTokens: 40, outputTokens: 1 }), 1, null)).toBe(
      61 * 5 + 40 * 4 + 7,
    );
  });

  it('per call and per item; a reply without usage still costs those, an attempt without a reply nothing', () => {
    const rate = rateOf(tokenPrice({ perCall: 1000, perItem: 7 }));
    expect(rate.charge(usage({ uncachedTokens: 1 }), 5, null)).toBe(2000 + 1000 + 35);
    expect(rate.cost(null, 5, null, 0)).toBe(1035);
    expect(rate.cost(null, 0, null, 0)).toBe(0);
  });

  it('the returned service tier sets the factor; batches have their own; an unknown one is standard', () => {
    const rate = rateOf(tokenPrice({ serviceTiers: { priority: 1.75, flex: 0.5 } }));
    const at = (serviceTier: string) => rate.charge(usage({ outputTokens: 3, serviceTier }), 1, null);
    expect([at('priority'), at('flex'), at('batch'), at('default'), at('__proto__'), at('constructor')]).toEqual([
      52_500, 15_000, 15_000, 30_000, 30_000, 30_000,
    ]);
  });

  it('F076 negative, absurd and mistyped counts cost nothing, and parts never more than their whole', () => {
    const rate = rateOf(tokenPrice());
    for (const lie of [-1, -1e300, 1e300, Number.POSITIVE_INFINITY, Number.NaN])
      expect(rate.charge(usage({ uncachedTokens: lie, cachedTokens: lie, outputTokens: lie }), 1, null)).toBe(0);
    const more = usage({ uncachedTokens: 10, cacheWriteTokens: 99, cacheWriteLongTokens: 500 });
    expect(rate.charge(more, 1, null)).toBe(10 * 4000);
  });
});

describe('property: charges are those of exact arithmetic', () => {
  const SCALE = 1_000_000n;
  // Rates as a policy has them: USD per million tokens with up to six digits, which are nano-USD with up to three.
  const rateIn = fc.nat(100_000_000).map((milli) => milli / 1000);
  const rates = fc.record({
    uncached: rateIn,
    cachedRead: rateIn,
    cacheWrite: rateIn,
    cacheWriteLong: rateIn,
    output: rateIn,
  });
  const price = fc
    .record({
      base: rates,
      tiers: fc.uniqueArray(fc.record({ rates, above: fc.nat(300_000) }), {
        selector: (tier) => tier.above,
        maxLength: 3,
      }),
      perCall: fc.nat(1e9),
      perItem: fc.nat(1e7),
      factor: fc.constantFrom(1, 0.5, 1.75, 2),
    })
    .map(({ base, tiers, perCall, perItem, factor }) => {
      const ascending = tiers
        .sort((a, b) => a.above - b.above)
        .map((tier) => ({ ...tier.rates, abovePromptTokens: tier.above }));
      return {
        factor,
        price: tokenPrice({ ...base, tiers: ascending, perCall, perItem, serviceTiers: { t: factor } }),
      };
    });
  const said = fc.record({
    read: fc.nat(200_000),
    short: fc.nat(50_000),
    long: fc.nat(50_000),
    cached: fc.nat(200_000),
    output: fc.nat(200_000),
    items: fc.integer({ min: 1, max: 1000 }),
  });

  type Said = typeof said extends fc.Arbitrary<infer Value> ? Value : never;

  /** By the definition, in whole millionths of a nano-USD, one product after the other. */
  function naive(price: TokenPrice, factor: number, call: Said): bigint {
    const { read, short, long, cached, output, items } = call;
    const prompt = read + short + long + cached;
    let at: TokenRates = price;
    for (const tier of price.tiers) if (prompt > tier.abovePromptTokens) at = tier;
    const exact = (rate: number) => BigInt(Math.round(rate * factor * 1e6));
    const sum =
      BigInt(read) * exact(at.uncached) +
      BigInt(short) * exact(at.cacheWrite) +
      BigInt(long) * exact(at.cacheWriteLong) +
      BigInt(cached) * exact(at.cachedRead) +
      BigInt(output) * exact(at.output) +
      BigInt(items) * exact(price.perItem) +
      exact(price.perCall);
    return (sum + SCALE / 2n) / SCALE;
  }

  it('of one call, and their sum is the sum', () => {
    fc.assert(
      fc.property(price, fc.array(said, { minLength: 1, maxLength: 8 }), ({ price, factor }, calls) => {
        const rate = rateOf(price);
        let sum = 0;
        let wanted = 0n;
        for (const call of calls) {
          const { read, short, long, cached, output, items } = call;
          const charge = rate.charge(
            {
              uncachedTokens: read + short + long,
              cachedTokens: cached,
              outputTokens: output,
              reasoningTokens: 0,
              cacheWriteTokens: short + long,
              cacheWriteLongTokens: long,
              serviceTier: 't',
            },
            items,
            null,
          );
          expect(Number.isSafeInteger(charge)).toBe(true);
          const exact = naive(price, factor, call);
          expect(BigInt(charge)).toBe(exact);
          sum += charge;
          wanted += exact;
        }
        expect(BigInt(sum)).toBe(wanted);
      }),
      { numRuns: 500 },
    );
  });

  it('GPU time: within half a nano-USD of price × GPUs × time', () => {
    const time = fc.nat(86_400_000_000).map((micro) => micro / 1000);
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.integer({ min: 1, max: 16 }), time, (microUsd, gpus, gpuMs) => {
        const rate = rateOf(null, gpuPrice({ usdPerGpuHour: microUsd / 1e6, gpus }));
        // nano-USD × 3,600 × 1,000: per hour and in thousandths of a ms.
        const scaled = BigInt(microUsd) * BigInt(gpus) * BigInt(Math.round(gpuMs * 1000));
        const got = BigInt(rate.charge(null, 1, gpuMs)) * 3_600_000n;
        const off = got - scaled;
        expect(off <= 1_800_000n && off >= -1_800_000n).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a price of GPU time', () => {
  it('is what an own worker costs, and what is charged where no price by tokens says otherwise', () => {
    const gpu = gpuPrice({ usdPerGpuHour: 4, gpus: 8, egressPerGiB: 2 ** 30 });
    const rate = rateOf(null, gpu);
    expect([rate.priced, rate.byTokens]).toEqual([true, false]);
    expect(rate.charge(usage({ outputTokens: 99 }), 1, 9000)).toBe(80_000_000);
    expect(rate.cost(null, 1, 9000, 500)).toBe(80_000_500);
    const both = rateOf(tokenPrice(), gpu);
    expect(both.byTokens).toBe(true);
    expect(both.charge(usage({ outputTokens: 2 }), 1, 9000)).toBe(20_000);
    expect(both.cost(usage({ outputTokens: 2 }), 1, 9000, 0)).toBe(80_000_000);
  });

  it('F076 takes no negative time, and no more than a day of it', () => {
    const rate = rateOf(null, gpuPrice());
    expect([rate.charge(null, 1, -5), rate.charge(null, 1, Number.NaN), rate.charge(null, 1, null)]).toEqual([0, 0, 0]);
    expect(rate.charge(null, 1, 1e300)).toBe(rate.charge(null, 1, 86_400_000));
  });

  it('what nobody has priced costs nothing, and says so', () => {
    const rate = rateOf(null);
    expect([rate.priced, rate.charge(usage({ outputTokens: 9 }), 1, 9), rate.cost(null, 1, 9, 9)]).toEqual([
      false,
      0,
      0,
    ]);
    expect(rate.expect(9, 9, 9, 9, 9)).toBe(0);
  });
});

describe('what is reserved', () => {
  it('counts on a prompt that fills a cache where that is dearer, and on GPU time where tokens have no price', () => {
    expect(rateOf(tokenPrice()).expect(10, 5, 2, 1, 0)).toBe(10 * 2500 + 5 * 100 + 2 * 10_000);
    expect(rateOf(tokenPrice({ cacheWrite: 0 })).expect(10, 5, 2, 1, 0)).toBe(10 * 2000 + 5 * 100 + 2 * 10_000);
    expect(rateOf(null, gpuPrice()).expect(10, 5, 2, 1, 2000)).toBe(2_000_000);
  });
});

describe('the book', () => {
  it('keeps one rate per target, model and worker price, and asks for each price once', () => {
    const asked: string[] = [];
    const price = tokenPrice();
    const book = createPriceBook((target, model) => {
      asked.push(`${target.name}/${model}`);
      return model === 'free' ? null : price;
    });
    const other = poolTarget({ name: 'other' });
    const gpu = gpuPrice();
    const first = book.rate(TARGET, 'a', null);
    for (let i = 0; i < 3; i++) {
      expect(book.rate(TARGET, 'a', null)).toBe(first);
      expect(book.rate(TARGET, 'a', gpu)).not.toBe(first);
      expect(book.rate(other, 'a', null)).not.toBe(undefined);
      expect(book.rate(TARGET, 'free', null).priced).toBe(false);
      expect(book.rate(TARGET, 'free', gpu).priced).toBe(true);
    }
    expect(asked.sort()).toEqual(['other/a', 'pool/a', 'pool/free']);
  });

  it('is bounded where callers choose the name of the model', () => {
    let asked = 0;
    const book = createPriceBook(() => {
      asked++;
      return null;
    });
    for (let i = 0; i < 10_000; i++) expect(book.rate(TARGET, `m${i}`, null).priced).toBe(false);
    // The last ones are known still, the first are not.
    book.rate(TARGET, 'm9990', null);
    expect(asked).toBe(10_000);
    book.rate(TARGET, 'm0', null);
    expect(asked).toBe(10_001);
  });

  it('counts search units where they are told, else as many as the documents make, else items', () => {
    const cohere = { rerank: { form: 'cohere', scores: 'undeclared' } } as const;
    expect(billedItems(cohere as never, 250, 4)).toBe(4);
    expect(billedItems(cohere as never, 250, null)).toBe(3);
    expect(billedItems({ rerank: null }, 250, null)).toBe(250);
  });
});
