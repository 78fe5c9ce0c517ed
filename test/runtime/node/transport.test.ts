// Decides that one upstream exchange is told in order, once, and not at all once it is given up.
// For upstream/attempt, which trusts the port of core/transport.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Exchange, headerOf } from '../../../src/core/transport.ts';
import { createNodeTransport } from '../../../src/runtime/node/transport.ts';
import { eventually, eventuallyHolds } from '../../fakes/eventually.ts';
import {
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
