// What happens when callers are many, slow or gone. For src/demo/engine.ts behind real sockets.
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually, eventuallyHolds } from '../fakes/eventually.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { ask, started } from './started.ts';

const CHAT = '/v1/chat/completions';

describe('pressure', () => {
  it('refuses with 503 beyond the line, before anything of a stream is written', async () => {
    const clock = new VirtualClock();
    const { post, worker } = await started({ clock, maxNumSeqs: 1, maxNumQueuedReqs: 1, decodeTokensPerSecond: 100 });
    const accepted = [post(CHAT, ask('one', { stream: true })), post(CHAT, ask('two'))];
    await eventually(() => worker.stats().waiting === 1);
    for (const stream of [true, false]) {
      const refused = await post(CHAT, ask('three', { stream }));
      expect(refused.headers.get('content-type')).toBe('application/json');
      expect([refused.status, await refused.json()]).toMatchObject([
        503,
        { error: { type: 'ServiceUnavailableError', code: 503 } },
      ]);
    }
    expect(worker.stats().counters.rejections).toBe(2);
    clock.advance(60_000);
    await Promise.all(
      accepted.map(async (reply) => expect((await reply).ok && (await (await reply).text()).length).toBeGreaterThan(0)),
    );
  });

  it('sends the head of a stream while the call still waits in line', async () => {
    const clock = new VirtualClock();
    const { post, worker } = await started({ clock, maxNumSeqs: 1, decodeTokensPerSecond: 100 });
    const first = await post(CHAT, ask('one', { stream: true }));
    const second = await post(CHAT, ask('two', { stream: true }));
    expect(worker.stats()).toMatchObject({ running: 1, waiting: 1 });
    expect([first.status, second.status]).toEqual([200, 200]);
    clock.advance(60_000);
    expect(await second.text()).toContain('[DONE]');
  });

  it.each([true, false])('frees the slot of a caller that is gone and starts the next (stream: %s)', async (stream) => {
    const clock = new VirtualClock();
    const { post, worker } = await started({ clock, maxNumSeqs: 1, decodeTokensPerSecond: 100 });
    const gone = new AbortController();
    const first = post(CHAT, ask('one', { stream }), { signal: gone.signal });
    first.catch(() => {});
    await eventually(() => worker.stats().running === 1);
    const second = post(CHAT, ask('two'));
    await eventually(() => worker.stats().waiting === 1);
    clock.advance(20);
    gone.abort();
    await eventually(() => worker.stats().waiting === 0);
    expect(worker.stats().counters.finished.abort).toBe(1);
    const made = worker.stats().counters.generationTokens;
    expect(made).toBeLessThanOrEqual(3);
    clock.advance(60_000);
    expect((await second).status).toBe(200);
    expect(worker.stats().running).toBe(0);
  });

  it('forgets a caller that leaves while it waits', async () => {
    const clock = new VirtualClock();
    const { post, worker } = await started({ clock, maxNumSeqs: 1, decodeTokensPerSecond: 100 });
    const gone = new AbortController();
    const first = post(CHAT, ask('one'));
    await eventually(() => worker.stats().running === 1);
    const second = post(CHAT, ask('two'), { signal: gone.signal });
    second.catch(() => {});
    await eventually(() => worker.stats().waiting === 1);
    gone.abort();
    await eventually(() => worker.stats().waiting === 0);
    expect(worker.stats().running).toBe(1);
    clock.advance(60_000);
    expect((await first).status).toBe(200);
  });

  it('makes no tokens for a reader that does not read, and goes on when it does', async () => {
    const { worker } = await started({ decodeTokensPerSecond: 1e6, maxModelLen: 200_000 });
    const socket = connect(worker.port, '127.0.0.1');
    onTestFinished(() => {
      socket.destroy();
    });
    const body = JSON.stringify(ask('long', { stream: true, max_tokens: 190_000, ignore_eos: true }));
    socket.write(
      `POST ${CHAT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    socket.pause();
    const tokens = () => worker.stats().counters.generationTokens;
    await eventually(() => tokens() > 0);
    // Level for many ticks in a row: the socket is full and the engine has stopped.
    let before = -1;
    let level = 0;
    await eventually(() => {
      level = tokens() === before ? level + 1 : 0;
      before = tokens();
      return level > 30;
    });
    expect(tokens()).toBeLessThan(190_000);
    expect(worker.stats().running).toBe(1);
    socket.resume();
    await eventuallyHolds(() => expect(tokens()).toBe(190_000));
    expect(worker.stats().counters.finished.length).toBe(1);
  });

  it('serves many calls at once without mixing them up', async () => {
    const { client } = await started();
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, i) => client.chat.completions.create(ask(`call number ${i}`, { n: 1 }))),
    );
    replies.forEach((reply, i) => {
      expect(reply.choices[0]?.message.content).toContain(`"call number ${i}"`);
    });
  });
});
