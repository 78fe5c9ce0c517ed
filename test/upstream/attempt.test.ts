// Shows to the millisecond which timer ends which phase of an attempt, what a slow reader or a caller that left does to
// it.

import { describe, expect, it } from 'vitest';
import type { RouterError } from '../../src/core/errors.ts';
import { EVENTS, type Played, play, STREAM_HEAD, turn } from './scripted.ts';

/** Nothing happens a millisecond before, everything at it. */
async function endsAfter(played: Played, ms: number, code: string) {
  played.clock.advance(ms - 1);
  expect(played.exchange.aborted).toBe(false);
  played.clock.advance(1);
  expect(played.exchange.aborted).toBe(true);
  expect(played.clock.pending).toBe(0);
  const error = (await played.outcome()) ?? played.sink.failure;
  expect(error).toMatchObject({ code });
  return error as RouterError;
}

function committed(played: Played) {
  played.up.sent();
  played.up.head(200, STREAM_HEAD);
  played.up.data(EVENTS.role);
  played.up.data(EVENTS.content);
}

describe('what goes out', () => {
  it('carries the worker own credentials and path, the served name and the request for usage', () => {
    const { exchange } = play();
    expect(exchange.request).toMatchObject({
      origin: 'http://127.0.0.1:1',
      path: '/base/v1/chat/completions',
      method: 'POST',
    });
    expect(exchange.request.headers).toEqual(['x-request-id', 'req_1', 'authorization', 'Bearer key']);
    const body = JSON.parse(Buffer.from(exchange.request.body!).toString());
    expect(body).toMatchObject({ model: 'served', stream: true, stream_options: { include_usage: true } });
  });
});

describe('F064 timers', () => {
  it('F054 connect', async () => {
    const error = await endsAfter(play(), 3_000, 'upstream_timeout');
    expect([error.retryable, error.descends, error.blame]).toEqual([true, true, 'worker']);
  });

  it('F064 headers, counted from when the call went out', async () => {
    const played = play();
    played.clock.advance(2_000);
    played.up.sent();
    const error = await endsAfter(played, 30_000, 'upstream_timeout');
    expect([error.retryable, error.descends, error.reason]).toEqual([true, true, 'slow']);
  });

  it('F064 first content, which no start-up frame postpones', async () => {
    const played = play();
    played.up.sent();
    played.clock.advance(10_000);
    played.up.head(200, STREAM_HEAD);
    played.clock.advance(40_000);
    played.up.data(EVENTS.role);
    played.up.data(EVENTS.ping);
    await endsAfter(played, 10_000, 'upstream_timeout');
  });

  it('F064 idle, counted from the last bytes', async () => {
    const played = play();
    committed(played);
    played.pipe();
    for (let n = 0; n < 3; n++) {
      played.clock.advance(59_999);
      played.up.data(EVENTS.content);
    }
    await endsAfter(played, 60_000, 'upstream_timeout');
    expect(played.sink.terminals).toEqual(['fail']);
  });

  it('F064 F066 total, however lively the stream; then no other rung is tried', async () => {
    const played = play({ timeouts: { totalMs: 100_000 } });
    committed(played);
    played.pipe();
    for (let n = 0; n < 9; n++) {
      played.clock.advance(10_000);
      played.up.data(EVENTS.content);
    }
    const error = await endsAfter(played, 10_000, 'upstream_timeout');
    expect(error.descends).toBe(false);
  });

  it('F064 a buffered reply may be silent until the total', async () => {
    const played = play({ stream: false });
    played.up.sent();
    await endsAfter(played, 600_000, 'upstream_timeout');
  });

  it('F064 a refusal whose body does not end is judged by what came', async () => {
    const played = play();
    played.up.sent();
    played.up.head(429, { 'retry-after': '7' });
    played.up.data(Buffer.from('{"error":{"code":"rate_limit'));
    const error = await endsAfter(played, 3_000, 'worker_full');
    expect(error.detail.coolDownMs).toBe(7_000);
  });

  it('a connection that stays open behind [DONE] is dropped a second later; the reply is whole at once', async () => {
    const played = play();
    committed(played);
    played.pipe();
    played.up.data(Buffer.concat([EVENTS.finish, EVENTS.done]));
    expect(played.sink.terminals).toEqual(['end']);
    played.clock.advance(999);
    expect(played.exchange.aborted).toBe(false);
    played.clock.advance(1);
    expect(played.exchange.aborted).toBe(true);
    await turn();
    expect(played.ended()).toMatchObject({ how: 'complete', error: null });
  });
});

describe('a slow reader', () => {
  it('pauses the target, is no silence of it, and is bounded by the total', async () => {
    const played = play();
    committed(played);
    played.sink.full = true;
    played.pipe();
    expect(played.exchange.paused).toBe(true);
    played.clock.advance(590_000);
    expect(played.exchange.aborted).toBe(false);
    played.sink.drain();
    await turn();
    expect(played.exchange.paused).toBe(false);
    played.up.data(EVENTS.content);
    played.clock.advance(9_999);
    expect(played.exchange.aborted).toBe(false);
    played.clock.advance(1);
    expect(played.exchange.aborted).toBe(true);
    expect(played.sink.terminals).toEqual(['fail']);
  });

  it('starts a fresh idle span when it reads on', async () => {
    const played = play();
    committed(played);
    played.sink.full = true;
    played.pipe();
    played.clock.advance(300_000);
    played.sink.drain();
    await turn();
    played.clock.advance(59_999);
    expect(played.exchange.aborted).toBe(false);
    played.clock.advance(1);
    expect(played.exchange.aborted).toBe(true);
  });

  it('between commit and pipe a flood waits in the socket', () => {
    const played = play();
    committed(played);
    played.up.data(EVENTS.content);
    expect(played.exchange.paused).toBe(true);
    played.pipe();
    expect(played.sink.bytes).toBe(Buffer.concat([EVENTS.role, EVENTS.content, EVENTS.content]).toString());
  });
});

describe('F078 a caller that leaves', () => {
  const phases: [string, (played: Played) => void][] = [
    ['while it connects', () => {}],
    ['before the head', ({ up }) => up.sent()],
    ['between start-up frames', ({ up }) => [up.sent(), up.head(200, STREAM_HEAD), up.data(EVENTS.role)]],
    ['in a refusal', ({ up }) => [up.sent(), up.head(503, {})]],
  ];
  it.each(phases)('F078 %s: the exchange is over at once, and it is nobody fault', async (_, bring) => {
    const played = play();
    bring(played);
    played.signal.abort();
    expect(played.exchange.aborted).toBe(true);
    expect(played.clock.pending).toBe(0);
    expect(await played.outcome()).toMatchObject({ code: 'client_gone', blame: 'caller' });
  });

  it('F078 mid-stream: the exchange is over at once, the usage so far is kept', async () => {
    const played = play();
    committed(played);
    played.pipe();
    played.signal.abort();
    expect([played.exchange.aborted, played.clock.pending]).toEqual([true, 0]);
    await turn();
    expect(played.ended()).toMatchObject({ how: 'client_gone', error: null });
    expect(played.sink.terminals).toEqual([]);
  });

  it('F078 behind the terminal event it is no abort', async () => {
    const played = play();
    committed(played);
    played.pipe();
    played.up.data(Buffer.concat([EVENTS.finish, EVENTS.usage]));
    played.signal.abort();
    expect(played.exchange.aborted).toBe(false);
    await turn();
    expect(played.ended()).toMatchObject({ how: 'complete', usage: { outputTokens: 3 } });
    played.up.end();
    expect(played.clock.pending).toBe(0);
  });
  it('F078 behind the terminal event the usage that is still to come is read, for a second at most', async () => {
    for (const tells of [true, false]) {
      const played = play();
      committed(played);
      played.pipe();
      played.up.data(EVENTS.finish);
      played.signal.abort();
      await turn();
      expect(played.ended()).toBeUndefined();
      if (tells) played.up.data(Buffer.concat([EVENTS.usage, EVENTS.done]));
      else played.clock.advance(1_000);
      await turn();
      expect(played.ended()).toMatchObject({ how: 'complete', usage: tells ? { outputTokens: 3 } : null });
      expect(played.exchange.aborted).toBe(!tells);
      if (tells) played.up.end();
      expect(played.clock.pending).toBe(0);
    }
  });
});
