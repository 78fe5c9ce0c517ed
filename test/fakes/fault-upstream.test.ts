// Shows each action of the fault upstream by a plain client that sees exactly the fault it names.

import { request as httpRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chatStream } from './chat-fixtures.ts';
import {
  comment,
  cutAfter,
  done,
  drip,
  endCleanly,
  endless,
  event,
  type FaultUpstream,
  flush,
  hang,
  hangUp,
  informational,
  inPieces,
  json,
  oneByteChunks,
  pauseUntil,
  raw,
  redirect,
  reply,
  reset,
  startFaultUpstream,
  status,
  streamHead,
  unsolicited,
  write,
  writeAll,
} from './fault-upstream.ts';
import { getBytes, postBytes, RawConnection, rawRequest, strictEvents } from './raw-client.ts';

const post = postBytes('/v1/chat/completions', { model: 'm' });
let up: FaultUpstream;
beforeEach(async () => {
  up = await startFaultUpstream();
});
afterEach(() => up.close());

const nodePost = (port: number): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const call = httpRequest({ port, host: '127.0.0.1', method: 'POST', path: '/' }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (part: string) => {
        text += part;
      });
      incoming.on('error', reject);
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }));
    });
    call.on('error', reject);
    call.end('{}');
  });

describe('framing', () => {
  test.each(['chunked', 'close'] as const)('%s bodies end cleanly', async (framing) => {
    up.next(streamHead({}, framing), event({ a: 1 }), comment(), done());
    const got = await rawRequest(up.port, post);
    expect(strictEvents(got.body).map(({ data }) => data)).toEqual(['{"a":1}', '[DONE]']);
    expect(got).toMatchObject({ status: 200, complete: true, closed: framing === 'close' ? 'fin' : undefined });
    expect(up.requests[0]).toMatchObject({ method: 'POST', path: '/v1/chat/completions', finished: true, cut: false });
    expect(up.requests[0]?.bytesSent).toBeGreaterThan(got.rawHead.length + got.body.length - 1);
  });

  test('requests pipelined on one connection are answered in their order', async () => {
    up.behave((request, n) => [json(200, { n, body: request.body.toString() })]);
    const connection = await RawConnection.connect(up.port);
    connection.write(Buffer.concat([postBytes('/a', 'first'), postBytes('/b', 'second'), getBytes('/c')]));
    const bodies = [];
    for (let i = 0; i < 3; i++) bodies.push((await connection.readResponse()).body.toString());
    connection.destroy();
    expect(bodies).toEqual(['{"n":1,"body":"first"}', '{"n":2,"body":"second"}', '{"n":3,"body":""}']);
    expect(up.connectionsEver).toBe(1);
  });

  test('a chunked request body is decoded', async () => {
    const head = 'POST /x HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n';
    await rawRequest(up.port, `${head}5;ext=1\r\nhello\r\n1\r\n!\r\n0\r\ntrailer: 1\r\n\r\n`);
    expect(up.requests[0]?.body.toString()).toBe('hello!');
  });

  test('a lying content-length leaves the response incomplete or its rest behind', async () => {
    up.next(status(200, { 'content-length': '50' }), write('short'), hangUp());
    expect(await rawRequest(up.port, post)).toMatchObject({ complete: false, closed: 'fin' });
    up.next(status(200, { 'content-length': '2' }), write('long'), endCleanly());
    const connection = await RawConnection.connect(up.port);
    connection.write(post);
    expect((await connection.readResponse()).body.toString()).toBe('lo');
    await connection.until(() => connection.received.toString().endsWith('\r\n\r\nlong'));
    connection.destroy();
  });

  test('1xx responses, redirects and raw bytes go out as written', async () => {
    up.next(informational(103, { link: '</a>' }), informational(100), redirect(307, 'http://127.0.0.1:1/'));
    const got = await rawRequest(up.port, post);
    expect(got.informational.map((head) => head.startLine.split(' ')[1])).toEqual(['103', '100']);
    expect(got).toMatchObject({ status: 307, headers: { location: 'http://127.0.0.1:1/' } });
    up.next(raw('SSH-2.0\r\n'), hangUp());
    await expect(nodePost(up.port)).rejects.toMatchObject({ code: 'HPE_INVALID_CONSTANT' });
  });
});

describe('pieces', () => {
  test('one-byte mode and named offsets arrive as separate reads and reassemble exactly', async () => {
    const parts = chatStream({ tokens: ['é', '👋', 'end'] });
    const script = [streamHead({}, 'close'), writeAll(parts)];
    for (const mode of [oneByteChunks(), inPieces({ at: [1, 7, 300, 301] })]) {
      up.next(mode, ...script);
      const connection = await RawConnection.connect(up.port);
      let reads = 0;
      connection.socket.on('data', () => reads++);
      connection.write(post);
      const got = await connection.readResponse();
      expect(got.body).toEqual(Buffer.concat(parts));
      expect(reads).toBeGreaterThanOrEqual(4);
    }
  });

  test('a slow drip arrives piece by piece', async () => {
    up.next(status(200), drip('abcdef', { pieceBytes: 2, everyMs: 1 }));
    const got = await rawRequest(up.port, post);
    expect(got.body.toString()).toBe('abcdef');
    const connection = await RawConnection.connect(up.port);
    up.next(status(200), drip('abcdef', { pieceBytes: 2, everyMs: 60_000 }));
    connection.write(post);
    await connection.until(() => connection.body.toString() === 'ab');
    connection.destroy();
    await up.waitFor(() => up.requests[1]?.abortedByRouterAtMs !== undefined);
  });
});

describe('cuts and silences', () => {
  test.each([0, 1, 10, 200, 333])('exactly %i bytes go out before the cut', async (bytes) => {
    for (const how of ['rst', 'fin'] as const) {
      up.next(cutAfter(bytes, how), streamHead(), writeAll(chatStream()));
      const connection = await RawConnection.connect(up.port);
      connection.write(post);
      expect(await connection.readUntilClose()).toHaveLength(bytes);
      expect(connection.closed).toBe(how);
    }
    expect(up.requests.map(({ bytesSent, finished, cut }) => ({ bytesSent, finished, cut }))).toEqual(
      Array.from({ length: 2 }, () => ({ bytesSent: bytes, finished: false, cut: true })),
    );
    expect(up.requests.every((request) => request.abortedByRouterAtMs === undefined)).toBe(true);
  });

  test('reset is an ECONNRESET for a node client, before the head and after events', async () => {
    up.next(reset());
    await expect(nodePost(up.port)).rejects.toMatchObject({ code: 'ECONNRESET' });
    up.next(streamHead(), event({ a: 1 }), reset());
    await expect(nodePost(up.port)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test('a pause lasts until its promise, and a caller that leaves is logged with the time', async () => {
    const gate = Promise.withResolvers<void>();
    up.next(streamHead(), event(1), pauseUntil(gate.promise), event(2), flush(), hang());
    const connection = await RawConnection.connect(up.port);
    connection.write(post);
    await connection.until(() => connection.body.toString() === 'data: 1\n\n');
    gate.resolve();
    await connection.until(() => connection.body.toString() === 'data: 1\n\ndata: 2\n\n');
    expect(up.connections).toBe(1);
    const leftAtMs = performance.now();
    connection.destroy();
    await up.waitFor(() => up.requests[0]?.abortedByRouterAtMs !== undefined && up.connections === 0);
    expect(up.requests[0]!.abortedByRouterAtMs! - leftAtMs).toBeLessThan(250);
    expect(up.requests[0]).toMatchObject({ finished: false, cut: false });
  });

  test('headers, then silence', async () => {
    up.next(streamHead(), hang());
    const connection = await RawConnection.connect(up.port);
    connection.write(post);
    expect((await connection.readHead()).startLine).toBe('HTTP/1.1 200 OK');
    expect(connection.body).toHaveLength(0);
    connection.reset();
    await up.waitFor(() => up.requests[0]?.abortedByRouterAtMs !== undefined);
  });

  test('an endless stream stops at its bound, or when the caller leaves, and obeys back-pressure', async () => {
    up.next(streamHead(), endless('data: x\n\n', { maxBytes: 5_000 }));
    expect((await rawRequest(up.port, post)).body.length).toBeGreaterThan(3_000);
    up.next(streamHead(), endless(Buffer.alloc(16_384, 'x')));
    const connection = await RawConnection.connect(up.port);
    connection.write(post);
    await connection.until(() => connection.received.length > 1_000_000);
    connection.destroy();
    await up.waitFor(() => up.connections === 0);
    expect(up.requests[1]).toMatchObject({ finished: false });
  });

  test('unsolicited bytes reach an idle connection, from a script or on command', async () => {
    const poison = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison';
    up.next(json(200, {}), unsolicited(poison));
    const connection = await RawConnection.connect(up.port);
    connection.write(post);
    await connection.until(() => connection.received.toString().endsWith('poison'));
    expect(up.sendUnsolicited('!')).toBe(1);
    await connection.until(() => connection.received.toString().endsWith('poison!'));
    connection.destroy();
  });
});

describe('the upstream itself', () => {
  test('unscripted it answers chat, streams, completions and embeddings', async () => {
    const body = async (path: string, value: unknown) => (await rawRequest(up.port, postBytes(path, value))).body;
    expect(JSON.parse(String(await body('/v1/chat/completions', {})))).toHaveProperty('object', 'chat.completion');
    expect(strictEvents(await body('/v1/chat/completions', { stream: true })).at(-1)?.data).toBe('[DONE]');
    expect(JSON.parse(String(await body('/v1/completions', {})))).toHaveProperty('object', 'text_completion');
    expect(JSON.parse(String(await body('/v1/embeddings', {})))).toHaveProperty('object', 'list');
  });

  test('with answerAt head the answer does not wait for the body, which is logged as it comes', async () => {
    const early = await startFaultUpstream({ answerAt: 'head' });
    early.next(reply(413, '{}'));
    const connection = await RawConnection.connect(early.port);
    connection.write('POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nhalf ');
    expect(await connection.readResponse()).toMatchObject({ status: 413, complete: true });
    await early.waitFor(() => early.requests[0]?.body.toString() === 'half ');
    connection.write('whole');
    connection.write(post);
    expect((await connection.readResponse()).status).toBe(200);
    expect(early.requests[0]?.body.toString()).toBe('half whole');
    connection.destroy();
    await early.close();
  });

  test('a broken request or script surfaces when the upstream closes', async () => {
    const broken = await startFaultUpstream();
    await rawRequest(broken.port, 'POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n').catch(() => {});
    await expect(broken.close()).rejects.toThrow('content-length');
    const wrong = await startFaultUpstream();
    wrong.next(write('no head'));
    await rawRequest(wrong.port, post).catch(() => {});
    await expect(wrong.close()).rejects.toThrow('before status()');
  });

  test('waitFor says what it waited for when the deadline passes', async () => {
    await expect(up.waitFor(() => up.requests.length > 3, 10)).rejects.toThrow('up.requests.length > 3');
  });

  test('the log keeps the newest requests', async () => {
    const small = await startFaultUpstream({ keep: 2 });
    for (let i = 1; i <= 5; i++) await rawRequest(small.port, getBytes(`/${i}`));
    expect(small.requests.map((request) => request.path)).toEqual(['/3', '/4', '/5']);
    expect(small.served).toBe(5);
    await small.close();
  });
});
