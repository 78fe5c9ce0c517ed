// Shows that no byte of one call ever reaches another, that nothing generated is asked for twice, and that lies about
// usage do no harm.

import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { chatReply, chatStream, usageOf } from '../fakes/chat-fixtures.ts';
import { event, flush, hangUp, json, pauseUntil, reset, streamHead, writeAll } from '../fakes/fault-upstream.ts';
import { postBytes, RawConnection, strictJsonEvents } from '../fakes/raw-client.ts';
import { always, type Stage, startStage } from './faults.ts';
import { CHAT, chat, inParallel, lanes, SHORT, streamed } from './routed.ts';

let stage: Stage;
afterEach(() => stage.close());

/** The call's own mark, which its reply carries in every event. */
const markIn = (body: Buffer) => /mark-(\d+);/.exec(body.toString())![1]!;
const ids = (body: Buffer) => [...new Set([...body.toString().matchAll(/mine-(\d+)/g)].map(([, id]) => id))];

describe('F073 bytes that nobody asked for', () => {
  it('F073 cost their connection: calls after them get their own replies', async () => {
    stage = await startStage({ below: 'none' });
    stage.faulty.behave(({ body }) => [json(200, chatReply({ id: `mine-${markIn(body)}` }))]);
    const poison = JSON.stringify(chatReply({ id: 'mine-666' }));
    const response = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${poison.length}\r\n\r\n${poison}`;
    const clients = lanes(stage.routed.port);
    let hit = 0;
    for (let round = 0; round < 20; round++) {
      await inParallel([...Array(100).keys()], 16, async (n, lane) => {
        const mark = String(round * 1_000 + n);
        const { status, body } = await clients.ask(lane, chat({ user: `mark-${mark};` }));
        expect([status, ids(body)]).toEqual([200, [mark]]);
      });
      hit += stage.faulty.sendUnsolicited(round % 2 === 0 ? response : 'garbage\r\n\r\n');
      await stage.faulty.waitFor(({ connections }) => connections === 0);
    }
    clients.close();
    expect(hit).toBeGreaterThan(20);
    expect(stage.faulty.served).toBe(2_000);
  });

  it('F073 a second response behind the first is given to nobody', async () => {
    stage = await startStage({ below: 'none' });
    stage.faulty.behave(({ body }) => [
      json(200, chatReply({ id: `mine-${markIn(body)}` })),
      (x) => x.raw(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}`),
    ]);
    const clients = lanes(stage.routed.port);
    await inParallel([...Array(300).keys()], 8, async (n, lane) => {
      const { status, body } = await clients.ask(lane, chat({ user: `mark-${n};` }));
      expect([status, ids(body)]).toEqual([200, [String(n)]]);
    });
    clients.close();
  });
});

describe('F075 callers that leave', () => {
  it('F075 no byte of an abandoned call reaches another, and all sockets come back', async () => {
    stage = await startStage({ below: 'none', rules: { retries: 1 } });
    stage.faulty.behave(({ body }) => {
      const frames = chatStream({ id: `mine-${markIn(body)}`, text: 'a b c d e f g h' });
      return [streamHead(), ...frames.flatMap((frame) => [writeAll([frame]), flush()])];
    });
    let whole = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(fc.nat(1_800)), { minLength: 40, maxLength: 60 }), async (leaves) => {
        await inParallel(leaves, 16, async (leavesAfter, lane) => {
          const mark = String(whole * 100 + lane);
          const connection = await RawConnection.connect(stage.routed.port);
          connection.write(postBytes(CHAT, streamed({ user: `mark-${mark};` })));
          if (leavesAfter === null) {
            const { body, complete } = await connection.readResponse();
            expect([complete, ids(body)]).toEqual([true, [mark]]);
            whole++;
          } else await connection.until(({ received }) => received.length >= leavesAfter);
          expect(ids(connection.received).filter((id) => id !== mark)).toEqual([]);
          if (lane % 2 === 0) connection.reset();
          else connection.destroy();
        });
      }),
      { numRuns: 15 },
    );
    expect(whole).toBeGreaterThan(10);
    await stage.routed.nothingOpen(stage.faulty);
    await stage.faulty.waitFor(({ connections }) => connections <= 16);
  });
});

describe('F077 no second try of what has begun to answer', () => {
  it('F077 after first content one call is one attempt, with retries, other workers and same rungs at hand', async () => {
    stage = await startStage({ below: 'same', rules: { retries: 5 } });
    const cuts = fc.record({ events: fc.integer({ min: 2, max: 10 }), how: fc.constantFrom(reset, hangUp) });
    let calls = 0;
    await fc.assert(
      fc.asyncProperty(cuts, async ({ events, how }) => {
        always(stage.faulty, [streamHead(), writeAll(chatStream({ done: false }).slice(0, events)), how()]);
        const { status, headers, body } = await stage.routed.ask(streamed());
        expect([status, headers['x-spillway-attempts'], headers['x-spillway-rung']]).toEqual([200, '1', '1']);
        expect(strictJsonEvents(body).at(-1)).toMatchObject({ error: { code: 'upstream_error' } });
        expect([stage.faulty.served, stage.healthy.served]).toEqual([++calls, 0]);
      }),
      { numRuns: 60 },
    );
  });

  it('F077 a caller that the target refused is told so, and nobody else is asked', async () => {
    stage = await startStage({ below: 'same', rules: { retries: 5 } });
    always(stage.faulty, [
      json(400, { error: { message: 'bad', type: 'invalid_request_error', param: 'top_p', code: null } }),
    ]);
    const { status, headers, body } = await stage.routed.ask(chat());
    expect(status).toBe(400);
    expect(headers['x-should-retry']).toBe('false');
    expect(headers['retry-after']).toBeUndefined();
    expect(JSON.parse(body.toString()).error).toMatchObject({ code: 'refused_by_target', param: 'top_p' });
    expect([stage.faulty.served, stage.healthy.served]).toEqual([1, 0]);
  });
});

describe('F074 what comes after the end', () => {
  it('F074 a reply that comes after its timeout reaches nobody', async () => {
    stage = await startStage({ rules: { timeouts: SHORT } });
    const late = Promise.withResolvers<void>();
    stage.faulty.next(pauseUntil(late.promise), streamHead(), writeAll(chatStream({ id: 'mine-666' })));
    const connection = await RawConnection.connect(stage.routed.port);
    connection.write(postBytes(CHAT, streamed()));
    const { body, headers } = await connection.readResponse();
    late.resolve();
    expect(headers['x-spillway-degraded']).toBe('slow');
    expect(ids(body)).toEqual([]);
    connection.write(postBytes(CHAT, streamed()));
    expect(ids((await connection.readResponse()).body)).toEqual([]);
    connection.destroy();
  });
});

describe('F076 lies about usage', () => {
  const lies = {
    negative: { prompt_tokens: -5, completion_tokens: -1, total_tokens: -6 },
    absurd: { prompt_tokens: 1e300, completion_tokens: 'many', total_tokens: null },
    'more cached than sent': { prompt_tokens: 5, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 50 } },
  };
  it.each(Object.entries(lies))(
    'F076 %s: the reply goes on as it came, the log counts nothing below zero',
    async (_, usage) => {
      stage = await startStage({ below: 'none' });
      const reply = { ...chatReply({ model: 'another-model' }), usage };
      stage.faulty.next(json(200, reply));
      const buffered = await stage.routed.ask(chat());
      expect(buffered.body.toString()).toBe(JSON.stringify(reply));
      const frames = [
        ...chatStream({ done: false }),
        Buffer.from(`data: ${JSON.stringify({ choices: [], usage })}\n\n`),
      ];
      stage.faulty.next(streamHead(), writeAll(frames), event('[DONE]'));
      const { body } = await stage.routed.ask(streamed());
      expect(strictJsonEvents(body).at(-2)).toEqual({ choices: [], usage });
      const lines = stage.routed.log.of('call');
      expect(lines).toHaveLength(2);
      for (const { fields } of lines) {
        expect(fields['how']).toBe('complete');
        for (const name of ['uncachedTokens', 'cachedTokens', 'outputTokens']) {
          expect(fields[name]).toSatisfy((n: number) => Number.isFinite(n) && n >= 0);
        }
      }
    },
  );

  it('F076 honest usage is counted as it is', async () => {
    stage = await startStage({ below: 'none' });
    const usage = usageOf('openai', { prompt: 20, completion: 7, cached: 12 });
    stage.faulty.next(json(200, { ...chatReply(), usage }));
    await stage.routed.ask(chat());
    expect(stage.routed.log.of('call')[0]!.fields).toMatchObject({
      uncachedTokens: 8,
      cachedTokens: 12,
      outputTokens: 7,
    });
  });
});
