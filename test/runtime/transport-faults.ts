// Decides which name each real failure below HTTP gets, whatever the transport, and that it is told exactly once.
// For upstream/classify; runtime/node and runtime/web run it.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Transport, TransportFault, TransportFaultKind } from '../../src/core/transport.ts';
import { certificates } from '../fakes/certificates.ts';
import { eventually } from '../fakes/eventually.ts';
import { blackHole, closedPort } from '../fakes/fault-ports.ts';
import { brokenFraming } from '../fakes/fault-replies.ts';
import { type FaultUpstream, type Script, startFaultUpstream } from '../fakes/fault-upstream.ts';

/** Null: it ends well, since all that was promised came; what follows costs the connection alone. */
const KINDS: Record<keyof typeof brokenFraming, TransportFaultKind | null> = {
  'length longer than the body': 'reset',
  'length shorter than the body': null,
  'length that is no number': 'protocol',
  'two lengths that differ': 'protocol',
  'chunk size that is no number': 'protocol',
  'chunked body without its end': 'reset',
  'no http at all': 'protocol',
  'reset before the head': 'reset',
  'closed before the head': 'reset',
  'half a head': 'reset',
  'oversized response headers': 'headers_too_large',
};

/** `transport` gives a connection attempt up after less than a second. */
export function transportFaults(name: string, transport: Transport): void {
  let upstream: FaultUpstream;
  beforeAll(async () => {
    upstream = await startFaultUpstream();
  });
  afterAll(async () => {
    await transport.close();
    expect(transport.connections()).toBe(0);
    await upstream.close();
  });

  /** The faults that one call to `origin` was told, and whether it ended well. */
  async function call(
    origin: string,
    headers: readonly string[] = [],
  ): Promise<{ faults: TransportFault[]; ended: boolean }> {
    const faults: TransportFault[] = [];
    let ended = false;
    const ignore = () => {};
    transport.send(
      { origin, path: '/v1/chat/completions', method: 'POST', headers, body: Buffer.from('{}') },
      { sent: ignore, head: ignore, data: ignore, end: () => (ended = true), fail: (fault) => faults.push(fault) },
    );
    await eventually(() => ended || faults.length > 0);
    for (let i = 0; i < 10; i++) await new Promise<void>((resolve) => setImmediate(resolve));
    return { faults, ended };
  }

  async function expectFault(origin: string, kind: TransportFaultKind): Promise<void> {
    const { faults, ended } = await call(origin);
    expect(ended).toBe(false);
    expect(faults.map((fault) => fault.kind)).toEqual([kind]);
    expect(faults[0]!.text.length).toBeGreaterThan(5);
  }

  describe(`${name}: real failures`, () => {
    it('F053 a port on which nobody listens is refused', async () => {
      await expectFault(`http://127.0.0.1:${await closedPort()}`, 'refused');
    });

    it('F054 a connection that never opens times out', async () => {
      const hole = await blackHole();
      await expectFault(`http://127.0.0.1:${hole.port}`, 'connect_timeout');
      await hole.close();
    });

    it('F056 a certificate that nobody vouches for is a TLS fault, and so is no TLS at all', async () => {
      const set = certificates(Date.now());
      const secure = await startFaultUpstream({ tls: set.selfSigned });
      await expectFault(secure.url, 'tls');
      expect(secure.served).toBe(0);
      await secure.close();
      const plain = createServer().listen(0, '127.0.0.1');
      await once(plain, 'listening');
      await expectFault(`https://127.0.0.1:${(plain.address() as AddressInfo).port}`, 'tls');
      await new Promise((resolve) => plain.close(resolve));
    });

    for (const [what, kind] of Object.entries(KINDS)) {
      it(`F067 F073 a reply with ${what} is ${kind ?? 'whole'}, told once, and the next call has its own connection`, async () => {
        upstream.next(...(brokenFraming[what as keyof typeof brokenFraming] as Script));
        const { faults, ended } = await call(upstream.url);
        expect(faults.map((fault) => fault.kind)).toEqual(kind === null ? [] : [kind]);
        expect(ended).toBe(kind === null);
        const { connection } = upstream.requests.at(-1)!;
        expect(await call(upstream.url)).toEqual({ faults: [], ended: true });
        expect(upstream.requests.at(-1)!.connection).not.toBe(connection);
      });
    }

    it('connections that are reset or closed on arrival are told as a reset', async () => {
      await upstream.refuse();
      await upstream.listenAgain();
      await eventually(() => transport.connections() === 0);
      for (const welcome of ['reset', 'fin'] as const) {
        upstream.welcome(welcome);
        const { faults } = await call(upstream.url);
        expect(faults.map((fault) => fault.kind)).toEqual(['reset']);
      }
      upstream.welcome('serve');
      expect((await call(upstream.url)).ended).toBe(true);
    });

    it('headers of the operator that HTTP cannot carry are a failure, not a crash', async () => {
      const { faults, ended } = await call(upstream.url, ['x-a', 'b\r\nc: d']);
      expect(faults).toHaveLength(1);
      expect(ended).toBe(false);
    });
  });
}
