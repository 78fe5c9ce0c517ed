// Which conversation a previous response stands for. For responses; bounded, the oldest is forgotten first.
import type { Body } from './fields.ts';

const MOST_KEPT = 256;

export class StoredConversations {
  readonly #byResponse = new Map<string, readonly Body[]>();

  get size(): number {
    return this.#byResponse.size;
  }

  /** Chat messages up to and with the answer, without the instructions, which each call says anew. */
  get(responseId: string): readonly Body[] | undefined {
    return this.#byResponse.get(responseId);
  }

  keep(responseId: string, messages: readonly Body[]): void {
    this.#byResponse.delete(responseId);
    this.#byResponse.set(responseId, messages);
    for (const oldest of this.#byResponse.keys()) {
      if (this.#byResponse.size <= MOST_KEPT) break;
      this.#byResponse.delete(oldest);
    }
  }
}
