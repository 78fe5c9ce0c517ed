// Decides that an exchange can be held back and given up in any phase, and is silent from then on.
// For upstream/attempt, which ends exchanges whose caller has gone.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Exchange } from '../../../src/core/transport.ts';
import { createNodeTransport } from '../../../src/runtime/node/transport.ts';
import { eventually, eventuallyHolds } from '../../fakes/eventually.ts';
import {
  endless,
  type FaultUpstream,
  hang,
  raw,
  startFaultUpstream,
  status,
  write,
} from '../../fakes/fault-upstream.ts';
import { Listener } from './listener.ts';

let upstream: FaultUpstream;
let transport = createNodeTransport();
beforeAll(async () => {
  upstream = await startFaultUpstream();
});
afterEach(async () => {
  await transport.close();
  expect(transport.connections()).toBe(0);
  await upstream.waitFor(({ connections }) => connections === 0);
  transport = createNodeTransport();
});
afterAll(() => upstream.close());

const post = { path: '/v1/chat/completions', method: 'POST', headers: ['x-a', 'b'], body: Buffer.from('{}') } as const;
const send = (listener: Listener): Exchange => transport.send({ origin: upstream.url, ...post }, listener);
const over = (listener: Listener) => eventually(() => listener.over);
const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve));
};
/** The upstream has seen the router leave, and the transport holds no connection of it. */
const aborted = async () => {
  await upstream.waitFor((one) => one.requests.at(-1)!.abortedByRouterAtMs !== undefined);
  await eventuallyHolds(() => expect(transport.connections()).toBe(0));
};

describe('giving up', () => {
  it('before there is a connection: nothing is sent, nothing is told', async () => {
    const served = upstream.served;
    const listener = new Listener();
    send(listener).abort();
    const next = new Listener();
    send(next);
    await over(next);
    expect(upstream.served).toBe(served + 1);
    expect(listener.told).toEqual([]);
  });

  for (const [phase, script] of [
    ['before the head', [hang()]],
    ['in the body', [status(200), write('abc'), hang()]],
    ['in a head that has no end', [raw('HTTP/1.1 200 OK\r\nx-a: b\r\n'), hang()]],
  ] as const) {
    it(`F078 ${phase}: the connection is closed within 250 ms and nothing more is told`, async () => {
      const served = upstream.served;
      upstream.next(...script);
      const listener = new Listener();
      const exchange = send(listener);
      await upstream.waitFor((one) => one.served === served + 1);
      if (phase === 'in the body') await eventually(() => listener.bytes === 3);
      const before = [...listener.told];
      const atMs = performance.now();
      exchange.abort();
      exchange.abort();
      await aborted();
      expect(upstream.requests.at(-1)!.abortedByRouterAtMs! - atMs).toBeLessThan(250);
      exchange.pause();
      exchange.resume();
      await turns(20);
      expect(listener.told).toEqual(before);
    });
  }

  for (const moment of ['sent', 'head', 'data'] as const) {
    it(`F074 inside ${moment}: it is the last that is told`, async () => {
      // Given up when a connection is there, the request is not even written.
      if (moment !== 'sent') upstream.next(status(200), write('abc'), hang());
      const holder: { exchange?: Exchange } = {};
      const listener = new Listener({ [moment]: () => holder.exchange!.abort() });
      holder.exchange = send(listener);
      await eventually(() => listener.told.includes(moment));
      await eventuallyHolds(() => expect(transport.connections()).toBe(0));
      await turns(20);
      expect(listener.told.at(-1)).toBe(moment);
    });
  }

  it('after the end changes nothing: the connection serves the next', async () => {
    const before = upstream.connectionsEver;
    for (let i = 0; i < 3; i++) {
      const listener = new Listener();
      const exchange = send(listener);
      await over(listener);
      exchange.abort();
      await turns(5);
    }
    expect(upstream.connectionsEver).toBe(before + 1);
  });
});

describe('back-pressure', () => {
  const total = 64 * 1024 * 1024;
  const flood = [status(200), endless('x'.repeat(16 * 1024), { maxBytes: total })];

  /** How many bytes the upstream got rid of before it was held back. */
  async function heldAt(): Promise<number> {
    const request = upstream.requests.at(-1)!;
    let last = -1;
    let sinceMs = performance.now();
    await eventually(
      () => {
        if (request.bytesSent !== last) {
          last = request.bytesSent;
          sinceMs = performance.now();
        }
        return performance.now() - sinceMs > 150;
      },
      { deadlineMs: 10_000 },
    );
    return last;
  }

  it('pause stops the upstream, resume lets the rest come', async () => {
    upstream.next(...flood);
    const listener = new Listener();
    const exchange = send(listener);
    await eventually(() => listener.bytes > 0);
    exchange.pause();
    const sent = await heldAt();
    expect(sent).toBeLessThan(total / 4);
    expect(listener.bytes).toBeLessThanOrEqual(sent);
    exchange.resume();
    await eventually(() => listener.over, { deadlineMs: 15_000 });
    expect(listener.told.at(-1)).toBe('end');
    expect(listener.bytes).toBeGreaterThanOrEqual(total);
  });

  it('pause before there is a connection holds as well', async () => {
    const served = upstream.served;
    upstream.next(...flood);
    const listener = new Listener();
    const exchange = send(listener);
    exchange.pause();
    await upstream.waitFor((one) => one.served === served + 1);
    expect(await heldAt()).toBeLessThan(total / 4);
    exchange.abort();
    await aborted();
  });

  it('a paused exchange can be given up', async () => {
    upstream.next(...flood);
    const listener = new Listener();
    const exchange = send(listener);
    await eventually(() => listener.bytes > 0);
    exchange.pause();
    await heldAt();
    const { bytes } = listener;
    exchange.abort();
    await aborted();
    expect(listener.bytes).toBe(bytes);
  });
});
