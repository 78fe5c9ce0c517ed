// Shows the faults below HTTP: ports that refuse, swallow or stay silent, TLS and name resolution.

import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { certificates } from './certificates.ts';
import { eventually } from './eventually.ts';
import { faultLookup } from './fault-lookup.ts';
import { blackHole, closedPort, json, reset, silentPort, startFaultUpstream, status } from './fault-upstream.ts';
import { postBytes, RawConnection, rawRequest } from './raw-client.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
const kept = <T extends { close(): Promise<unknown> }>(thing: T): T => {
  closers.push(() => thing.close());
  return thing;
};
const post = postBytes('/', {});

describe('ports', () => {
  test('F053 a closed port refuses', async () => {
    await expect(rawRequest(await closedPort(), post)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('an upstream that refuses comes back on the same port', async () => {
    const up = kept(await startFaultUpstream());
    up.next(status(200), () => up.refuse());
    await rawRequest(up.port, post).catch(() => {});
    await expect(rawRequest(up.port, post)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(up.requests[0]?.abortedByRouterAtMs).toBeUndefined();
    await up.listenAgain();
    expect((await rawRequest(up.port, post)).status).toBe(200);
  });

  test('F054 a black hole neither accepts nor refuses', async () => {
    const hole = kept(await blackHole());
    const socket = connect({ port: hole.port, host: '127.0.0.1' });
    const outcome = await new Promise<string>((resolve) => {
      socket.once('connect', () => resolve('connected'));
      socket.once('error', (error) => resolve(error.message));
      socket.setTimeout(150, () => resolve('nothing'));
    });
    socket.destroy();
    expect(outcome).toBe('nothing');
  });

  test('a silent port accepts and never answers', async () => {
    const silent = kept(await silentPort());
    const connection = await RawConnection.connect(silent.port);
    connection.write(post);
    await eventually(() => silent.bytesReceived() === post.length);
    expect([silent.connections(), connection.received.length, connection.closed]).toEqual([1, 0, undefined]);
    connection.destroy();
  });

  test('connections can meet silence, a reset or a FIN', async () => {
    const up = kept(await startFaultUpstream());
    up.welcome('reset');
    // The reset may overtake the client's own notice that it is connected.
    await expect(rawRequest(up.port, post)).rejects.toThrow(/ECONNRESET|closed \(rst\)/);
    up.welcome('fin');
    await expect(rawRequest(up.port, post)).rejects.toThrow(/closed \((fin|rst)\)/);
    up.welcome('silent');
    const connection = await RawConnection.connect(up.port);
    connection.write(post);
    await up.waitFor(() => up.connections === 1);
    expect([connection.received.length, connection.closed, up.requests.length]).toEqual([0, undefined, 0]);
    connection.destroy();
  });
});

describe('TLS', () => {
  const set = certificates(Date.now());
  const handshake = (port: number, more: object = {}) =>
    new Promise<string>((resolve) => {
      const socket = tlsConnect({ port, host: '127.0.0.1', ca: set.ca, ...more }, () => resolve('secure'));
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.on('close', () => resolve('closed'));
      closers.push(async () => socket.destroy());
    });

  test.each([
    ['good', 'secure'],
    ['expired', 'CERT_HAS_EXPIRED'],
    ['wrongHost', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['selfSigned', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ] as const)('F056 a certificate that is %s: %s', async (kind, outcome) => {
    const up = kept(await startFaultUpstream({ tls: set[kind] }));
    expect(await handshake(up.port)).toBe(outcome);
  });

  test('F056 an upstream that speaks only TLS 1.1 is refused', async () => {
    const old = { ...set.good, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const up = kept(await startFaultUpstream({ tls: old }));
    expect(await handshake(up.port)).toMatch(/PROTOCOL|ALERT|VERSION/);
    const lax = { minVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    expect(await handshake(up.port, lax)).toBe('secure');
  });

  test('F056 a handshake that stalls', async () => {
    const silent = kept(await silentPort());
    const outcomes: string[] = [];
    void handshake(silent.port).then((outcome) => outcomes.push(outcome));
    await eventually(() => silent.bytesReceived() > 100);
    expect([silent.connections(), outcomes]).toEqual([1, []]);
  });

  test('scripts run over TLS too', async () => {
    const up = kept(await startFaultUpstream({ tls: set.good }));
    up.next(json(200, { ok: true }));
    up.next(reset());
    const socket = tlsConnect({ port: up.port, host: '127.0.0.1', ca: set.ca });
    closers.push(async () => socket.destroy());
    socket.write(post);
    const first = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    expect(first.toString()).toContain('{"ok":true}');
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {});
    socket.write(post);
    await closed;
    expect(up.requests.map((request) => request.cut)).toEqual([false, true]);
  });
});

describe('F055 name resolution', () => {
  const names = faultLookup({ 'down.test': { code: 'EAI_AGAIN' }, 'mute.test': 'never' });
  const fetchFrom = (host: string, port: number) =>
    new Promise<string>((resolve) => {
      const agent = new Agent({ lookup: names.lookup as never });
      const call = get({ host, port, agent, timeout: 50 }, (incoming) => {
        incoming.resume();
        incoming.on('end', () => resolve(String(incoming.statusCode)));
      });
      call.on('timeout', () => call.destroy(new Error('nothing')));
      call.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });

  test('every outcome reaches a node client through the agent', async () => {
    const up = kept(await startFaultUpstream());
    const late = Promise.withResolvers<void>();
    names.answer('good.test', ['127.0.0.1']);
    names.answer('late.test', { when: late.promise, addresses: ['127.0.0.1'] });
    expect(await fetchFrom('good.test', up.port)).toBe('200');
    expect(await fetchFrom('unknown.test', up.port)).toBe('ENOTFOUND');
    expect(await fetchFrom('down.test', up.port)).toBe('EAI_AGAIN');
    expect(await fetchFrom('mute.test', up.port)).toBe('nothing');
    const slow = fetchFrom('late.test', up.port);
    late.resolve();
    expect(await slow).toBe('200');
    expect(names.asked).toContain('mute.test');
  });

  test('an empty answer is an empty list', async () => {
    // Not through an agent: node throws out of the callback of an empty list.
    const empty = faultLookup({ 'empty.test': [] });
    const answer = new Promise((resolve) => {
      empty.lookup('empty.test', { all: true }, (error, addresses) => resolve({ error, addresses }));
    });
    expect(await answer).toEqual({ error: null, addresses: [] });
  });
});
