// Which run a stored reply belongs to, and which worker stores it, so that a call that goes on with it finds both. For router.
import { LRUCache } from 'lru-cache';
import type { ReplyLink, ReplyLinks } from '../core/runs.ts';

/** As long as a silent run lasts. */
const IDLE_MS = 3_600_000;
const MAX_LINKS = 20_000;

interface Kept {
  readonly link: ReplyLink;
  usedMs: number;
}

/** Looked at by the clock when it is asked, so that no key needs a timer. */
export class ReplyLinksLru implements ReplyLinks {
  readonly #links: LRUCache<string, Kept>;

  constructor(maxLinks: number = MAX_LINKS) {
    this.#links = new LRUCache({ max: maxLinks });
  }

  get size(): number {
    return this.#links.size;
  }

  keep(tenant: string, reply: string, link: ReplyLink, nowMs: number): void {
    this.#links.set(keyOf(tenant, reply), { link, usedMs: nowMs });
  }

  find(tenant: string, reply: string, nowMs: number): ReplyLink | null {
    const kept = this.#links.get(keyOf(tenant, reply));
    if (kept === undefined || nowMs - kept.usedMs >= IDLE_MS) return null;
    kept.usedMs = nowMs;
    return kept.link;
  }
}

/** Ids hold no line break. What one tenant's replies are called tells another's calls nothing. */
function keyOf(tenant: string, reply: string): string {
  return `${reply}\n${tenant}`;
}
