// Shows what happens where a target cannot be reached at all: refused, swallowed, without a name, with a wrong certificate.
// Another rung answers; without one the caller gets one honest 502 or 504.

import dns from 'node:dns';
import tls from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { certificates } from '../fakes/certificates.ts';
import { faultLookup, type LookupOutcome } from '../fakes/fault-lookup.ts';
import { blackHole, closedPort, type FaultUpstream, silentPort, startFaultUpstream } from '../fakes/fault-upstream.ts';
import { isFromBelow, isRefusal } from './faults.ts';
import { chat, type Routed, SHORT, startRouted, streamed } from './routed.ts';

const closes: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closes.splice(0).reverse()) await close();
});

async function routedOver(first: string, rules: object = {}): Promise<{ routed: Routed; healthy: FaultUpstream }> {
  const healthy = await startFaultUpstream();
  closes.push(() => healthy.close());
  const shape = { urls: [first], copies: 20 };
  const routed = await startRouted([shape, { urls: [healthy.url] }], { timeouts: SHORT, retries: 0, ...rules });
  closes.push(() => routed.closeClean(healthy));
  return { routed, healthy };
}

async function routedTo(only: string, rules: object = {}): Promise<Routed> {
  const routed = await startRouted([{ urls: [only], copies: 20 }], { timeouts: SHORT, retries: 0, ...rules });
  closes.push(() => routed.closeClean());
  return routed;
}

describe('F053 connection refused', () => {
  it('F053 the next rung answers', async () => {
    const { routed } = await routedOver(`http://127.0.0.1:${await closedPort()}`);
    isFromBelow(await routed.ask(chat()), 'failing');
    isFromBelow(await routed.ask(streamed()), 'failing');
  });

  it('F053 without another rung: 502 in less than 100 ms by the router own clock', async () => {
    const routed = await routedTo(`http://127.0.0.1:${await closedPort()}`);
    for (let n = 0; n < 5; n++) isRefusal(await routed.ask(chat()), 502, 'upstream_error');
    const times = routed.log.of('call').map(({ fields }) => Number(fields['totalMs']));
    expect(times).toHaveLength(5);
    expect(Math.min(...times)).toBeLessThan(100);
  });

  it('F053 F054 a refused, then a swallowed connection within the same call: both rungs are tried, each once', async () => {
    const hole = await blackHole();
    closes.push(() => hole.close());
    const refused = `http://127.0.0.1:${await closedPort()}`;
    const routed = await startRouted([{ urls: [refused] }, { urls: [`http://127.0.0.1:${hole.port}`] }], {
      timeouts: SHORT,
      retries: 0,
    });
    closes.push(() => routed.closeClean());
    const response = isRefusal(await routed.ask(chat()), 504, 'upstream_timeout');
    expect(response.headers['x-spillway-attempts']).toBe('2');
  });
});

describe('F054 a connect that is never answered', () => {
  it('F054 the connect timeout ends it, and the next rung answers', async () => {
    const hole = await blackHole();
    closes.push(() => hole.close());
    const { routed } = await routedOver(`http://127.0.0.1:${hole.port}`);
    isFromBelow(await routed.ask(chat()), 'failing');
    isFromBelow(await routed.ask(streamed()), 'failing');
  });

  it('F054 without another rung: 504', async () => {
    const hole = await blackHole();
    closes.push(() => hole.close());
    const routed = await routedTo(`http://127.0.0.1:${hole.port}`);
    isRefusal(await routed.ask(chat()), 504, 'upstream_timeout');
  });
});

describe('F055 a name that does not resolve', () => {
  const named = (outcome: LookupOutcome) => {
    const fake = faultLookup({ 'worker.test': outcome });
    const real = dns.lookup;
    const lookup = (name: string, options: never, callback: never) =>
      name.endsWith('.test') ? fake.lookup(name, options, callback) : real(name, options, callback);
    vi.spyOn(dns, 'lookup').mockImplementation(lookup as typeof dns.lookup);
    return fake;
  };
  const outcomes: [string, LookupOutcome][] = [
    ['NXDOMAIN', { code: 'ENOTFOUND' }],
    ['a resolver that is busy', { code: 'EAI_AGAIN' }],
    ['SERVFAIL', { code: 'ESERVFAIL' }],
  ];
  it.each(outcomes)('F055 %s: the next rung answers, else 502 that names the cause', async (_, outcome) => {
    const fake = named(outcome);
    const { routed } = await routedOver('http://worker.test:1');
    isFromBelow(await routed.ask(chat()), 'failing');
    const alone = await routedTo('http://worker.test:1');
    const { body } = isRefusal(await alone.ask(chat()), 502, 'upstream_error');
    expect(body.toString()).toContain('its name does not resolve');
    expect(fake.asked).toContain('worker.test');
  });

  it('F055 a resolver that never answers is bounded by the connect timeout', async () => {
    named('never');
    const { routed } = await routedOver('http://worker.test:1');
    isFromBelow(await routed.ask(chat()), 'failing');
  });

  it('F055 a slow answer within the connect timeout is no failure', async () => {
    const upstream = await startFaultUpstream();
    closes.push(() => upstream.close());
    const answer = Promise.withResolvers<void>();
    const fake = named({ when: answer.promise, addresses: ['127.0.0.1'] });
    const routed = await routedTo(`http://worker.test:${upstream.port}`, { timeouts: { ...SHORT, connect: '3s' } });
    const asked = routed.ask(chat());
    await vi.waitFor(() => expect(fake.asked).toHaveLength(1));
    answer.resolve();
    expect(await asked).toMatchObject({ status: 200, complete: true });
  });
});

describe('F056 TLS', () => {
  const set = certificates(Date.now());
  // The process trusts the test authority as it would an operator's own.
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), set.ca]);

  it('F056 a good certificate is taken', async () => {
    const upstream = await startFaultUpstream({ tls: set.good });
    closes.push(() => upstream.close());
    const routed = await routedTo(upstream.url);
    expect(await routed.ask(chat())).toMatchObject({ status: 200, complete: true });
    expect(await routed.ask(streamed())).toMatchObject({ status: 200, complete: true });
  });

  const bad: [string, tls.TlsOptions][] = [
    ['expired', set.expired],
    ['for another host', set.wrongHost],
    ['self-signed', set.selfSigned],
    ['TLS 1.1 at most', { ...set.good, maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }],
  ];
  it.each(bad)('F056 %s: refused, not one byte of the call goes out, the next rung answers', async (_, options) => {
    const upstream = await startFaultUpstream({ tls: options });
    closes.push(() => upstream.close());
    const { routed } = await routedOver(upstream.url);
    isFromBelow(await routed.ask(chat()), 'failing');
    const alone = await routedTo(upstream.url);
    const { body } = isRefusal(await alone.ask(chat()), 502, 'upstream_error');
    expect(body.toString()).toContain('its TLS certificate or handshake failed');
    expect(upstream.served).toBe(0);
  });

  it('F056 a handshake that stalls is bounded by the connect timeout', async () => {
    const silent = await silentPort();
    closes.push(() => silent.close());
    const { routed } = await routedOver(`https://127.0.0.1:${silent.port}`);
    isFromBelow(await routed.ask(chat()), 'failing');
    isFromBelow(await routed.ask(streamed()), 'failing');
  });

  it('F056 plain HTTP on a TLS address is a failed handshake, never a downgrade', async () => {
    const plain = await startFaultUpstream();
    closes.push(() => plain.close().catch(() => {}));
    const { routed } = await routedOver(plain.url.replace('http:', 'https:'));
    isFromBelow(await routed.ask(chat()), 'failing');
    expect(plain.served).toBe(0);
  });
});
