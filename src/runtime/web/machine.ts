// Clock, chance, ids and digests by web-standard globals. For runtime/web.
import type { Clock, Digest, NewId, Random, Timer } from '../../core/runtime.ts';
import { CHANCE_DIGITS, idPrefix } from '../request-id.ts';

/** A longer timer fires at once, so a long wait is made of several. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const webClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, fn) => new LongTimer(delayMs, fn),
};

class LongTimer implements Timer {
  #leftMs: number;
  readonly #fn: () => void;
  #timer: ReturnType<typeof setTimeout>;

  constructor(delayMs: number, fn: () => void) {
    this.#leftMs = delayMs;
    this.#fn = fn;
    this.#timer = this.#wait();
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }

  #wait(): ReturnType<typeof setTimeout> {
    const waitMs = Math.min(this.#leftMs, LONGEST_TIMER_MS);
    this.#leftMs -= waitMs;
    if (!(this.#leftMs > 0)) return setTimeout(this.#fn, waitMs);
    return setTimeout(() => {
      this.#timer = this.#wait();
    }, waitMs);
  }
}

const ID_BYTES = CHANCE_DIGITS / 2;
const WORDS = 256;
const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const pool = new Uint8Array(ID_BYTES * WORDS);
const words = new Uint32Array(WORDS);
// Filled at first use: Workers have no chance before their first request.
let usedBytes = pool.length;
let usedWords = WORDS;

/** Random bytes are drawn many at a time, since each draw costs. */
export const newWebId: NewId = () => {
  if (usedBytes === pool.length) {
    crypto.getRandomValues(pool);
    usedBytes = 0;
  }
  let id = idPrefix(Date.now());
  for (const end = usedBytes + ID_BYTES; usedBytes < end; usedBytes++) id += hex[pool[usedBytes]!]!;
  return id;
};

/** 32 bits of chance: for jitter and picks. */
export const webRandom: Random = () => {
  if (usedWords === WORDS) {
    crypto.getRandomValues(words);
    usedWords = 0;
  }
  return words[usedWords++]! / 2 ** 32;
};

export const webDigest: Digest = async (bytes) =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
