// Decides that fetch makes a transport, here Node's own, and that no header lies about bytes that fetch has unpacked.
// For apps that embed the router, and for the edge.

import { zstdCompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { headerOf } from '../../../src/core/transport.ts';
import { createWebTransport } from '../../../src/runtime/web/transport.ts';
import { eventually } from '../../fakes/eventually.ts';
import {
  type Encoding,
  encoded,
  encodedReply,
  type FaultUpstream,
  hangUp,
  reply,
  startFaultUpstream,
  status,
  write,
} from '../../fakes/fault-upstream.ts';
import { Listener } from '../exchange-listener.ts';
import { transportConformance } from '../transport-conformance.ts';

describe('F074 F078 an exchange by fetch that is given up is over at once and silent', () => {
  transportConformance('fetch', {
    create: () => createWebTransport({ fetch: globalThis.fetch }),
    ownsConnections: false,
    repeated: 'one, two',
  });
});

const request = { path: '/v1/x', method: 'POST', headers: [], body: Buffer.from('{}') } as const;

describe('fetch: replies that are compressed although that was not asked for', () => {
  const text = 'x'.repeat(5_000);
  let upstream: FaultUpstream;
  const transport = createWebTransport({ fetch: globalThis.fetch });
  beforeAll(async () => {
    upstream = await startFaultUpstream();
  });
  afterAll(async () => {
    await transport.close();
    await upstream.close();
  });

  async function told(by = transport): Promise<Listener> {
    const listener = new Listener();
    by.send({ origin: upstream.url, ...request }, listener);
    await eventually(() => listener.over);
    return listener;
  }

  for (const encodings of [['gzip'], ['deflate'], ['br'], ['gzip', 'br']] satisfies Encoding[][]) {
    it(`${encodings.join(', ')}: unpacked, without the headers that spoke of the packed bytes`, async () => {
      upstream.next(encodedReply(encoded(text, encodings), encodings, { 'x-b': 'c' }));
      const listener = await told();
      expect(listener.told.at(-1)).toBe('end');
      expect(listener.bytes).toBe(text.length);
      expect(headerOf(listener.headers, 'content-encoding')).toBeNull();
      expect(headerOf(listener.headers, 'content-length')).toBeNull();
      expect(headerOf(listener.headers, 'x-b')).toBe('c');
    });
  }

  it('x-gzip is gzip', async () => {
    upstream.next(reply(200, encoded(text, ['gzip']), { 'content-encoding': 'X-GZip' }));
    const listener = await told();
    expect([listener.bytes, headerOf(listener.headers, 'content-encoding')]).toEqual([text.length, null]);
  });

  it('a coding that fetch does not know keeps its header, so that the reply is refused', async () => {
    upstream.next(reply(200, text, { 'content-encoding': 'rot13' }));
    const listener = await told();
    expect(listener.bytes).toBe(text.length);
    expect(headerOf(listener.headers, 'content-encoding')).toBe('rot13');
    upstream.next(reply(200, zstdCompressSync(text), { 'content-encoding': 'gzip, rot13' }));
    expect(headerOf((await told()).headers, 'content-encoding')).toBe('gzip, rot13');
  });

  it('a host whose fetch unpacks nothing says so, and keeps all headers', async () => {
    upstream.next(encodedReply(encoded(text, ['gzip']), ['gzip']));
    const listener = await told(createWebTransport({ fetch: globalThis.fetch, decodes: [] }));
    expect(headerOf(listener.headers, 'content-encoding')).toBe('gzip');
    expect(headerOf(listener.headers, 'content-length')).not.toBeNull();
  });

  it('one whose transfer is cut has failed', async () => {
    const packed = encoded(text, ['gzip']);
    const headers = { 'content-encoding': 'gzip', 'content-length': String(packed.length) };
    upstream.next(status(200, headers), write(packed.subarray(0, packed.length - 9)), hangUp());
    expect((await told()).told.at(-1)).toBe('fail');
  });
});

describe('fetch: what no server can do', () => {
  const stray: unknown[] = [];
  const note = (thrown: unknown) => stray.push(thrown);
  beforeAll(() => void process.on('unhandledRejection', note));
  afterAll(() => void process.off('unhandledRejection', note));
  afterEach(async () => {
    for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(stray).toEqual([]);
  });

  const over = async (answer: () => Response | Promise<Response>, on = {}) => {
    const transport = createWebTransport({ fetch: async () => answer() });
    const listener = new Listener(on);
    transport.send({ origin: 'http://worker.test', ...request }, listener);
    await eventually(() => listener.over);
    expect(transport.connections()).toBe(0);
    return listener;
  };

  it('a redirect that a browser hides is told as one', async () => {
    const hidden = { type: 'opaqueredirect', status: 0, headers: new Headers(), body: null };
    expect((await over(() => hidden as unknown as Response)).status).toBe(302);
  });

  it('a reply without a body ends', async () => {
    expect((await over(() => new Response(null, { status: 204 }))).told).toEqual(['sent', 'head', 'end']);
  });

  it('what is thrown that is no error is a failure too, told once', async () => {
    const thrown = await over(() => Promise.reject('nothing'));
    expect(thrown.told).toEqual(['sent', 'fail']);
    expect(thrown.fault).toEqual({ kind: 'reset', text: ' nothing' });
  });

  it('a listener that throws has failed, and nothing is left open', async () => {
    const listener = await over(() => new Response('abc'), {
      data() {
        throw new Error('mine');
      },
    });
    expect(listener.told).toEqual(['sent', 'head', 'data', 'fail']);
  });

  it('an exchange given up while fetch is under way is silent, whatever fetch does then', async () => {
    for (const outcome of ['answers', 'fails'] as const) {
      const { promise, resolve, reject } = Promise.withResolvers<Response>();
      const transport = createWebTransport({ fetch: () => promise });
      const listener = new Listener();
      const exchange = transport.send({ origin: 'http://worker.test', ...request }, listener);
      await eventually(() => listener.told.includes('sent'));
      exchange.abort();
      expect(transport.connections()).toBe(0);
      if (outcome === 'answers') resolve(new Response('late'));
      else reject(new TypeError('late'));
      for (let i = 0; i < 5; i++) await new Promise<void>((next) => setImmediate(next));
      expect(listener.told).toEqual(['sent']);
    }
  });
});
