// Decides that one upstream exchange is told in order, once, and not at all once it is given up.
// For upstream/attempt, which trusts the port of core/transport.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Exchange, HeaderView, TransportFault, UpstreamHandler } from '../../../src/core/transport.ts';
import { headerOf } from '../../../src/core/transport.ts';
import { createNodeTransport } from '../../../src/runtime/node/transport.ts';
import { eventually, eventuallyHolds } from '../../fakes/eventually.ts';
import {
  endless,
  type FaultUpstream,
  hang,
  informational,
  json,
  raw,
  reply,
  startFaultUpstream,
  status,
  write,
} from '../../fakes/fault-upstream.ts';

/** Keeps what it is told. `on` runs inside the callback of that name. */
class Listener implements UpstreamHandler {
  readonly told: string[] = [];
  status = 0;
  headers: HeaderView = {};
  bytes = 0;
  fault: TransportFault | null = null;
  readonly #on: Partial<Record<string, () => void>>;

  constructor(on: Partial<Record<string, () => void>> = {}) {
    this.#on = on;
  }
  sent(): void {
    this.#tell('sent');
  }
  head(code: number, headers: HeaderView): void {
    this.status = code;
    this.headers = headers;
    this.#tell('head');
  }
  data(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    this.#tell('data');
  }
  end(): void {
    this.#tell('end');
  }
  fail(fault: TransportFault): void {
    this.fault = fault;
    this.#tell('fail');
  }
  get over(): boolean {
    return this.told.includes('end') || this.told.includes('fail');
  }
  #tell(what: string): void {
    if (what !== 'data' || this.told.at(-1) !== 'data') this.told.push(what);
    this.#on[what]?.();
  }
}

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

describe('an exchange', () => {
  it('is told in order and once', async () => {
    const listener = new Listener();
    send(listener);
    expect(listener.told).toEqual([]);
    await over(listener);
    expect(listener.told).toEqual(['sent', 'head', 'data', 'end']);
    expect(listener.status).toBe(200);
    expect(listener.bytes).toBe(Number(headerOf(listener.headers, 'content-length')));
  });

  it('carries the given headers and the fixed ones, and no other', async () => {
    const listener = new Listener();
    send(listener);
    await over(listener);
    const seen = upstream.requests.at(-1)!;
    expect(seen.headers).toEqual({
      host: `127.0.0.1:${upstream.port}`,
      connection: 'keep-alive',
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'spillway',
      'x-a': 'b',
      'content-length': '2',
    });
    const asking = new Listener();
    transport.send({ origin: upstream.url, path: '/health', method: 'GET', headers: [], body: null }, asking);
    await over(asking);
    expect(Object.keys(upstream.requests.at(-1)!.headers)).not.toContain('content-type');
  });

  it('reuses a connection whose reply is whole, for any status', async () => {
    const before = upstream.connectionsEver;
    for (const code of [200, 404, 429, 500, 201, 302]) {
      upstream.next(json(code, {}, { location: '/elsewhere' }));
      const listener = new Listener();
      send(listener);
      await over(listener);
      expect(listener.status).toBe(code);
      expect(listener.told.at(-1)).toBe('end');
      // A connection is free again a turn after its reply has ended.
      await turns(5);
    }
    expect(upstream.connectionsEver).toBe(before + 1);
    expect(upstream.requests.at(-1)!.path).toBe(post.path);
  });

  it('takes interim answers for no answer, and the first of a repeated header', async () => {
    upstream.next(informational(103, { link: '</a>' }), informational(102), reply(200, 'x', { 'x-b': ['one', 'two'] }));
    const listener = new Listener();
    send(listener);
    await over(listener);
    expect(listener.told).toEqual(['sent', 'head', 'data', 'end']);
    expect(headerOf(listener.headers, 'x-b')).toBe('one');
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

  it('beyond the connections allowed waits for one', async () => {
    await transport.close();
    transport = createNodeTransport({ maxConnections: 2 });
    const listeners = Array.from({ length: 10 }, () => new Listener());
    let most = 0;
    upstream.behave(() => {
      most = Math.max(most, upstream.connections);
      return [json(200, {})];
    });
    for (const listener of listeners) send(listener);
    for (const listener of listeners) await over(listener);
    expect(most).toBeLessThanOrEqual(2);
    for (const { told } of listeners) expect(told).toEqual(['sent', 'head', 'data', 'end']);
  });

  it('that is open when the transport closes fails, once', async () => {
    upstream.next(status(200), write('a'), hang());
    const listener = new Listener();
    send(listener);
    await eventually(() => listener.bytes > 0);
    await transport.close();
    await over(listener);
    expect(listener.told).toEqual(['sent', 'head', 'data', 'fail']);
  });
});

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
