// How full an engine's memory is between two of its answers: what it said last, and what was sent and ended since. For fleet/room.
import type { EngineMemory } from '../core/worker.ts';

/** Share in use from which an engine is full: what is begun beyond that soon has to wait inside, or pushes others out. */
const FULL = 0.8;
/**
 * From one answer to the next, so much more of the memory may count as shared by calls in flight. Sharing is believed
 * slowly, since a long prompt that is still being read looks like it.
 */
const SHARED = 0.02;

export class MemoryCredit {
  /** What own calls in flight need, by estimate, if they share nothing. */
  heldTokens = 0;
  #memory: EngineMemory | null = null;
  /** What is used beyond that: by others, or, below 0, less than that for what calls share. */
  #beyondTokens = 0;

  /** Null: it does not say how large its memory is. */
  told(memory: EngineMemory | null): void {
    this.#memory = memory;
    if (memory === null) return;
    const beyond = memory.usedTokens - this.heldTokens;
    // Who waits inside has no memory yet, and is going to need it.
    const least = memory.waits ? 0 : Math.min(0, this.#beyondTokens) - SHARED * memory.tokens;
    this.#beyondTokens = Math.max(beyond, least);
  }

  /** Its last word is too old. How large it is, is as true as ever. */
  stale(): void {
    this.#beyondTokens = 0;
  }

  /** Null: nobody knows. */
  get isFull(): boolean | null {
    return this.#memory === null ? null : this.heldTokens + this.#beyondTokens >= FULL * this.#memory.tokens;
  }

  /** Memory was what made it full when it said so, and not calls that wait inside for something else. */
  get wasFull(): boolean {
    return this.#memory !== null && this.#memory.usedTokens >= FULL * this.#memory.tokens;
  }
}
