// The prefix cache hits whole blocks of equal prefixes and stays within its bound. For src/demo/prefix-cache.ts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockHashes, PrefixCache } from '../../src/demo/prefix-cache.ts';

const range = (length: number, from = 0) => Array.from({ length }, (_, i) => from + i);

describe('prefix cache', () => {
  it('counts leading full blocks, and never the last token of a prompt', () => {
    const cache = new PrefixCache(16, 100);
    cache.insert(blockHashes(range(64), 16));
    expect(cache.cachedTokens(blockHashes(range(64), 16), 64)).toBe(48);
    expect(cache.cachedTokens(blockHashes(range(65), 16), 65)).toBe(64);
    expect(cache.cachedTokens(blockHashes([...range(20), 999, ...range(40, 21)], 16), 61)).toBe(16);
    expect(cache.cachedTokens(blockHashes(range(64, 1), 16), 64)).toBe(0);
  });

  it('keeps salted prompts apart', () => {
    const cache = new PrefixCache(4, 100);
    cache.insert(blockHashes(range(40), 4, 'tenant-a'));
    expect(cache.cachedTokens(blockHashes(range(40), 4, 'tenant-b'), 40)).toBe(0);
    expect(cache.cachedTokens(blockHashes(range(40), 4, 'tenant-a'), 40)).toBe(36);
  });

  it('evicts the oldest prompt first, from its end', () => {
    const cache = new PrefixCache(1, 10);
    cache.insert(blockHashes(range(8), 1));
    cache.insert(blockHashes(range(5, 100), 1));
    expect(cache.size).toBe(10);
    expect(cache.cachedTokens(blockHashes(range(9), 1), 9)).toBe(5);
    expect(cache.cachedTokens(blockHashes(range(6, 100), 1), 6)).toBe(5);
  });

  it('hits exactly the common prefix of two prompts, in whole blocks', () => {
    const tokens = fc.array(fc.nat(3), { maxLength: 60 });
    fc.assert(
      fc.property(tokens, tokens, fc.integer({ min: 1, max: 8 }), (a, b, blockSize) => {
        const cache = new PrefixCache(blockSize, 1000);
        cache.insert(blockHashes(a, blockSize));
        let common = 0;
        while (common < Math.min(a.length, b.length) && a[common] === b[common]) common += 1;
        const most = Math.max(0, Math.floor((b.length - 1) / blockSize));
        const expected = Math.min(Math.floor(common / blockSize), most) * blockSize;
        return cache.cachedTokens(blockHashes(b, blockSize), b.length) === expected;
      }),
    );
  });

  it('never grows beyond its blocks', () => {
    const prompts = fc.array(fc.array(fc.nat(9), { maxLength: 50 }), { maxLength: 20 });
    fc.assert(
      fc.property(prompts, fc.nat(12), (many, capacity) => {
        const cache = new PrefixCache(2, capacity);
        for (const prompt of many) cache.insert(blockHashes(prompt, 2));
        return cache.size <= capacity;
      }),
    );
  });
});
