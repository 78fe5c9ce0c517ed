// Decides how many callers may be connected, in which order one connection is served, and how the router notices that
// the other end has gone. For operators, and for the targets whose work nobody waits for any more.

import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, eventuallyHolds } from '../fakes/eventually.ts';
import { endless, event, hang, streamHead } from '../fakes/fault-upstream.ts';
import { plainReply } from '../fakes/plain-reply.ts';
import { getBytes, postBytes, RawConnection } from '../fakes/raw-client.ts';
import { CHAT, chatBody, type Stage, startStage } from './stage.ts';

const maxConnections = 20;

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ limits: { maxConnections } });
});
afterAll(() => stage.close());

const connected = () => stage.router.running.connections();
const listing = getBytes('/v1/models');
const delta = event({ choices: [{ index: 0, delta: { content: 'a' } }] });

/** A call whose target is at work: it has content and goes no further. */
async function streaming(): Promise<RawConnection> {
  stage.upstream.next(streamHead(), delta, hang());
  const connection = await RawConnection.connect(stage.port);
  connection.write(postBytes(CHAT, chatBody({ stream: true })));
  await connection.until(() => connection.body.includes('"a"'));
  return connection;
}

/** A call whose target has been asked and says nothing. */
async function unanswered(stream: boolean): Promise<RawConnection> {
  const asked = stage.upstream.served;
  stage.upstream.next(hang());
  const connection = await RawConnection.connect(stage.port);
  connection.write(postBytes(CHAT, chatBody({ stream })));
  await stage.upstream.waitFor((one) => one.served === asked + 1);
  return connection;
}

const abortedWithin = async (sinceMs: number, ms: number) => {
  await stage.upstream.waitFor((one) => one.requests.at(-1)!.abortedByRouterAtMs !== undefined);
  expect(stage.upstream.requests.at(-1)!.abortedByRouterAtMs! - sinceMs).toBeLessThan(ms);
  await stage.quiet();
};

describe('many connections', () => {
  it('F012 beyond the cap new ones are closed at once; room that comes free is used', async () => {
    const busy = await Promise.all(Array.from({ length: maxConnections }, streaming));
    expect(await connected()).toBe(maxConnections);
    for (let i = 0; i < maxConnections; i++) {
      const late = await RawConnection.connect(stage.port);
      await late.until(() => late.closed !== undefined);
      expect(late.received).toHaveLength(0);
      late.destroy();
    }
    for (const one of busy) expect(one.closed).toBeUndefined();
    busy.pop()!.destroy();
    await eventuallyHolds(async () => expect(await connected()).toBe(maxConnections - 1));
    await stage.works();
    for (const one of busy) one.destroy();
    await stage.quiet();
  });

  it('F012 callers that keep connections without using them make room for who comes', async () => {
    const idle = await Promise.all(
      Array.from({ length: maxConnections }, async () => {
        const connection = await RawConnection.connect(stage.port);
        connection.write(listing);
        expect((await connection.readResponse()).status).toBe(200);
        return connection;
      }),
    );
    expect(await connected()).toBe(maxConnections);
    // The first one too many is turned away and frees the rest, so a caller that tries again gets in.
    await eventually(async () => {
      const late = await RawConnection.connect(stage.port);
      late.write(listing);
      const answered = await late.readResponse().then(
        ({ status }) => status === 200,
        () => false,
      );
      late.destroy();
      return answered;
    });
    await eventually(() => idle.every(({ closed }) => closed !== undefined));
  });

  it('F012 connections come and go a thousand times and none stays', async () => {
    for (let round = 0; round < 100; round++) {
      const some = await Promise.all(Array.from({ length: 10 }, () => RawConnection.connect(stage.port)));
      for (const [i, one] of some.entries()) {
        if (i % 3 === 0) one.write(listing);
        if (i % 2 === 0) one.destroy();
        else one.reset();
      }
    }
    await stage.quiet();
    await stage.works();
  });
});

describe('pipelining', () => {
  it('F012 a thousand requests written at once are answered in their order', async () => {
    const connection = await RawConnection.connect(stage.port);
    const names = Array.from({ length: 1_000 }, (_, i) => `m-${i}`);
    connection.write(Buffer.concat(names.map((name) => getBytes(`/v1/models/${name}`))));
    for (const name of names) {
      const response = await connection.readResponse();
      expect(response.status).toBe(404);
      expect(response.body.toString()).toContain(`"${name}\\" is not`);
    }
    connection.destroy();
  });

  it('F012 pipelined calls are answered in their order though the targets answer in another', async () => {
    const connection = await RawConnection.connect(stage.port);
    const releases: (() => void)[] = [];
    stage.upstream.behave((request) => {
      const { user } = JSON.parse(request.body.toString()) as { user: string };
      const reply = { object: 'chat.completion', model: user, choices: [{ index: 0, finish_reason: 'stop' }] };
      const held = new Promise<void>((resolve) => releases.push(resolve));
      return [
        async (exchange) => {
          await exchange.orGone(held);
          const bytes = Buffer.from(JSON.stringify(reply));
          exchange.head(200, { 'content-type': 'application/json', 'content-length': `${bytes.length}` });
          exchange.body(bytes);
        },
      ];
    });
    const asked = stage.upstream.served;
    const users = Array.from({ length: 8 }, (_, i) => `user-${i}`);
    connection.write(Buffer.concat(users.map((user) => postBytes(CHAT, chatBody({ user })))));
    await stage.upstream.waitFor((one) => one.served === asked + users.length);
    for (const release of releases.reverse()) release();
    for (const user of users) {
      const response = await connection.readResponse();
      expect(response.status).toBe(200);
      expect(JSON.parse(response.body.toString())).toMatchObject({ model: user });
    }
    connection.destroy();
    stage.upstream.behave(plainReply);
  });
});

describe('callers that have gone', () => {
  for (const leave of ['destroy', 'reset', 'end'] as const) {
    it(`F013 F078 ${leave} in the middle of a stream ends the target’s work within 250 ms`, async () => {
      const connection = await streaming();
      const sinceMs = performance.now();
      connection[leave]();
      await abortedWithin(sinceMs, 250);
      connection.destroy();
    });

    it(`F013 F078 ${leave} before any reply ends the target’s work within 250 ms, streamed or not`, async () => {
      for (const stream of [true, false]) {
        const connection = await unanswered(stream);
        const sinceMs = performance.now();
        connection[leave]();
        await abortedWithin(sinceMs, 250);
        connection.destroy();
      }
    });
  }

  it('F013 N10 a caller that stops reading an endless stream holds little, and its end is noticed', async () => {
    const piece = `data: {"choices":[{"index":0,"delta":{"content":"${'x'.repeat(4_000)}"}}]}\n\n`;
    stage.upstream.next(streamHead(), endless(piece));
    const connection = await RawConnection.connect(stage.port);
    connection.write(postBytes(CHAT, chatBody({ stream: true })));
    await connection.until(() => connection.body.length > 0);
    connection.pause();
    const request = stage.upstream.requests.at(-1)!;
    // Nothing moves any more once every buffer on the way is full: the target is held back, not stored.
    let before = -1;
    await eventually(
      async () => {
        const same = request.bytesSent === before;
        before = request.bytesSent;
        const untilMs = performance.now() + 100;
        await eventually(() => performance.now() >= untilMs);
        return same && request.bytesSent === before;
      },
      { deadlineMs: 10_000 },
    );
    expect(request.bytesSent).toBeLessThan(32 * 1024 * 1024);
    const sinceMs = performance.now();
    connection.reset();
    await abortedWithin(sinceMs, 250);
  });

  it.runIf(process.platform === 'linux')('F013 a caller that vanished without a word is probed for', async () => {
    const socket = connect(stage.port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(listing);
    await new Promise((resolve) => socket.once('data', resolve));
    // The kernel lists its timers: 02 is the keep-alive probe, with the time to it in hundredths of a second.
    const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0');
    const ours = `0100007F:${hex(stage.port)} 0100007F:${hex(socket.localPort!)} 01`;
    const line = await eventually(async () => {
      const table = await readFile('/proc/net/tcp', 'utf8');
      const found = table.split('\n').find((one) => one.includes(ours));
      return found?.includes(' 02:') === true ? found : undefined;
    });
    const dueMs = Number.parseInt(/ 02:([0-9A-F]{8})/.exec(line)![1]!, 16) * 10;
    expect(dueMs).toBeGreaterThan(30_000);
    expect(dueMs).toBeLessThanOrEqual(60_000);
    socket.destroy();
  });
});
