// Where a router may listen and who may speak to it there: the one rule, what is said of each part that is missing, and the
// peers that a listener behind a proxy takes. For src/entry/bind and door.
import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type Address, parseAddress } from '../../src/core/units.ts';
import { AddressRefused, checkAddress, isLoopback } from '../../src/entry/bind.ts';
import { Door } from '../../src/entry/door.ts';
import type { NodeOptions } from '../../src/entry/node.ts';
import type { ServerRules } from '../../src/policy/policy.ts';
import { createMemoryKeys } from '../../src/stores/memory/keys.ts';
import { policyFor, startTestRouter, type TestRouter } from '../fakes/running-router.ts';
import { issued } from '../tenants/sample-keys.ts';

const at = (text: string): Address => parseAddress(text)!;
const ANYWHERE = at('0.0.0.0:0');
const LOOPBACK = at('127.0.0.1:0');
const OTHERS = [
  '0.0.0.0:8787',
  '[::]:8787',
  '10.0.0.5:8787',
  '192.168.0.1:0',
  '127.0.0.2:1',
  'router.example:443',
  '[fe80::1]:1',
];

describe('F115 the rule', () => {
  const rule = (address: string, credential: boolean, tls: boolean, trustedProxies: boolean) => {
    try {
      checkAddress('listen', at(address), { credential, howTo: 'keys', tls, trustedProxies });
      return null;
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(AddressRefused);
      return (thrown as Error).message;
    }
  };

  it('asks nothing of loopback', () => {
    for (const address of ['127.0.0.1:0', '[::1]:8787', 'localhost:1']) {
      expect(isLoopback(at(address))).toBe(true);
      expect(rule(address, false, false, false)).toBe(null);
    }
  });

  it.each(OTHERS)('wants a credential and an encrypted way for %s, and names what is missing', (address) => {
    const way = 'TLS \\(server\\.tls with a certificate, or server\\.trustedProxies where a proxy in front ends TLS\\)';
    for (const [tls, proxies] of [
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      expect(rule(address, true, tls, proxies)).toBe(null);
      expect(rule(address, false, tls, proxies)).toMatch(/Missing: keys\. Or stay on this machine: 127\.0\.0\.1/);
    }
    expect(rule(address, true, false, false)).toMatch(new RegExp(`Missing: ${way}\\. Or`));
    expect(rule(address, false, false, false)).toMatch(new RegExp(`Missing: keys; and ${way}\\. Or`));
  });
});

describe('F115 a router', () => {
  let router: TestRouter | undefined;
  afterEach(async () => {
    await router?.close();
    router = undefined;
  });
  const start = async (server: object, more: Partial<NodeOptions>, keys = true) => {
    const policy = `${policyFor(['http://127.0.0.1:1'])}server: ${JSON.stringify(server)}\n`;
    const { record } = await issued();
    router = await startTestRouter({
      policy,
      more: { keys: createMemoryKeys(keys ? [record] : []), env: {}, ...more },
    });
  };
  const proxied = { trustedProxies: ['127.0.0.3'] };

  it('is not opened to others without keys, without an encrypted way, without either', async () => {
    const none = await start({}, { listen: ANYWHERE }, false).catch((thrown: unknown) => String(thrown));
    const noKeys = await start(proxied, { listen: ANYWHERE }, false).catch((thrown: unknown) => String(thrown));
    const noWay = await start({}, { listen: ANYWHERE }).catch((thrown: unknown) => String(thrown));
    expect(none).toMatch(
      /^Error: listen 0\.0\.0\.0:0 .* Missing: keys \(none has been made: "spillway keys create"\); and TLS \(/,
    );
    expect(noKeys).toMatch(/Missing: keys \(none has been made: "spillway keys create"\)\. Or/);
    expect(noWay).toMatch(/Missing: TLS \(server\.tls .*\)\. Or stay/);
  });

  it('does not open its admin listener to others without the admin secret, keys or not', async () => {
    for (const keys of [true, false]) {
      const noSecret = await start(proxied, { admin: ANYWHERE }, keys).catch((thrown: unknown) => String(thrown));
      expect(noSecret).toMatch(
        /^Error: admin 0\.0\.0\.0:0 .* Missing: the admin secret \(SPILLWAY_ADMIN_SECRET, SPILLWAY_ADMIN_SECRET_FILE or server\.adminSecret\)\. Or/,
      );
    }
    const env = { SPILLWAY_ADMIN_SECRET: 'admin-secret-0123' };
    expect(await start({}, { admin: ANYWHERE, env }).catch((thrown: unknown) => String(thrown))).toMatch(
      /Missing: TLS \(/,
    );
    await start(proxied, { admin: ANYWHERE, env });
    expect(await statusOf(router!.adminPort, '/status', '127.0.0.1')).toBe(401);
  });

  it('with --require-keys may be opened before there is a key, and lets nobody in', async () => {
    await start(proxied, { listen: ANYWHERE, requireKeys: true }, false);
    expect(router!.running.development).toBe(false);
    for (const headers of [{}, { authorization: 'Bearer local' }] as Record<string, string>[])
      expect(await statusOf(router!.port, '/v1/models', '127.0.0.1', headers)).toBe(401);
  });

  it('behind a proxy takes that proxy and this machine, and is a 403 to everybody else on every route', async () => {
    await start(proxied, { listen: ANYWHERE });
    for (const peer of ['127.0.0.1', '127.0.0.3']) {
      expect(await statusOf(router!.port, '/healthz', peer)).toBe(200);
      expect(await statusOf(router!.port, '/v1/models', peer)).toBe(401);
    }
    for (const path of ['/healthz', '/readyz', '/v1/models', '/v1/messages', '/nope']) {
      const forged = { 'x-forwarded-for': '127.0.0.3', forwarded: 'for=127.0.0.3', 'x-real-ip': '127.0.0.3' };
      for (const headers of [{}, forged] as Record<string, string>[])
        expect(await statusOf(router!.port, path, '127.0.0.2', headers), path).toBe(403);
    }
  });

  it('on loopback takes every peer of this machine, whatever proxies are listed', async () => {
    await start(proxied, { listen: LOOPBACK });
    expect(await statusOf(router!.port, '/healthz', '127.0.0.2')).toBe(200);
  });
});

describe('the peers of a listener', () => {
  const doorFor = (trustedProxies: string[]) =>
    new Door(
      { development: false, admit: () => null },
      { tls: null, trustedProxies, adminSecret: null } as unknown as ServerRules,
      {},
    );

  it('are those of the listed addresses and networks, in either family and however Node writes them', () => {
    const takes = doorFor(['10.0.0.0/8', '192.168.1.7', 'fd00::/8', '2001:db8::5']).takesPeer(ANYWHERE)!;
    for (const peer of ['10.1.2.3', '::ffff:10.1.2.3', '192.168.1.7', 'fd12::1', '2001:db8::5', '127.0.0.1', '::1'])
      expect(takes(peer), peer).toBe(true);
    for (const peer of [
      '11.0.0.1',
      '::ffff:11.0.0.1',
      '192.168.1.8',
      'fe80::1%eth0',
      '2001:db8::6',
      '::',
      '',
      'nonsense',
    ])
      expect(takes(peer), peer).toBe(false);
  });

  it('are not looked at where nothing is listed', () => {
    expect(doorFor([]).takesPeer(ANYWHERE)).toBe(undefined);
  });
});

/** Asks from one address of this machine. */
function statusOf(
  port: number,
  path: string,
  localAddress: string,
  headers: Record<string, string> = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, localAddress, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    asked.on('error', reject).end();
  });
}
