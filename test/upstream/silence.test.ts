// Shows that silence in any phase ends by a timer of its own, that endless and oversized replies are cut off, and that
// events split anywhere arrive as they were.

import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { chatStream } from '../fakes/chat-fixtures.ts';
import * as faults from '../fakes/fault-replies.ts';
import { endless, event, inPieces, oneByteChunks, streamHead, write, writeAll } from '../fakes/fault-upstream.ts';
import { postBytes, RawConnection, strictEvents } from '../fakes/raw-client.ts';
import { always, isCutShort, isFromBelow, isRefusal, type Stage, startStage } from './faults.ts';
import { CALM, CHAT, chat, inParallel, SHORT, streamed } from './routed.ts';

let stage: Stage;
afterEach(() => stage.close());
const left = () => stage.faulty.waitFor(({ requests }) => requests.every((r) => r.abortedByRouterAtMs !== undefined));

describe('F064 silence', () => {
  const early = ['before headers', 'after headers', 'after the role frame'] as const;
  it.each(early)('F064 F063 %s: the next rung answers, and the reply says slow', async (phase) => {
    stage = await startStage({ rules: { timeouts: SHORT } });
    always(stage.faulty, faults.silences[phase]);
    isFromBelow(await stage.routed.ask(streamed()), 'slow');
    await left();
  });

  it.each(early)('F064 %s and without another rung: 504', async (phase) => {
    stage = await startStage({ below: 'none', rules: { timeouts: SHORT } });
    always(stage.faulty, faults.silences[phase]);
    isRefusal(await stage.routed.ask(streamed()), 504, 'upstream_timeout');
    await left();
  });

  it.each(['between events', 'inside an event'] as const)(
    'F064 %s: an in-band error ends the stream',
    async (phase) => {
      stage = await startStage({ rules: { timeouts: SHORT } });
      always(stage.faulty, faults.silences[phase]);
      isCutShort(await stage.routed.ask(streamed()), chatStream().slice(0, 3), 'upstream_timeout');
      await left();
    },
  );

  it('F064 behind [DONE] is none: the reply ends at once and the connection is given up a second later', async () => {
    stage = await startStage({
      below: 'none',
      rules: { timeouts: { idle: '30s', firstContent: '30s', total: '60s' } },
    });
    always(stage.faulty, faults.silences['before the end of the body']);
    const response = await stage.routed.ask(streamed(), { deadlineMs: 3_000 });
    expect(response).toMatchObject({ status: 200, complete: true });
    expect(response.body.equals(Buffer.concat(chatStream()))).toBe(true);
    await left();
  });

  it('F064 a silent target is asked once, not again in place', async () => {
    stage = await startStage({ below: 'none', shape: { copies: 1 }, rules: { timeouts: SHORT, retries: 5 } });
    always(stage.faulty, faults.silences['before headers']);
    const response = isRefusal(await stage.routed.ask(streamed()), 504, 'upstream_timeout');
    expect(response.headers['x-spillway-attempts']).toBe('1');
    expect(stage.faulty.served).toBe(1);
  });

  it('F064 stalls never use up the connections to a target: 300 of them, then a good call', async () => {
    stage = await startStage({ rules: { timeouts: { ...CALM, idle: '500ms' }, queue: { max: 1_000 } } });
    always(stage.faulty, faults.silences['between events']);
    const calls = Array.from({ length: 300 }, (_, n) => n);
    await inParallel(calls, 300, async () => {
      const { status, body } = await stage.routed.ask(streamed(), { deadlineMs: 10_000 });
      expect(status).toBe(200);
      expect(body.includes('[DONE]')).toBe(false);
    });
    await stage.faulty.waitFor(({ connections }) => connections === 0);
    always(stage.faulty, [streamHead(), writeAll(chatStream())]);
    expect(await stage.routed.ask(streamed())).toMatchObject({ status: 200, complete: true });
  });

  it('F064 F066 a drip that never ends is bounded by the total of the call', async () => {
    const timeouts = { connect: '1s', headers: '1s', firstContent: '1s', idle: '1s', total: '700ms' };
    stage = await startStage({ rules: { timeouts } });
    const [role, content] = chatStream() as [Buffer, Buffer];
    always(stage.faulty, [
      streamHead(),
      write(role),
      inPieces(undefined),
      endless(content, { maxBytes: 1 }),
      ...drips(content),
    ]);
    const { body } = await stage.routed.ask(streamed());
    const events = strictEvents(body);
    expect(JSON.parse(events.at(-1)!.data)).toMatchObject({ error: { code: 'upstream_timeout' } });
    expect(events.length).toBeGreaterThan(3);
    await left();
  });
});

/** One more event each 50 ms or so, for longer than any call may take here. */
function drips(bytes: Buffer) {
  return Array.from({ length: 200 }, () => async (x: Parameters<ReturnType<typeof write>>[0]) => {
    if (x.over) return;
    x.body(bytes);
    await x.flush();
    await x.orGone(new Promise((resolve) => setTimeout(resolve, 50)));
  });
}

/** A CR ends [DONE]; where its LF comes in a later piece, the reply is over already and goes without it. */
function isSame(body: Buffer, frames: readonly Buffer[]) {
  const sent = Buffer.concat(frames).toString();
  expect(sent.endsWith('\r\n') && !body.toString().endsWith('\n') ? `${body}\n` : body.toString()).toBe(sent);
}

describe('F065 events split anywhere', () => {
  const eols = ['\n', '\r\n', '\r'] as const;
  it.each(eols)('F065 one byte at a time, lines ended by %j', async (eol) => {
    stage = await startStage();
    const frames = chatStream({ text: 'Grüße 世界 🌍', eol, usageEvents: 'last' });
    always(stage.faulty, [oneByteChunks(), streamHead(), writeAll(frames)]);
    const response = await stage.routed.ask(streamed());
    expect(response).toMatchObject({ status: 200, complete: true });
    isSame(response.body, frames);
  });

  it('F065 any pieces, any line ends: the bytes arrive as they were sent', async () => {
    stage = await startStage();
    const pieces = fc.array(fc.integer({ min: 1, max: 2_000 }), { maxLength: 30, size: 'max' });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...eols),
        pieces,
        fc.string({ unit: 'grapheme', maxLength: 40 }),
        async (eol, at, text) => {
          const frames = chatStream({ tokens: ['a', text, text], eol });
          stage.faulty.next(inPieces({ at: [...new Set(at)].sort((a, b) => a - b) }), streamHead(), writeAll(frames));
          const { body } = await stage.routed.ask(streamed());
          isSame(body, frames);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('F065 an event of 8 MiB: another rung before content, an in-band error after it', async () => {
    stage = await startStage();
    const huge = event({ choices: [{ index: 0, delta: { content: 'x'.repeat(8 * 1024 * 1024) } }] });
    stage.faulty.next(streamHead(), huge);
    isFromBelow(await stage.routed.ask(streamed()), 'failing');
    stage.faulty.next(streamHead(), writeAll(chatStream().slice(0, 3)), huge);
    isCutShort(await stage.routed.ask(streamed()), chatStream().slice(0, 3), 'upstream_error');
    await left();
  });
});

describe('F066 endless replies', () => {
  const [role, content] = chatStream() as [Buffer, Buffer];

  it('F066 far more events than the asked tokens: an in-band error, and the target is left', async () => {
    stage = await startStage();
    always(stage.faulty, [streamHead(), write(role), endless(content)]);
    const { body } = await stage.routed.ask(streamed({ max_tokens: 16 }));
    const events = strictEvents(body);
    expect(events.length).toBeGreaterThanOrEqual(17);
    expect(events.length).toBeLessThanOrEqual(16 * 8 + 64 + 3);
    expect(JSON.parse(events.at(-1)!.data)).toMatchObject({ error: { code: 'upstream_error' } });
    await left();
  });

  it('F066 without a bound of the caller it ends at 64 MiB', async () => {
    stage = await startStage();
    const big = Buffer.from(
      `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'x'.repeat(500_000) } }] })}\n\n`,
    );
    always(stage.faulty, [streamHead(), write(role), endless(big)]);
    const connection = await RawConnection.connect(stage.routed.port);
    connection.write(postBytes(CHAT, streamed()));
    const { body, complete } = await connection.readResponse(15_000);
    connection.destroy();
    expect(complete).toBe(true);
    expect(body.length).toBeGreaterThan(60 * 1024 * 1024);
    expect(body.length).toBeLessThanOrEqual(64 * 1024 * 1024 + 1_024);
    const last = body.subarray(body.lastIndexOf('data: '));
    expect(JSON.parse(strictEvents(last)[0]!.data)).toMatchObject({ error: { code: 'upstream_error' } });
    await left();
  });

  it('F066 an endless buffered reply is cut off and never looks whole', async () => {
    stage = await startStage({ below: 'none' });
    always(stage.faulty, [
      (x) => x.head(200, { 'content-type': 'application/json' }),
      write('{"choices":[{"text":"'),
      endless('x'.repeat(64 * 1024)),
    ]);
    const connection = await RawConnection.connect(stage.routed.port);
    connection.write(postBytes(CHAT, chat()));
    const response = await connection.readResponse(15_000);
    expect(response.complete).toBe(false);
    expect(response.body.length).toBeLessThanOrEqual(64 * 1024 * 1024);
    expect(response.closed).toBeDefined();
    connection.destroy();
    await left();
  });
});
