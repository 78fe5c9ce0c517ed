// Whether a key still lets its holder in. For the key ring and for lists of keys.
import type { KeyRecord } from '../core/keys.ts';

export type KeyState = 'active' | 'expired' | 'revoked';

export function keyState(record: KeyRecord, wallMs: number): KeyState {
  if (record.revokedMs !== null) return 'revoked';
  return wallMs < lastsUntilMs(record) ? 'active' : 'expired';
}

/**
 * Until when it lets in, Unix epoch in ms. A revoked key is over whatever time it was revoked at: the clock of the machine
 * that revoked it may be ahead.
 */
export function lastsUntilMs({ revokedMs, expiresMs }: KeyRecord): number {
  if (revokedMs !== null) return Number.NEGATIVE_INFINITY;
  return expiresMs ?? Number.POSITIVE_INFINITY;
}
