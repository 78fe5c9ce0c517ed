// What guards the listeners beside keys: certificates, trusted proxies, the admin secret. For entry/node.
import { readFileSync } from 'node:fs';
import { BlockList, isIPv6 } from 'node:net';
import type { Doorkeeper } from '../core/keys.ts';
import type { Log } from '../core/runtime.ts';
import type { Address } from '../core/units.ts';
import type { ServerRules } from '../policy/policy.ts';
import type { NodeServer, TlsPair } from '../runtime/node/server.ts';
import { checkAddress, isLoopback } from './bind.ts';

type Env = Readonly<Record<string, string | undefined>>;

export class Door {
  #rules: ServerRules;
  readonly #doorkeeper: Doorkeeper;
  readonly #proxies: BlockList | null;
  readonly #fromEnv: string | null;

  constructor(doorkeeper: Doorkeeper, rules: ServerRules, env: Env) {
    this.#doorkeeper = doorkeeper;
    this.#rules = rules;
    this.#proxies = rules.trustedProxies.length === 0 ? null : proxyList(rules.trustedProxies);
    this.#fromEnv = secretOfEnvironment(env);
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

  tls(): TlsPair | null {
    const { tls } = this.#rules;
    return tls === null ? null : { cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
  }

  /** After a reload: a certificate that was renewed is used for new connections; one that cannot be read is not. */
  renew(rules: ServerRules, servers: readonly NodeServer[], log: Log): void {
    if ((rules.tls === null) !== (this.#rules.tls === null)) log.warn('needs_restart', { key: 'server.tls' });
    else this.#rules = { ...rules, trustedProxies: this.#rules.trustedProxies };
    try {
      const pair = this.tls();
      if (pair !== null) for (const server of servers) server.renew(pair);
    } catch (thrown) {
      log.error('certificate_refused', { code: (thrown as NodeJS.ErrnoException).code ?? 'unreadable' });
    }
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

function secretOfEnvironment(env: Env): string | null {
  const file = env['SPILLWAY_ADMIN_SECRET_FILE'];
  if (file !== undefined && file !== '') return readFileSync(file, 'utf8').trim() || null;
  return env['SPILLWAY_ADMIN_SECRET'] || null;
}
