// Makes a key and what is kept of it; the key itself exists only in the answer. For the command line and admin routes.
import type { KeyRecord } from '../core/keys.ts';
import type { Digest } from '../core/runtime.ts';
import { createKey, type RandomBytes, SHOWN_CHARS } from './key-format.ts';
import type { KeyTerms } from './key-terms.ts';

export interface IssueDeps {
  readonly randomBytes: RandomBytes;
  readonly digest: Digest;
  readonly wallMs: number;
}

export interface IssuedKey {
  /** Shown once, kept nowhere. */
  readonly key: string;
  readonly record: KeyRecord;
}

/** `terms` must be free of faults. */
export async function issueKey(terms: KeyTerms, { randomBytes, digest, wallMs }: IssueDeps): Promise<IssuedKey> {
  const key = createKey(randomBytes);
  const { tenant, name, expiresMs, models, routes } = terms;
  return {
    key,
    record: {
      id: `key_${hex(randomBytes(8))}`,
      tenant,
      name,
      prefix: key.slice(0, SHOWN_CHARS),
      hash: await keyHash(key, digest),
      createdMs: Math.floor(wallMs),
      expiresMs,
      revokedMs: null,
      models,
      routes,
    },
  };
}

/** What stands for the key in a store: SHA-256 in lower-case hex. */
export async function keyHash(key: string, digest: Digest): Promise<string> {
  return hex(await digest(new TextEncoder().encode(key)));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
