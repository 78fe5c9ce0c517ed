// Decides how long a caller may take to say what it wants, and that the others do not wait for it.
// For operators whose port is open to more than friends.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../fakes/eventually.ts';
import { event, pauseUntil, streamHead } from '../fakes/fault-upstream.ts';
import { postBytes, RawConnection } from '../fakes/raw-client.ts';
import { CHAT, chatBody, expectClosed, type Stage, startStage } from './stage.ts';

const headersTimeoutMs = 600;
const bodyIdleMs = 400;
const bodyGraceMs = 500;

let stage: Stage;
const open: RawConnection[] = [];
beforeAll(async () => {
  const limits = { headersTimeoutMs, bodyIdleMs, bodyGraceMs, minBodyBytesPerSecond: 1024 };
  stage = await startStage({ limits });
});
afterEach(async () => {
  for (const connection of open.splice(0)) connection.destroy();
  await stage.quiet();
});
afterAll(() => stage.close());

async function connect(): Promise<RawConnection> {
  const connection = await RawConnection.connect(stage.port);
  open.push(connection);
  return connection;
}

/** Reads the refusal and waits for the close. */
async function refused(connection: RawConnection, status: number, code: string): Promise<void> {
  const response = await connection.readResponse();
  await connection.until(() => connection.closed !== undefined);
  expectClosed({ ...response, closed: connection.closed }, status, code);
}

/** Writes one byte a turn until the connection closes; the peer may be gone before the last one. */
async function dribble(connection: RawConnection, text: string, everyMs: number): Promise<void> {
  for (const letter of text) {
    if (connection.closed !== undefined) return;
    connection.write(letter);
    const untilMs = performance.now() + everyMs;
    await eventually(() => connection.closed !== undefined || performance.now() >= untilMs);
  }
}

/** Response times of `count` plain calls, one after another on one connection, ms, ascending. */
async function times(count: number): Promise<number[]> {
  const connection = await connect();
  const taken: number[] = [];
  for (let i = 0; i < count; i++) {
    const startMs = performance.now();
    connection.write(postBytes(CHAT, chatBody()));
    expect((await connection.readResponse()).status).toBe(200);
    taken.push(performance.now() - startMs);
  }
  return taken.sort((a, b) => a - b);
}

describe('slow heads', () => {
  it('F005 a head that never ends is a 408 within the header time and one look of the checker', async () => {
    const connection = await connect();
    const startMs = performance.now();
    connection.write(`POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\n`);
    await refused(connection, 408, 'body_timeout');
    const tookMs = performance.now() - startMs;
    expect(tookMs).toBeGreaterThan(headersTimeoutMs * 0.9);
    expect(tookMs).toBeLessThan(headersTimeoutMs * 1.5 + 500);
  });

  it('F005 a byte now and then buys no time', async () => {
    const connection = await connect();
    const startMs = performance.now();
    const answer = refused(connection, 408, 'body_timeout');
    await dribble(connection, `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`, 50);
    await answer;
    expect(performance.now() - startMs).toBeLessThan(headersTimeoutMs * 1.5 + 500);
  });

  it('F005 a connection that says nothing at all is closed too', async () => {
    const connection = await connect();
    await connection.until(() => connection.closed !== undefined);
    expect(stage.upstream.requests.filter(({ body }) => body.length === 0)).toEqual([]);
  });

  it('F005 the second head on a kept connection has no more time than the first', async () => {
    const connection = await connect();
    connection.write(postBytes(CHAT, chatBody()));
    expect((await connection.readResponse()).status).toBe(200);
    connection.write('GET /v1/mod');
    await refused(connection, 408, 'body_timeout');
  });

  it('F005 a thousand dripping sockets leave good traffic unharmed, and all are closed', async () => {
    await times(50);
    const calm = await times(200);
    const served = stage.upstream.served;
    const slow = await Promise.all(Array.from({ length: 1_000 }, connect));
    for (const connection of slow) connection.write(`POST ${CHAT} HTTP/1.1\r\nHost: localh`);
    const drip = setInterval(() => {
      for (const connection of slow) if (connection.closed === undefined) connection.write('x');
    }, 100);
    try {
      const busy = await times(200);
      // Twice the calm p99, and a few ms for the thousand writes that this very process makes meanwhile.
      expect(busy[197]!).toBeLessThan(calm[197]! * 2 + 25);
      await eventually(() => slow.every(({ closed }) => closed !== undefined), { deadlineMs: 10_000 });
    } finally {
      clearInterval(drip);
    }
    expect(stage.upstream.served).toBe(served + 200);
    for (const { received } of slow) expect(received.toString()).toMatch(/^(HTTP\/1\.1 408 |$)/);
    await stage.works();
  });
});

describe('slow bodies', () => {
  const head = (length: number, more = '') =>
    `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${more}Content-Length: ${length}\r\n\r\n`;

  it('F006 three bytes of ten are a 408 after the idle time, and nothing is held any more', async () => {
    const served = stage.upstream.served;
    const connection = await connect();
    const startMs = performance.now();
    connection.write(`${head(10)}{"m`);
    await refused(connection, 408, 'body_timeout');
    const tookMs = performance.now() - startMs;
    expect(tookMs).toBeGreaterThan(bodyIdleMs * 0.9);
    expect(tookMs).toBeLessThan(bodyIdleMs * 2 + 500);
    expect(stage.upstream.served).toBe(served);
    expect(stage.router.running.router.open).toBe(0);
  });

  it('F006 a chunked body that stops is a 408', async () => {
    const connection = await connect();
    connection.write(`${head(0).replace('Content-Length: 0', 'Transfer-Encoding: chunked')}3\r\n{"m\r\n`);
    await refused(connection, 408, 'body_timeout');
  });

  it('F006 a body that never begins is a 408', async () => {
    const connection = await connect();
    connection.write(head(10));
    await refused(connection, 408, 'body_timeout');
  });

  it('F006 a body that keeps dripping below 1 KiB a second is a 408 after the grace time', async () => {
    const connection = await connect();
    const startMs = performance.now();
    connection.write(head(4_000));
    const answer = refused(connection, 408, 'body_timeout');
    await dribble(connection, ' '.repeat(60), 30);
    await answer;
    expect(performance.now() - startMs).toBeGreaterThan(bodyGraceMs * 0.9);
  });

  it('F006 a body slower than the grace time but fast enough passes', async () => {
    const connection = await connect();
    const text = JSON.stringify(chatBody({ pad: 'p'.repeat(8_000) }));
    connection.write(head(text.length));
    const answer = connection.readResponse();
    const startMs = performance.now();
    for (let at = 0; at < text.length; at += 200) {
      connection.write(text.slice(at, at + 200));
      const untilMs = startMs + (at / 200) * 18;
      await eventually(() => performance.now() >= untilMs);
    }
    expect(performance.now() - startMs).toBeGreaterThan(bodyGraceMs);
    expect((await answer).status).toBe(200);
  });

  it('F006 the body of a call that was refused by its head is not waited for', async () => {
    for (const more of ['X-Spillway-Nonsense: 1\r\n', 'Content-Encoding: gzip\r\n', 'Origin: https://evil.test\r\n']) {
      const connection = await connect();
      const startMs = performance.now();
      connection.write(`${head(1_000_000, more)}{"model"`);
      expect((await connection.readResponse()).status).toBeGreaterThanOrEqual(400);
      await connection.until(() => connection.closed !== undefined);
      expect(performance.now() - startMs).toBeLessThan(2_000);
    }
  });

  it('F006 a caller that leaves in the middle of its body leaves nothing behind', async () => {
    const served = stage.upstream.served;
    for (const leave of ['destroy', 'reset', 'end'] as const) {
      const connection = await connect();
      connection.write(`${head(1_000)}{"model":`);
      await eventually(async () => (await stage.router.running.connections()) > 0);
      connection[leave]();
      await connection.until(() => connection.closed !== undefined);
    }
    await stage.quiet();
    expect(stage.upstream.served).toBe(served);
  });

  it('F006 body times do not bind a reply that takes its time', async () => {
    let release!: () => void;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const finish = { choices: [{ index: 0, delta: { content: 'late' }, finish_reason: 'stop' }] };
    stage.upstream.next(
      streamHead(),
      event({ choices: [{ index: 0, delta: { content: 'a' } }] }),
      pauseUntil(released),
      event(finish),
    );
    const connection = await connect();
    connection.write(postBytes(CHAT, chatBody({ stream: true })));
    await connection.until(() => connection.body.includes('"a"'));
    const untilMs = performance.now() + bodyIdleMs + bodyGraceMs + headersTimeoutMs;
    await eventually(() => performance.now() >= untilMs);
    expect(connection.closed).toBeUndefined();
    release();
    const response = await connection.readResponse();
    expect(response.complete).toBe(true);
    expect(response.body.toString()).toContain('late');
  });
});
