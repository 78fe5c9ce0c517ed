// Which price a target's model has: the provider's own name before its kind, then the most specific model. For the catalog.
import type { Target } from '../core/plan.ts';
import type { TokenPrice } from '../core/prices.ts';
import { createMatcher, fitsPattern, type Named } from './match.ts';
import type { Policy } from './policy.ts';

/** One line of `prices.models`. */
export interface PriceEntry {
  /** Name of a provider or pool, or a kind of provider. */
  readonly target: string;
  /** A pattern where it holds a `*`. */
  readonly model: string;
  readonly price: TokenPrice;
}

export type TokenPrices = (target: Pick<Target, 'kind' | 'name'>, model: string) => TokenPrice | null;

export function tokenPrices({ prices, providers }: Pick<Policy, 'prices' | 'providers'>): TokenPrices {
  const lists = new Map<string, Named<TokenPrice>[]>();
  for (const { target, model, price } of prices.models) {
    const list = lists.get(target) ?? [];
    lists.set(target, list);
    list.push({ name: model, aliases: [], value: price });
  }
  const finders = new Map([...lists].map(([target, list]) => [target, createMatcher(list)]));
  const kinds = new Map(providers.map(({ name, kind }) => [name, kind]));
  return ({ kind, name }, model) => {
    const own = finders.get(name)?.(model) ?? null;
    if (own !== null || kind === 'pool') return own;
    return finders.get(kinds.get(name) ?? '')?.(model) ?? null;
  };
}

/** A character that no model's name holds stands for whatever a star may become. */
const ANYTHING = '\u0001';

/** Whether every name that fits `asked` (a name or pattern) fits `pattern` too. */
export function covers(pattern: string, asked: string): boolean {
  return fitsPattern(asked.replaceAll('*', ANYTHING), pattern.split('*'));
}

/** Whether some name may fit both; wrong only in saying so where the stars of both leave it open. */
export function mayMeet(one: string, other: string): boolean {
  if (!other.includes('*')) return fitsPattern(other, one.split('*'));
  if (!one.includes('*')) return fitsPattern(one, other.split('*'));
  const [oneHead, otherHead] = [one.slice(0, one.indexOf('*')), other.slice(0, other.indexOf('*'))];
  const [oneTail, otherTail] = [one.slice(one.lastIndexOf('*') + 1), other.slice(other.lastIndexOf('*') + 1)];
  const heads = oneHead.startsWith(otherHead) || otherHead.startsWith(oneHead);
  return heads && (oneTail.endsWith(otherTail) || otherTail.endsWith(oneTail));
}

/** Whether whatever is asked there has a price: a pattern stands for all names that fit it. */
export function isPriced(
  target: Pick<Target, 'kind' | 'name'>,
  asked: string,
  policy: Pick<Policy, 'prices' | 'providers'>,
): boolean {
  const kind = target.kind === 'pool' ? null : policy.providers.find(({ name }) => name === target.name)?.kind;
  return policy.prices.models.some(
    (entry) => (entry.target === target.name || entry.target === kind) && covers(entry.model, asked),
  );
}
