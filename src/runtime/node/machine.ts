// Clock, chance, ids and digests of this machine. For entry/node.
import { hash, randomFillSync } from 'node:crypto';
import type { Clock, Digest, NewId } from '../../core/runtime.ts';

/** The global is a getter, and a call reads the clock a dozen times. */
const timeline = performance;

export const nodeClock: Clock = {
  nowMs: () => timeline.now(),
  wallMs: () => Date.now(),
  after(delayMs, fn) {
    const timer = setTimeout(fn, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

const POOL = 4096;
const ID_BYTES = 16;
const pool = Buffer.alloc(POOL);
let used = POOL;

/** `req_` and 128 random bits. Random bytes are drawn many at a time, since each draw costs a system call. */
export const newRequestId: NewId = () => {
  if (used === POOL) {
    randomFillSync(pool);
    used = 0;
  }
  const id = `req_${pool.toString('hex', used, used + ID_BYTES)}`;
  used += ID_BYTES;
  return id;
};

/** In one call and through a string: half the time that a hash object takes, or a buffer made by the crypto library. */
export const nodeDigest: Digest = (bytes) => Buffer.from(hash('sha256', bytes, 'binary'), 'binary');
