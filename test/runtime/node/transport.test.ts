// Decides that the transport on Node is a transport, and sends what it says and nothing else. For upstream/attempt.
import { setImmediate } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { createNodeTransport } from '../../../src/runtime/node/transport.ts';
import { eventually } from '../../fakes/eventually.ts';
import { startFaultUpstream } from '../../fakes/fault-upstream.ts';
import { Listener } from '../exchange-listener.ts';
import { transportConformance } from '../transport-conformance.ts';

describe('F074 F078 an exchange that is given up is over at once and silent', () => {
  transportConformance('undici', { create: () => createNodeTransport(), ownsConnections: true, repeated: 'one' });
});

const closing: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
});

it('undici: no header goes out but the given and the fixed ones', async () => {
  const upstream = await startFaultUpstream();
  const transport = createNodeTransport();
  closing.push(() => transport.close(), upstream.close);
  const listener = new Listener();
  transport.send(
    { origin: upstream.url, path: '/v1/x', method: 'POST', headers: ['x-a', 'b'], body: Buffer.from('{}') },
    listener,
  );
  await eventually(() => listener.over);
  expect(upstream.requests.at(-1)!.headers).toEqual({
    host: `127.0.0.1:${upstream.port}`,
    connection: 'keep-alive',
    'content-type': 'application/json',
    'accept-encoding': 'identity',
    'user-agent': 'spillway',
    'x-a': 'b',
    'content-length': '2',
  });
});

describe('F078 an exchange whose reply is whole', () => {
  async function begin(listener: Listener) {
    const upstream = await startFaultUpstream();
    const transport = createNodeTransport();
    closing.push(() => transport.close(), upstream.close);
    const request = {
      origin: upstream.url,
      path: '/v1/x',
      method: 'POST',
      headers: [],
      body: Buffer.from('{}'),
    } as const;
    return transport.send(request, listener);
  }

  it('is silent once it is given up, even before it has said that it is over', async () => {
    const given = Promise.withResolvers<void>();
    const listener = new Listener({
      data: () =>
        process.nextTick(() => {
          exchange.abort();
          given.resolve();
        }),
    });
    const exchange = await begin(listener);
    await given.promise;
    for (let turn = 0; turn < 5; turn++) await setImmediate();
    expect(listener.told.at(-1)).toBe('data');
  });

  it('fails with what breaks in its handler, and takes no other down', async () => {
    const broken = new Listener({
      end() {
        throw new Error('broken');
      },
    });
    const sound = new Listener();
    await Promise.all([begin(broken), begin(sound)]);
    await eventually(() => broken.told.includes('fail') && sound.over);
    expect(broken.fault?.text).toContain('broken');
    expect(sound.told.at(-1)).toBe('end');
  });
});
