// Decides what every transport must do with one exchange: tell it in order and once, hold it back, give it up in any phase
// and be silent from then on. For runtime/node and runtime/web; upstream/attempt trusts the port of core/transport.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Exchange, headerOf, type Transport } from '../../src/core/transport.ts';
import { eventually, eventuallyHolds } from '../fakes/eventually.ts';
import {
  endless,
  type FaultUpstream,
  flush,
  hang,
  hangUp,
  informational,
  json,
  pauseUntil,
  raw,
  reply,
  reset,
  startFaultUpstream,
  status,
  write,
} from '../fakes/fault-upstream.ts';
import { Listener } from './exchange-listener.ts';

export interface TransportSubject {
  create(): Transport;
  /** Whether `close` ends idle connections too; those of a global fetch are the runtime's. */
  readonly ownsConnections: boolean;
  /** What it answers for `x-b: one` followed by `x-b: two`. */
  readonly repeated: string;
}

const post = { path: '/v1/chat/completions', method: 'POST', headers: ['x-a', 'b'], body: Buffer.from('{}') } as const;
const over = (listener: Listener) => eventually(() => listener.over);
const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve));
};

export function transportConformance(name: string, subject: TransportSubject): void {
  let upstream: FaultUpstream;
  let transport: Transport;
  beforeAll(async () => {
    upstream = await startFaultUpstream();
  });
  beforeEach(() => {
    transport = subject.create();
  });
  afterEach(async () => {
    await transport.close();
    expect(transport.connections()).toBe(0);
    if (subject.ownsConnections) await upstream.waitFor(({ connections }) => connections === 0);
  });
  afterAll(() => upstream.close());

  const send = (listener: Listener): Exchange => transport.send({ origin: upstream.url, ...post }, listener);
  /** The upstream has seen the router leave, and the transport holds nothing of it. */
  const aborted = async () => {
    await upstream.waitFor((one) => one.requests.at(-1)!.abortedByRouterAtMs !== undefined);
    await eventuallyHolds(() => expect(transport.connections()).toBe(0));
  };

  describe(`${name}: an exchange`, () => {
    it('is told in order and once', async () => {
      const listener = new Listener();
      send(listener);
      expect(listener.told).toEqual([]);
      await over(listener);
      expect(listener.told).toEqual(['sent', 'head', 'data', 'end']);
      expect(listener.status).toBe(200);
      expect(listener.bytes).toBe(Number(headerOf(listener.headers, 'content-length')));
    });

    it('carries the given headers and the fixed ones, and its body', async () => {
      const listener = new Listener();
      send(listener);
      await over(listener);
      const seen = upstream.requests.at(-1)!;
      expect(seen.headers).toMatchObject({
        host: `127.0.0.1:${upstream.port}`,
        'content-type': 'application/json',
        'accept-encoding': 'identity',
        'user-agent': 'spillway',
        'x-a': 'b',
        'content-length': '2',
      });
      expect(seen.body.toString()).toBe('{}');
      const asking = new Listener();
      transport.send({ origin: upstream.url, path: '/health?a=%2F', method: 'GET', headers: [], body: null }, asking);
      await over(asking);
      const asked = upstream.requests.at(-1)!;
      expect(asked).toMatchObject({ method: 'GET', path: '/health?a=%2F' });
      expect(Object.keys(asked.headers)).not.toContain('content-type');
    });

    it('reuses a connection whose reply is whole, for any status, and follows no redirect', async () => {
      const first = new Listener();
      send(first);
      await over(first);
      await turns(5);
      const before = upstream.connectionsEver;
      const { served } = upstream;
      for (const code of [200, 404, 429, 500, 201, 302, 307]) {
        upstream.next(json(code, {}, { location: '/elsewhere' }));
        const listener = new Listener();
        send(listener);
        await over(listener);
        expect(listener.status).toBe(code);
        expect(listener.told.at(-1)).toBe('end');
        // A connection is free again a turn after its reply has ended.
        await turns(5);
      }
      expect(upstream.connectionsEver).toBe(before);
      expect(upstream.served).toBe(served + 7);
      expect(upstream.requests.at(-1)!.path).toBe(post.path);
    });

    it('takes interim answers for no answer', async () => {
      upstream.next(informational(103, { link: '</a>' }), informational(102), reply(200, 'x'));
      const listener = new Listener();
      send(listener);
      await over(listener);
      expect(listener.told).toEqual(['sent', 'head', 'data', 'end']);
    });

    it(`answers "${subject.repeated}" for a repeated header, and null for one that is not there`, async () => {
      upstream.next(reply(200, 'x', { 'x-b': ['one', 'two'] }));
      const listener = new Listener();
      send(listener);
      await over(listener);
      expect(headerOf(listener.headers, 'x-b')).toBe(subject.repeated);
      expect(headerOf(listener.headers, 'x-c')).toBeNull();
    });

    it('never switches protocols', async () => {
      upstream.next(
        raw('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello'),
        hang(),
      );
      const listener = new Listener();
      send(listener);
      await over(listener);
      expect(listener.told.filter((what) => what !== 'sent')).toEqual(['fail']);
      await aborted();
    });

    it('tells what has come while the rest is still on its way', async () => {
      const rest = Promise.withResolvers<void>();
      upstream.next(status(200), write('abc'), pauseUntil(rest.promise), write('de'), flush(), write('f'));
      const listener = new Listener();
      send(listener);
      await eventually(() => listener.bytes === 3);
      expect(listener.told).toEqual(['sent', 'head', 'data']);
      rest.resolve();
      await over(listener);
      expect(listener.told).toEqual(['sent', 'head', 'data', 'end']);
      expect(listener.bytes).toBe(6);
    });

    for (const [how, cut] of [
      ['reset', reset()],
      ['closed', hangUp()],
    ] as const) {
      it(`that is ${how} in its body has failed, after what had come, once`, async () => {
        upstream.next(status(200), write('abc'), cut);
        const listener = new Listener();
        send(listener);
        await over(listener);
        await turns(10);
        expect(listener.told.filter((what) => what !== 'data')).toEqual(['sent', 'head', 'fail']);
        expect(listener.fault?.kind).toBe('reset');
        expect(transport.connections()).toBe(0);
      });
    }

    it('that is open when the transport closes fails, once', async () => {
      upstream.next(status(200), write('a'), hang());
      const listener = new Listener();
      send(listener);
      await eventually(() => listener.bytes > 0);
      await transport.close();
      await over(listener);
      await turns(10);
      expect(listener.told).toEqual(['sent', 'head', 'data', 'fail']);
    });
  });

  describe(`${name}: giving up`, () => {
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
      const first = new Listener();
      send(first);
      await over(first);
      await turns(5);
      const before = upstream.connectionsEver;
      for (let i = 0; i < 3; i++) {
        const listener = new Listener();
        const exchange = send(listener);
        await over(listener);
        exchange.abort();
        await turns(5);
      }
      expect(upstream.connectionsEver).toBe(before);
    });
  });

  describe(`${name}: back-pressure`, () => {
    const total = 96 * 1024 * 1024;
    /** More than the kernel's buffers on both sides grow to. */
    const held = total / 2;
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
      expect(sent).toBeLessThan(held);
      const { bytes } = listener;
      await turns(20);
      expect(listener.bytes).toBe(bytes);
      expect(bytes).toBeLessThanOrEqual(sent);
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
      expect(await heldAt()).toBeLessThan(held);
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
}
