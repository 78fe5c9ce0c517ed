// What a call's tokens cost by one price: exact, rounded once. For economics/price-book.
import type { Usage } from '../core/dialect.ts';
import type { NanoUsd } from '../core/money.ts';
import type { TokenPrice, TokenRates } from '../core/prices.ts';

/** No call holds more of anything: larger numbers are lies, and count as nothing. */
const MOST = 1e9;
/** Rates are kept to a millionth of a nano-USD, so that a sum of products of whole numbers is exact. */
const PARTS = 1_000_000;

/** A rate in whole nano-USD and whole parts of one. */
interface ExactRate {
  readonly whole: number;
  readonly parts: number;
}

interface ExactRates {
  readonly above: number;
  readonly uncached: ExactRate;
  readonly cachedRead: ExactRate;
  readonly cacheWrite: ExactRate;
  readonly cacheWriteLong: ExactRate;
  readonly output: ExactRate;
}

/** All of one price at one service tier. */
interface TierRates {
  /** Descending by `above`; the last is for all prompts. */
  readonly lengths: readonly ExactRates[];
  readonly perCall: ExactRate;
  readonly perItem: ExactRate;
}

export interface TokenCosts {
  of(usage: Usage | null, items: number): NanoUsd;
  expected(uncachedTokens: number, cachedTokens: number, outputTokens: number, items: number): NanoUsd;
}

const BATCH = 'batch';

/** `batch` is the tier that batches are said to be served in, where the price names no other factor for that word. */
export function tokenCosts(price: TokenPrice): TokenCosts {
  const standard = ratesAt(price, 1);
  const tiers = new Map<string, TierRates>([[BATCH, ratesAt(price, price.batchFactor)]]);
  for (const [tier, factor] of Object.entries(price.serviceTiers)) tiers.set(tier, ratesAt(price, factor));
  return {
    of(usage, items) {
      // Nothing was answered.
      if (usage === null && items === 0) return 0;
      if (usage === null) return sum(standard, 0, 0, 0, 0, 0, items);
      const rates = usage.serviceTier === undefined ? standard : (tiers.get(usage.serviceTier) ?? standard);
      const uncached = count(usage.uncachedTokens);
      const written = Math.min(uncached, count(usage.cacheWriteTokens ?? 0));
      const long = Math.min(written, count(usage.cacheWriteLongTokens ?? 0));
      return sum(rates, uncached, written, long, count(usage.cachedTokens), count(usage.outputTokens), items);
    },
    expected(uncachedTokens, cachedTokens, outputTokens, items) {
      const [uncached, cached, output] = [count(uncachedTokens), count(cachedTokens), count(outputTokens)];
      // Whether a prompt fills a cache is known only afterwards, and what is reserved should not fall short.
      const read = sum(standard, uncached, 0, 0, cached, output, items);
      return Math.max(read, sum(standard, uncached, uncached, 0, cached, output, items));
    },
  };
}

const count = (tokens: number): number => (tokens > 0 && tokens <= MOST ? Math.floor(tokens) : 0);

function exact(rate: number): ExactRate {
  const known = Number.isFinite(rate) && rate > 0 ? rate : 0;
  const whole = Math.floor(known);
  return { whole, parts: Math.round((known - whole) * PARTS) };
}

function ratesAt(price: TokenPrice, factor: number): TierRates {
  const at = (rates: TokenRates, above: number): ExactRates => ({
    above,
    uncached: exact(rates.uncached * factor),
    cachedRead: exact(rates.cachedRead * factor),
    cacheWrite: exact(rates.cacheWrite * factor),
    cacheWriteLong: exact(rates.cacheWriteLong * factor),
    output: exact(rates.output * factor),
  });
  const lengths = price.tiers.map((tier) => at(tier, tier.abovePromptTokens)).sort((a, b) => b.above - a.above);
  return {
    lengths: [...lengths, at(price, -1)],
    perCall: exact(price.perCall * factor),
    perItem: exact(price.perItem * factor),
  };
}

/** `uncached` holds `written`, which holds `long`. */
function sum(
  rates: TierRates,
  uncached: number,
  written: number,
  long: number,
  cached: number,
  output: number,
  items: number,
): NanoUsd {
  const { lengths, perCall, perItem } = rates;
  let place = 0;
  while (uncached + cached <= lengths[place]!.above) place++;
  const at = lengths[place]!;
  const read = uncached - written;
  const short = written - long;
  const things = count(items);
  const whole =
    read * at.uncached.whole +
    cached * at.cachedRead.whole +
    short * at.cacheWrite.whole +
    long * at.cacheWriteLong.whole +
    output * at.output.whole +
    things * perItem.whole +
    perCall.whole;
  const parts =
    read * at.uncached.parts +
    cached * at.cachedRead.parts +
    short * at.cacheWrite.parts +
    long * at.cacheWriteLong.parts +
    output * at.output.parts +
    things * perItem.parts +
    perCall.parts;
  return whole + Math.round(parts / PARTS);
}
