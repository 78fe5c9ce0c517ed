// How much of a prompt is already computed: a bounded LRU of chained block hashes. For the engine.

/** Hash of each full block; a hash covers its block and everything before it, so equal hash means equal prefix. */
export function blockHashes(ids: readonly number[], blockSize: number, salt = ''): number[] {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let i = 0; i < salt.length; i += 1) low = Math.imul(low ^ salt.charCodeAt(i), 0x01000193);
  const hashes: number[] = [];
  const full = ids.length - (ids.length % blockSize);
  for (let i = 0; i < full; i += 1) {
    const id = ids[i]!;
    const lowHalf = id | 0;
    const highHalf = (id / 0x1_0000_0000) | 0;
    low = Math.imul(low ^ lowHalf, 0x01000193) ^ (low >>> 15);
    high = Math.imul(high ^ lowHalf ^ Math.imul(highHalf, 0x27d4eb2f), 0x85ebca6b) ^ (high >>> 13);
    low = Math.imul(low ^ highHalf, 0x01000193);
    // 53 bits fit a number exactly: chance collisions are out of reach of any test or load.
    if ((i + 1) % blockSize === 0) hashes.push((high >>> 11) * 0x1_0000_0000 + (low >>> 0));
  }
  return hashes;
}

export class PrefixCache {
  readonly #blockSize: number;
  readonly #capacity: number;
  /** Insertion order is age: a touched block is deleted and set again. */
  readonly #blocks = new Map<number, true>();

  constructor(blockSize: number, capacity: number) {
    this.#blockSize = blockSize;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#blocks.size;
  }

  /** Leading tokens that are cached. The last token is always computed, as an engine needs its output. */
  cachedTokens(hashes: readonly number[], promptTokens: number): number {
    const most = Math.min(hashes.length, Math.floor((promptTokens - 1) / this.#blockSize));
    let hits = 0;
    while (hits < most && this.#blocks.has(hashes[hits]!)) hits += 1;
    return hits * this.#blockSize;
  }

  /** Leaves the first block youngest, so that eviction takes a prefix from its end. */
  insert(hashes: readonly number[]): void {
    for (let i = Math.min(hashes.length, this.#capacity) - 1; i >= 0; i -= 1) {
      const hash = hashes[i]!;
      this.#blocks.delete(hash);
      this.#blocks.set(hash, true);
    }
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= this.#capacity) break;
      this.#blocks.delete(oldest);
    }
  }

  clear(): void {
    this.#blocks.clear();
  }
}
