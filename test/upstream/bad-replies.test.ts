// Shows that a 200 which is no reply is taken for the failure it is: bodies of another kind, broken framing, encodings
// that nobody asked for, errors inside streams. Another rung answers where nothing was sent yet.

import { afterEach, describe, expect, it } from 'vitest';
import { chatStream } from '../fakes/chat-fixtures.ts';
import { eventuallyHolds } from '../fakes/eventually.ts';
import * as faults from '../fakes/fault-replies.ts';
import {
  comment,
  event,
  flush,
  pauseUntil,
  reset,
  type Script,
  streamHead,
  writeAll,
} from '../fakes/fault-upstream.ts';
import { always, isCutShort, isFromBelow, isRefusal, type Stage, startStage } from './faults.ts';
import { chat, type Routed, streamed } from './routed.ts';

let stage: Stage;
afterEach(() => stage.close());

const secrets = /nginx|engine has died|billing details|Rate limit reached/;
/** Every fault, once with a rung below and once without, streamed and buffered. */
async function eachAnswers(scripts: Record<string, Script>, asks: readonly object[], degraded: string) {
  for (const [name, script] of Object.entries(scripts)) {
    always(stage.faulty, script);
    for (const ask of asks) {
      const response = await stage.routed.ask(ask).catch((error) => Promise.reject(new Error(`${name}: ${error}`)));
      try {
        isFromBelow(response, degraded);
        expect(response.body.toString()).not.toMatch(secrets);
      } catch (error) {
        throw new Error(`${name}: ${error}`, { cause: error });
      }
    }
  }
}
async function eachRefused(scripts: Record<string, Script>, asks: readonly object[], status: number, code: string) {
  for (const [name, script] of Object.entries(scripts)) {
    always(stage.faulty, script);
    for (const ask of asks) {
      const response = await stage.routed.ask(ask).catch((error) => Promise.reject(new Error(`${name}: ${error}`)));
      try {
        expect(isRefusal(response, status, code).body.toString()).not.toMatch(secrets);
      } catch (error) {
        throw new Error(`${name}: ${error}`, { cause: error });
      }
    }
  }
}
const both = [chat(), streamed()];

describe('F057 a 200 that is no reply', () => {
  it('F057 the next rung answers, streamed and buffered', async () => {
    stage = await startStage();
    await eachAnswers(faults.badBodies, both, 'failing');
  });

  it('F057 without another rung: 502, the body is not echoed', async () => {
    stage = await startStage({ below: 'none' });
    await eachRefused(faults.badBodies, both, 502, 'upstream_error');
  });

  it('F057 counts against the worker: five in a row open its breaker', async () => {
    stage = await startStage({ shape: { copies: 1 } });
    always(stage.faulty, faults.badBodies['html page']);
    for (let n = 0; n < 5; n++) await stage.routed.ask(chat());
    expect(stage.routed.status().pools[0]!.workers[0]).toMatchObject({ breaker: 'open' });
    isFromBelow(await stage.routed.ask(chat()), 'failing', '1');
    expect(stage.faulty.served).toBe(5);
  });
});

describe('F067 framing that lies, encodings that nobody asked for', () => {
  it('F067 a reply that breaks HTTP costs the connection, and the next rung answers', async () => {
    stage = await startStage();
    await eachAnswers(faults.brokenFraming, [chat()], 'failing');
    await eachAnswers({ chunks: faults.brokenFraming['chunk size that is no number'] }, [streamed()], 'failing');
    await stage.faulty.waitFor(({ connections }) => connections === 0);
  });

  it('F067 identity is asked for, and bombs are not unpacked', async () => {
    stage = await startStage();
    const bombs = faults.bombs(64);
    await eachAnswers({ ...bombs, ...faults.encodedReplies }, [chat()], 'failing');
    for (const { headers } of stage.faulty.requests) expect(headers['accept-encoding']).toBe('identity');
    await eachAnswers({ gzip: [...faults.encodedReplies.gzip] }, [streamed()], 'failing');
    await stage.close();
    stage = await startStage({ below: 'none' });
    always(stage.faulty, faults.encodedReplies.gzip);
    const { body } = isRefusal(await stage.routed.ask(chat()), 502, 'upstream_error');
    expect(body.toString()).toContain('compressed its reply');
    await stage.faulty.waitFor(({ requests }) =>
      requests.every((r) => r.finished || r.abortedByRouterAtMs !== undefined),
    );
  });
});

describe('F060 an error inside a 200 stream', () => {
  it('F060 before first content it fails over', async () => {
    stage = await startStage();
    await eachAnswers(faults.inBandErrors(0), [streamed()], 'failing');
    await eachAnswers(faults.inBandErrors(1), [streamed()], 'failing');
  });

  it('F060 before first content and without another rung it is a normal status', async () => {
    stage = await startStage({ below: 'none' });
    await eachRefused(faults.inBandErrors(1), [streamed()], 502, 'upstream_error');
  });

  it('F060 after it the events sent stay whole and one error of the router ends the stream', async () => {
    stage = await startStage();
    for (const [name, script] of Object.entries(faults.inBandErrors(3))) {
      always(stage.faulty, script);
      const response = await stage.routed.ask(streamed());
      expect(response.body.toString(), name).not.toMatch(secrets);
      isCutShort(response, chatStream().slice(0, 3), 'upstream_error');
    }
    expect(stage.healthy.served).toBe(0);
  });

  it('F060 counts against the worker', async () => {
    stage = await startStage({ below: 'none', shape: { copies: 1 } });
    always(stage.faulty, faults.inBandErrors(3)['error object']);
    for (let n = 0; n < 5; n++) await stage.routed.ask(streamed());
    expect(stage.routed.status().pools[0]!.workers[0]).toMatchObject({ breaker: 'open' });
  });
});

describe('F061 F062 the first content is the boundary', () => {
  it('F061 start-up frames are held back, and a refusal behind them moves the call on', async () => {
    stage = await startStage();
    await eachAnswers(faults.refusalsAfterStart(faults.rateError), [streamed()], 'saturated');
    await eachAnswers(faults.refusalsAfterStart(faults.quotaError), [streamed()], 'failing');
  });

  it('F061 no more than 32 start-up frames or 64 KiB are held', async () => {
    stage = await startStage();
    const frames = chatStream();
    const waits = Promise.withResolvers<void>();
    const floods: Record<string, Script> = {
      count: [streamHead(), ...Array.from({ length: 33 }, () => comment('wait')), pauseUntil(waits.promise)],
      bytes: [streamHead(), comment('x'.repeat(70 * 1024)), pauseUntil(waits.promise)],
    };
    const open: Awaited<ReturnType<Routed['open']>>[] = [];
    for (const flood of Object.values(floods)) {
      stage.faulty.next(...flood, writeAll(frames));
      const connection = await stage.routed.open(streamed());
      expect(await connection.readHead()).toMatchObject({ headers: { 'x-spillway-rung': '1' } });
      open.push(connection);
    }
    waits.resolve();
    for (const connection of open) {
      const { body } = await connection.readResponse();
      expect(body.includes(Buffer.concat(frames))).toBe(true);
      connection.destroy();
    }
    expect(stage.healthy.served).toBe(0);
  });

  it('F062 nothing goes to the caller before first content, so a late refusal still moves the call on', async () => {
    stage = await startStage();
    const waits = Promise.withResolvers<void>();
    const refusal = event({ error: faults.rateError });
    stage.faulty.next(streamHead(), writeAll(chatStream().slice(0, 1)), flush(), pauseUntil(waits.promise), refusal);
    const connection = await stage.routed.open(streamed());
    await stage.faulty.waitFor(({ requests }) => (requests[0]?.bytesSent ?? 0) > 200);
    await eventuallyHolds(() => expect(stage.routed.running.router.open).toBe(1));
    expect(connection.received).toHaveLength(0);
    waits.resolve();
    isFromBelow(await connection.readResponse(), 'saturated');
    connection.destroy();
  });
});

describe('F063 one bad line', () => {
  it('F063 is skipped: the events around it arrive as they came', async () => {
    stage = await startStage();
    const frames = chatStream();
    const bad = ['data: {"id": "half\n\n', 'data: nonsense\n\n', 'data: [1,2]\n\n'].map((text) => Buffer.from(text));
    always(stage.faulty, [streamHead(), writeAll([...frames.slice(0, 3), ...bad, ...frames.slice(3)])]);
    const response = await stage.routed.ask(streamed());
    expect(response).toMatchObject({ status: 200, complete: true });
    expect(response.body.toString()).toBe(Buffer.concat(frames).toString());
  });

  it('F063 before first content it hides nothing either: a cut behind it fails over', async () => {
    stage = await startStage({ below: 'same' });
    always(stage.faulty, [streamHead(), event('{"broken'), reset()]);
    isFromBelow(await stage.routed.ask(streamed()), undefined);
  });
});
