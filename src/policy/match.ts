// Which model's plan an asked name means: exact name, alias, then the most specific pattern. For the catalog.
import { LRUCache } from 'lru-cache';
import { fitsPattern } from '../core/pattern.ts';
import { MAX_MODEL_NAME } from './units.ts';

export { fitsPattern };

const REMEMBERED = 1000;

export interface Named<T> {
  /** A pattern when it holds a `*`. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly value: T;
}

/** Callers choose the names that are asked, so what is remembered of patterns is bounded in number and length. */
export function createMatcher<T extends object>(entries: readonly Named<T>[]): (asked: string) => T | null {
  const exact = new Map<string, T>();
  const patterns: { readonly pieces: readonly string[]; readonly literal: number; readonly value: T }[] = [];
  for (const { name, aliases, value } of entries) {
    for (const alias of aliases) exact.set(alias, value);
    if (!name.includes('*')) exact.set(name, value);
    else {
      const pieces = name.split('*');
      patterns.push({ pieces, literal: pieces.join('').length, value });
    }
  }
  // Sorting is stable: of two equally specific patterns the first in the file wins.
  patterns.sort((a, b) => b.literal - a.literal);
  if (patterns.length === 0) return (asked) => exact.get(asked) ?? null;

  const remembered = new LRUCache<string, { readonly value: T | null }>({ max: REMEMBERED });
  return (asked) => {
    const known = exact.get(asked);
    if (known !== undefined) return known;
    if (asked.length > MAX_MODEL_NAME) return null;
    const earlier = remembered.get(asked);
    if (earlier !== undefined) return earlier.value;
    const value = patterns.find((pattern) => fitsPattern(asked, pattern.pieces))?.value ?? null;
    remembered.set(asked, { value });
    return value;
  };
}
