// What guards the listeners beside keys: certificates, trusted proxies, the admin secret. For entry/node.
import { readFileSync } from 'node:fs';
import { BlockList, isIPv6 } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { Doorkeeper } from '../core/keys.ts';
import type { Log } from '../core/runtime.ts';
import type { Address } from '../core/units.ts';
import type { ServerRules } from '../policy/policy.ts';
import type { NodeServer, TlsPair } from '../runtime/node/server.ts';
import { type Env, environmentSecret } from './admin-secret.ts';
import { AddressRefused, checkAddress, isLoopback } from './bind.ts';

export class Door {
  #rules: ServerRules;
  #pair: TlsPair | null;
  #fromEnv: string | null;
  readonly #env: Env;
  readonly #doorkeeper: Doorkeeper;
  readonly #proxies: BlockList | null;

  /** Throws an AddressRefused where a certificate or a secret that is named cannot be used. */
  constructor(doorkeeper: Doorkeeper, rules: ServerRules, env: Env) {
    this.#doorkeeper = doorkeeper;
    this.#rules = rules;
    this.#env = env;
    this.#proxies = rules.trustedProxies.length === 0 ? null : proxyList(rules.trustedProxies);
    this.#fromEnv = environmentSecret(env);
    this.#pair = readPair(rules);
  }

  /** What the admin listener asks for: the environment's secret, else the policy's. */
  get adminSecret(): string | null {
    return this.#fromEnv ?? this.#rules.adminSecret;
  }

  /** Throws an AddressRefused where strangers could reach an unguarded listener. */
  check(name: 'listen' | 'admin', address: Address): void {
    const isPublic = name === 'listen';
    checkAddress(name, address, {
      credential: isPublic ? !this.#doorkeeper.development : this.adminSecret !== null,
      howTo: isPublic
        ? 'keys (none has been made: "spillway keys create")'
        : 'the admin secret (SPILLWAY_ADMIN_SECRET, SPILLWAY_ADMIN_SECRET_FILE or server.adminSecret)',
      tls: this.#rules.tls !== null,
      trustedProxies: this.#proxies !== null,
    });
  }

  /** Without a secret only this machine's own operator may look, and only while nobody else was given a key. */
  opensAdmin(address: Address): boolean {
    return isLoopback(address) && this.#doorkeeper.development;
  }

  /** Where keys are asked for, a rebound host name gains a page nothing. */
  readonly anyHost = (): boolean => !this.#doorkeeper.development && this.#rules.allowedHosts.length === 0;

  /** Without TLS of our own, an address beyond this machine takes its proxies' connections alone. */
  takesPeer(address: Address): ((peer: string) => boolean) | undefined {
    const proxies = this.#proxies;
    if (proxies === null || this.#rules.tls !== null || isLoopback(address)) return undefined;
    return (peer) => {
      const plain = peer.startsWith('::ffff:') ? peer.slice(7) : peer;
      return proxies.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
    };
  }

  /** What callers send is encrypted wherever they are; operators on this machine are not asked to trust a certificate. */
  tls(name: 'listen' | 'admin', address: Address): TlsPair | null {
    return name === 'admin' && isLoopback(address) ? null : this.#pair;
  }

  /** After a reload: a certificate or secret that was renewed is used from now on; one that cannot be read is not. */
  renew(rules: ServerRules, servers: readonly NodeServer[], log: Log): void {
    const { tls, trustedProxies } = this.#rules;
    const switched = (rules.tls === null) !== (tls === null);
    if (switched) log.warn('needs_restart', { key: 'server.tls' });
    this.#rules = { ...rules, trustedProxies, tls: switched ? tls : rules.tls };
    try {
      this.#fromEnv = environmentSecret(this.#env);
    } catch {
      log.error('admin_secret_refused');
    }
    try {
      this.#pair = readPair(this.#rules);
      if (this.#pair !== null) for (const server of servers) server.renew(this.#pair);
    } catch {
      log.error('certificate_refused', { file: rules.tls?.cert });
    }
  }
}

/** A pair that no server could show is refused before anything listens. */
function readPair({ tls }: ServerRules): TlsPair | null {
  if (tls === null) return null;
  try {
    const pair = { cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
    createSecureContext(pair);
    return pair;
  } catch (thrown) {
    const { code = 'unreadable' } = thrown as NodeJS.ErrnoException;
    throw new AddressRefused(
      `server.tls cannot be used (${code}): ${tls.cert} must hold a certificate chain and ${tls.key} its private key, both PEM.`,
    );
  }
}

function proxyList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const own of ['127.0.0.1/32', '::1/128', ...entries]) {
    const [address, bits] = own.split('/') as [string, string?];
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
