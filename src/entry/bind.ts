// Whether an address may be opened that other machines can reach: keys first, and no plain text on the way. For entry/node.
import type { Address } from '../core/units.ts';

/** An address that must not, or cannot, be opened as things are; the text says what to do instead. */
export class AddressRefused extends Error {}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

export function isLoopback({ host }: Address): boolean {
  return LOOPBACK.has(host);
}

/** What stands between strangers and a listener. */
export interface Protection {
  /** Whoever asks must show a credential. */
  readonly credential: boolean;
  /** How such a credential is made. */
  readonly howTo: string;
  readonly tls: boolean;
  readonly trustedProxies: boolean;
}

/** One rule: a credential, and TLS here or at a proxy in front. Throws with what is missing of it. */
export function checkAddress(name: 'listen' | 'admin', address: Address, has: Protection): void {
  if (isLoopback(address)) return;
  const missing: string[] = [];
  if (!has.credential) missing.push(has.howTo);
  if (!has.tls && !has.trustedProxies) {
    missing.push('TLS (server.tls with a certificate, or server.trustedProxies where a proxy in front ends TLS)');
  }
  if (missing.length === 0) return;
  throw new AddressRefused(
    `${name} ${address.host}:${address.port} can be reached from other machines. Missing: ${missing.join('; and ')}. ` +
      `Or stay on this machine: 127.0.0.1, [::1] or localhost (--${name}, or server.${name} in the policy).`,
  );
}
