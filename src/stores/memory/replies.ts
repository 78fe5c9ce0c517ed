// Replies kept under idempotency keys, as long as the process lives. For routers without a disk, and for tests.
import {
  type IdempotencyAnswer,
  type IdempotencyBounds,
  type IdempotencyScope,
  type IdempotencyStore,
  type KeptReply,
  REPLY_BOUNDS,
} from '../../core/idempotency.ts';
import type { Clock } from '../../core/runtime.ts';

interface Entry {
  readonly name: string;
  readonly tenant: string;
  readonly digest: string;
  readonly fence: number;
  /** When it is over, monotonic ms: a try's lease, or a kept reply's age. */
  readonly endsMs: number;
  /** Null: still under way. */
  readonly reply: KeptReply | null;
  readonly bytes: number;
}

/** What an entry takes beside its reply's bytes. */
const OVERHEAD = 512;

/**
 * Tries under way are never pushed out, for their requests would run twice. When there is no room for one more reply, the
 * tenant that brings it gives up its own oldest, or where it has none, the oldest of all goes.
 */
export class MemoryReplies implements IdempotencyStore {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #bounds: IdempotencyBounds;
  readonly #entries = new Map<string, Entry>();
  /** Kept replies, the oldest first: of all, and by tenant. */
  readonly #kept = new Set<Entry>();
  readonly #shelves = new Map<string, Set<Entry>>();
  #bytes = 0;
  #fence = 0;

  constructor(clock: Pick<Clock, 'nowMs'>, bounds: IdempotencyBounds = REPLY_BOUNDS) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  begin(scope: IdempotencyScope, digest: string, leaseMs: number): IdempotencyAnswer {
    const nowMs = this.#clock.nowMs();
    this.#dropOld(nowMs);
    const name = nameOf(scope);
    const found = this.#entries.get(name);
    if (found !== undefined && nowMs < found.endsMs) {
      if (found.digest !== digest) return { state: 'mismatch' };
      return found.reply === null ? { state: 'in_flight' } : { state: 'kept', reply: found.reply };
    }
    if (found !== undefined) this.#remove(found);
    const fence = ++this.#fence;
    const { tenant } = scope;
    this.#entries.set(name, { name, tenant, digest, fence, endsMs: nowMs + leaseMs, reply: null, bytes: 0 });
    return { state: 'new', fence };
  }

  keep(scope: IdempotencyScope, fence: number, reply: KeptReply): void {
    const found = this.#underWay(scope, fence);
    if (found === null) return;
    this.#remove(found);
    const { maxReplyBytes, maxReplies, maxBytes, maxAgeMs } = this.#bounds;
    if (reply.body.length > maxReplyBytes) return;
    const bytes = OVERHEAD + reply.body.length + reply.headers.reduce((sum, { length }) => sum + length, 0);
    const shelf = this.#shelves.get(found.tenant) ?? new Set();
    while (this.#kept.size > 0 && (this.#kept.size >= maxReplies || this.#bytes + bytes > maxBytes)) {
      this.#remove((shelf.size > 0 ? shelf : this.#kept).values().next().value!);
    }
    const entry: Entry = { ...found, endsMs: this.#clock.nowMs() + maxAgeMs, reply, bytes };
    this.#entries.set(entry.name, entry);
    this.#kept.add(entry);
    this.#shelves.set(entry.tenant, shelf.add(entry));
    this.#bytes += bytes;
  }

  drop(scope: IdempotencyScope, fence: number): void {
    const found = this.#underWay(scope, fence);
    if (found !== null) this.#remove(found);
  }

  erase(tenant: string): void {
    for (const entry of this.#shelves.get(tenant) ?? []) this.#remove(entry);
  }

  close(): void {
    for (const entry of this.#entries.values()) this.#remove(entry);
  }

  /** Kept replies, and the bytes they take. */
  get size(): { readonly replies: number; readonly bytes: number } {
    return { replies: this.#kept.size, bytes: this.#bytes };
  }

  #underWay(scope: IdempotencyScope, fence: number): Entry | null {
    const found = this.#entries.get(nameOf(scope));
    return found?.fence === fence && found.reply === null ? found : null;
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.name);
    if (!this.#kept.delete(entry)) return;
    this.#bytes -= entry.bytes;
    const shelf = this.#shelves.get(entry.tenant)!;
    shelf.delete(entry);
    if (shelf.size === 0) this.#shelves.delete(entry.tenant);
  }

  /** All live equally long, so the oldest ends first. */
  #dropOld(nowMs: number): void {
    for (const entry of this.#kept) {
      if (nowMs < entry.endsMs) return;
      this.#remove(entry);
    }
  }
}

/** JSON keeps apart what a separator could join. */
function nameOf({ tenant, route, key }: IdempotencyScope): string {
  return JSON.stringify([tenant, route, key]);
}
