// Which prompt blocks an engine's memory holds: those of running calls, and as many others as fit, least recently used out first.
// For the batching model.

/** Invariant: what is held fits into the engine's memory, and with what is remembered into that and the memory behind it. */
export class KvMemory {
  readonly #capacity: number;
  readonly #behind: number;
  readonly #holds: boolean;
  /** Calls that use a block. */
  readonly #held = new Map<number, number>();
  /** Unused blocks and their tokens, oldest first. */
  readonly #idle = new Map<number, number>();
  #heldTokens = 0;
  #idleTokens = 0;

  constructor(capacityTokens: number, behindTokens: number, holds: boolean) {
    this.#capacity = capacityTokens;
    this.#behind = behindTokens;
    this.#holds = holds;
  }

  /** Of what running calls hold. */
  get heldTokens(): number {
    return this.#heldTokens;
  }

  fits(blocks: number, blockTokens: number, ownTokens: number): boolean {
    return !this.#holds || blocks * blockTokens + ownTokens <= this.#capacity;
  }

  /** Has these blocks as if a call with them had just ended. */
  remember(blocks: readonly number[], blockTokens: number): void {
    const kept = Math.min(blocks.length, Math.floor((this.#capacity + this.#behind) / blockTokens));
    for (let at = kept - 1; at >= 0; at--) {
      const block = blocks[at]!;
      if (this.#held.has(block)) continue;
      this.#wake(block);
      this.#idle.set(block, blockTokens);
      this.#idleTokens += blockTokens;
    }
    this.#evict();
  }

  /**
   * Holds a call's blocks, and `ownTokens` that nobody shares. Answers with the tokens of its leading blocks that were there
   * already, or -1 when there is no room now.
   */
  take(blocks: readonly number[], blockTokens: number, ownTokens: number): number {
    if (!this.#holds) return this.#found(blocks, blockTokens);
    let more = ownTokens;
    for (const block of blocks) if (!this.#held.has(block)) more += blockTokens;
    if (this.#heldTokens + more > this.#capacity) return -1;
    let found = 0;
    let leading = true;
    for (const block of blocks) {
      const users = this.#held.get(block) ?? 0;
      const isHere = users > 0 || this.#wake(block);
      leading &&= isHere;
      if (leading) found += blockTokens;
      this.#held.set(block, users + 1);
    }
    this.#heldTokens += more;
    this.#evict();
    return found;
  }

  /** Lets go of what `take` held. Blocks from place `computed` on have not been read, and are forgotten where nobody else uses them. */
  give(blocks: readonly number[], blockTokens: number, ownTokens: number, computed: number): void {
    if (!this.#holds) return;
    this.#heldTokens -= ownTokens;
    // The first block ends youngest, so that a prompt is forgotten from its end.
    for (let at = blocks.length - 1; at >= 0; at--) {
      const block = blocks[at]!;
      const users = this.#held.get(block)! - 1;
      if (users > 0) {
        this.#held.set(block, users);
        continue;
      }
      this.#held.delete(block);
      this.#heldTokens -= blockTokens;
      if (at >= computed) continue;
      this.#idle.set(block, blockTokens);
      this.#idleTokens += blockTokens;
    }
  }

  clear(): void {
    this.#held.clear();
    this.#idle.clear();
    this.#heldTokens = 0;
    this.#idleTokens = 0;
  }

  #wake(block: number): boolean {
    const tokens = this.#idle.get(block);
    if (tokens === undefined) return false;
    this.#idle.delete(block);
    this.#idleTokens -= tokens;
    return true;
  }

  #found(blocks: readonly number[], blockTokens: number): number {
    let found = 0;
    while (found < blocks.length && this.#idle.has(blocks[found]!)) found++;
    this.remember(blocks, blockTokens);
    return found * blockTokens;
  }

  #evict(): void {
    for (const [block, tokens] of this.#idle) {
      if (this.#heldTokens + this.#idleTokens <= this.#capacity + this.#behind) return;
      this.#idle.delete(block);
      this.#idleTokens -= tokens;
    }
  }
}
