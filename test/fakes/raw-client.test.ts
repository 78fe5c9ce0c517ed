// Shows that the raw client reads what a node server writes, and that strict events refuse half ones.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chatStream } from './chat-fixtures.ts';
import { getBytes, postBytes, RawConnection, rawRequest, strictEvents } from './raw-client.ts';

const server = createServer(async (incoming, outgoing) => {
  let size = 0;
  for await (const part of incoming) size += (part as Buffer).length;
  if (incoming.url === '/chunked') {
    outgoing.write('first,');
    setImmediate(() => outgoing.end('second'));
  } else if (incoming.url === '/early') {
    outgoing.writeEarlyHints({ link: '</style.css>; rel=preload' });
    outgoing.end('late');
  } else if (incoming.url === '/204') {
    outgoing.writeHead(204).end();
  } else if (incoming.url === '/cookies') {
    outgoing.setHeader('set-cookie', ['a=1', 'b=2']).end();
  } else {
    outgoing.end(`${incoming.method} ${size}`);
  }
});
let port = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('raw client', () => {
  test('reads length-framed, chunked, empty and early-hinted replies on one connection', async () => {
    const connection = await RawConnection.connect(port);
    const ask = async (bytes: Buffer | string) => {
      connection.write(bytes);
      return connection.readResponse();
    };
    expect((await ask(postBytes('/', 'x'.repeat(100_000)))).body.toString()).toBe('POST 100000');
    expect(await ask(getBytes('/chunked'))).toMatchObject({ body: Buffer.from('first,second'), complete: true });
    expect(await ask(getBytes('/204'))).toMatchObject({ status: 204, complete: true, closed: undefined });
    expect((await ask('HEAD / HTTP/1.1\r\nhost: h\r\n\r\n')).body).toHaveLength(0);
    expect((await ask(getBytes('/cookies'))).headers['set-cookie']).toBe('a=1, b=2');
    const late = await ask(getBytes('/early'));
    expect([late.body.toString(), late.informational[0]?.startLine]).toEqual(['late', 'HTTP/1.1 103 Early Hints']);
    connection.destroy();
  });

  test('notices the close, and keeps the bytes of a refused request', async () => {
    const got = await rawRequest(port, getBytes('/', { connection: 'close' }));
    expect(got).toMatchObject({ status: 200, closed: 'fin', complete: true });
    const broken = await RawConnection.connect(port);
    broken.write('GET / HTTP/9.9\r\n\r\n');
    expect((await broken.readUntilClose()).toString()).toContain('400 Bad Request');
  });

  test('fails with the last bytes in the message', async () => {
    await expect(rawRequest(port, 'GET / HTTP/1.1\r\nhost: h\r\n', { deadlineMs: 20 })).rejects.toThrow(
      'not within 20 ms',
    );
  });
});

describe('strict events', () => {
  const whole = Buffer.concat(chatStream({ tokens: ['naïve', '👋'] }));

  test('every true prefix that ends inside an event is refused', () => {
    for (let length = 1; length < whole.length; length++) {
      const prefix = whole.subarray(0, length);
      if (prefix.toString('latin1').endsWith('\n\n')) expect(strictEvents(prefix).length).toBeGreaterThan(0);
      else expect(() => strictEvents(prefix)).toThrow();
    }
  });

  test.each(['data: 1\n\n{"error":{}}\n\n', 'event: x\n\n', 'data: \xff\n\n', 'data: 1'])('refuses %j', (text) => {
    expect(() => strictEvents(Buffer.from(text, 'latin1'))).toThrow();
  });

  test('agrees with eventsource-parser on well-formed streams with every line end', () => {
    const value = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/g, '¶'));
    const block = fc.record({
      name: fc.option(
        value.filter((v) => v.trim() !== ''),
        { nil: undefined },
      ),
      data: fc.array(value, { minLength: 1, maxLength: 3 }),
      ping: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(block, { maxLength: 6 }), fc.constantFrom('\n', '\r\n', '\r'), (blocks, eol) => {
        const text = blocks
          .flatMap(({ name, data, ping }) => [
            ...(ping ? [': ping', ''] : []),
            ...(name === undefined ? [] : [`event: ${name}`]),
            ...data.map((line) => `data: ${line}`),
            '',
          ])
          .map((line) => line + eol)
          .join('');
        const reference: unknown[] = [];
        const parser = createParser({
          onEvent: ({ event, data }) => reference.push(event === undefined ? { data } : { event, data }),
        });
        // A last line end of "\r" alone may be half of "\r\n": the reference waits for one more character.
        parser.feed(`${text}:${eol}`);
        expect(strictEvents(text)).toEqual(reference);
      }),
    );
  });
});
