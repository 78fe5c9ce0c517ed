// Finds the caller behind a digest in memory, by the same work whether the key is good, over or unknown. For the key ring.
import { type Caller, type KeyRecord, KeyStoreError } from '../core/keys.ts';
import { fitsPattern } from '../core/pattern.ts';
import { sameBytes } from '../wire/same-bytes.ts';
import { lastsUntilMs } from './key-state.ts';

/** Longer names are asked by nobody whom a policy would serve. */
const MAX_MODEL_NAME = 256;
const DIGEST_BYTES = 32;

interface Entry {
  readonly digest: Uint8Array;
  readonly untilMs: number;
  readonly caller: Caller | null;
  /** Another key whose digest begins alike. */
  readonly next: Entry | null;
}

/** Stands in for keys that are not there: it is over as a revoked one is. */
const NOBODY: Entry = {
  digest: new Uint8Array(DIGEST_BYTES),
  untilMs: Number.NEGATIVE_INFINITY,
  caller: null,
  next: null,
};

/** The keys of one moment; never changed once made. A record without a whole hash is refused, and all with it. */
export interface KeyIndex {
  /** Keys ever made. */
  readonly size: number;
  /** Null for unknown, revoked and expired alike. */
  find(digest: Uint8Array, wallMs: number): Caller | null;
}

export function indexKeys(records: readonly KeyRecord[]): KeyIndex {
  const entries = new Map<number, Entry>();
  for (const record of records) {
    const digest = bytesOfHex(record.hash);
    const slot = slotOf(digest);
    entries.set(slot, {
      digest,
      untilMs: lastsUntilMs(record),
      caller: callerOf(record),
      next: entries.get(slot) ?? null,
    });
  }
  // An unknown key is compared with somebody else's, as far away in memory as its own would be: a look at one that is always
  // at hand would be told from it by its time.
  const others = [...entries.values()];
  if (others.length === 0) others.push(NOBODY);
  return {
    size: records.length,
    find(digest, wallMs) {
      const slot = slotOf(digest);
      const other = others[(slot >>> 0) % others.length]!;
      let found: Caller | null = null;
      for (let entry: Entry | null = entries.get(slot) ?? other; entry !== null; entry = entry.next) {
        const same = sameBytes(digest, entry.digest);
        if (same && wallMs < entry.untilMs) found = entry.caller;
      }
      return found;
    },
  };
}

/** The first four bytes: what an attacker learns from a miss here says nothing about a key, whose digest it is. */
function slotOf(digest: Uint8Array): number {
  return (digest[0]! << 24) | (digest[1]! << 16) | (digest[2]! << 8) | digest[3]!;
}

function bytesOfHex(hex: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/.test(hex)) throw new KeyStoreError('damaged', 'A stored hash is no SHA-256 in lower-case hex.');
  const bytes = new Uint8Array(DIGEST_BYTES);
  for (let at = 0; at < bytes.length; at++) bytes[at] = (nibble(hex, 2 * at) << 4) | nibble(hex, 2 * at + 1);
  return bytes;
}

/** '0' to '9' are 0x30 to 0x39, 'a' to 'f' 0x61 to 0x66. */
function nibble(hex: string, at: number): number {
  const code = hex.charCodeAt(at);
  return (code & 15) + (code > 0x39 ? 9 : 0);
}

function callerOf({ id, tenant, models, routes }: KeyRecord): Caller {
  return {
    tenant,
    keyId: id,
    managed: true,
    mayAsk: models === null ? null : modelScope(models),
    routes: routes === null ? null : new Set(routes),
  };
}

function modelScope(models: readonly string[]): (model: string) => boolean {
  const exact = new Set(models.filter((model) => !model.includes('*')));
  const patterns = models.filter((model) => model.includes('*')).map((model) => model.split('*'));
  return (asked) =>
    exact.has(asked) || (asked.length <= MAX_MODEL_NAME && patterns.some((pieces) => fitsPattern(asked, pieces)));
}
