// Decides that the socket sink is a sink, over a real server and a real connection. For entry/node.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Context } from 'hono';
import { afterAll, beforeAll, expect } from 'vitest';
import { DEFAULT_HTTP_LIMITS } from '../../../src/core/limits.ts';
import { createNodeIngress } from '../../../src/runtime/node/ingress.ts';
import { eventually } from '../../fakes/eventually.ts';
import { getBytes, RawConnection } from '../../fakes/raw-client.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';
import { sinkConformance } from '../sink-conformance.ts';

type Arrived = { incoming: IncomingMessage; outgoing: ServerResponse };
const clock = new VirtualClock();
const ingress = createNodeIngress(DEFAULT_HTTP_LIMITS, clock);
const waiting: ((arrived: Arrived) => void)[] = [];
const server = createServer((incoming, outgoing) => waiting.shift()?.({ incoming, outgoing }));
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(async () => {
  ingress.close();
  expect(clock.pending).toBe(0);
  await new Promise((resolve) => server.close(resolve));
});

sinkConformance('socket sink', async (encode) => {
  const arrival = new Promise<Arrived>((resolve) => waiting.push(resolve));
  const connection = await RawConnection.connect((server.address() as AddressInfo).port);
  connection.pause();
  connection.write(getBytes('/'));
  const context = { env: await arrival } as unknown as Context;
  const signal = ingress.signal(context);
  const { sink } = ingress.exit(context, signal, encode);
  return {
    sink,
    signal,
    async read() {
      const reading = connection.readResponse();
      connection.resume();
      const none = { status: null, headers: {}, body: Buffer.alloc(0), complete: false };
      const { status, headers, body, complete } = await reading.catch(() => none);
      return { status, headers, bytes: new Uint8Array(body), broken: !complete };
    },
    leave: () => connection.reset(),
    async close() {
      connection.destroy();
      await eventually(
        () => new Promise<boolean>((resolve) => server.getConnections((_error, count) => resolve(count === 0))),
      );
    },
  };
});
