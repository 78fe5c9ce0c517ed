// Shows that on every surface each way out of a call settles it once: one line in the log with how it ended and the tokens
// that were told by then, the target's call ended with the caller's, and nothing held.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, eventuallyHolds } from '../fakes/eventually.ts';
import { hang, hangUp, pauseUntil, type Script, status, streamHead, write, writeAll } from '../fakes/fault-upstream.ts';
import type { RawConnection } from '../fakes/raw-client.ts';
import { endsInBand } from './refusals.ts';
import { good, lineOf, type SurfaceStage, startSurfaces } from './stage.ts';
import { bodyOf, CALLS, type Call, NO_TOKENS, STREAMED, type Tokens, tokensBegun } from './surfaces.ts';

let stage: SurfaceStage;
let narrow: SurfaceStage;
beforeAll(async () => {
  stage = await startSurfaces();
  narrow = await startSurfaces({ copies: 1, slots: 1 });
});
afterAll(async () => {
  await stage.close();
  await narrow.close();
});

const alone = ({ surface }: Call) => `${surface.group}-alone`;
const isStreamed = ({ frames }: Call) => frames !== null;

/** A call whose reply goes as far as `script` and then waits for the caller; `until` is what the caller sees before it leaves. */
async function leaves(call: Call, script: Script, until: (connection: RawConnection) => Promise<unknown>) {
  const { served } = stage.first;
  stage.first.next(...script);
  const connection = await stage.routed.open(bodyOf(call, alone(call)), call.surface.path);
  await stage.first.waitFor((one) => one.served > served);
  const request = stage.first.requests.at(-1)!;
  await until(connection);
  connection.destroy();
  const line = await lineOf(stage.routed, request.headers['x-request-id']!);
  await nothingHeld();
  return { line, request };
}

const nothingHeld = () =>
  eventuallyHolds(() => {
    const { openCalls, pools } = stage.routed.status();
    expect([openCalls, ...pools.map(({ inFlight, waiting }) => inFlight + waiting)]).toEqual([
      0,
      ...pools.map(() => 0),
    ]);
    for (const { workers } of pools) for (const { breaker } of workers) expect(breaker).toBe('closed');
  });

/** The caller's leaving ended the target's call, and the line says so. */
function isGone({ line, request }: Awaited<ReturnType<typeof leaves>>, tokens: Tokens) {
  expect(request.finished).toBe(false);
  expect(request.abortedByRouterAtMs).toBeDefined();
  expect(line).toMatchObject({ how: 'client_gone', ...tokens });
}

describe.each(CALLS)('$name', (call) => {
  const { surface } = call;

  it('F133 F134 a whole reply is metered', async () => {
    stage.first.next(...good(call, 'first'));
    const response = await stage.ask(call);
    const line = await stage.line(response);
    expect(line).toMatchObject({
      how: 'complete',
      dialect: surface.dialect,
      asked: surface.group,
      rung: 1,
      attempts: 1,
    });
    expect(line).toMatchObject({ stream: isStreamed(call), bytes: response.body.length, ...surface.tokens });
  });

  it('F078 a caller that leaves while nothing has come aborts the target’s call', async () => {
    isGone(await leaves(call, [hang()], async () => {}), NO_TOKENS);
  });

  it('F078 a caller that leaves in the middle aborts it, and what was told of tokens is metered', async () => {
    if (call.frames === null) {
      const { sent, headers } = surface.reply('first');
      const head = { 'content-type': 'application/json', 'content-length': `${sent.length}`, ...headers };
      const half = [status(200, head), write(sent.subarray(0, sent.length >> 1)), hang()];
      // Nothing of a reply goes out before it is whole, so only the target knows that half of it is there.
      const halfSent = () => stage.first.waitFor(({ requests }) => requests.at(-1)!.bytesSent > sent.length >> 1);
      return isGone(await leaves(call, half, halfSent), NO_TOKENS);
    }
    const { events, firstContent } = call.frames('first');
    const some = [streamHead(), writeAll(events.slice(0, firstContent + 1)), hang()];
    const begun = events[firstContent]!.toString().trimEnd();
    const left = await leaves(call, some, (connection) => connection.until(({ body }) => body.includes(begun)));
    isGone(left, tokensBegun(surface));
    expect(left.line).toMatchObject({ bytes: Buffer.concat(events.slice(0, firstContent + 1)).length, rung: 1 });
  });

  it('F078 a caller that leaves in line is never sent to the target', async () => {
    const slot = () => narrow.routed.status().pools.find(({ name }) => name === `${surface.group}-1`)!;
    const { served } = narrow.first;
    narrow.first.next(hang());
    const holder = await narrow.routed.open(bodyOf(call, alone(call)), surface.path);
    await eventually(() => slot().inFlight === 1);
    const lines = () => narrow.routed.log.of('call').length;
    const before = lines();
    const waiting = await narrow.routed.open(bodyOf(call, alone(call)), surface.path);
    await eventually(() => slot().waiting === 1);
    waiting.destroy();
    await eventually(() => lines() > before);
    expect(narrow.routed.log.of('call').at(-1)!.fields).toMatchObject({ how: 'client_gone', bytes: 0, ...NO_TOKENS });
    expect(slot()).toMatchObject({ inFlight: 1, waiting: 0 });
    holder.destroy();
    await eventually(() => slot().inFlight === 0);
    expect(narrow.first.served - served).toBe(1);
  });
});

describe.each(STREAMED)('$name', (call) => {
  const { surface } = call;
  const frames = call.frames('first');
  const { events, firstContent, finish } = frames;
  const text = (at: number) => events[at]!.toString().trimEnd();

  it('F078 a caller that leaves before first content aborts it, and what was told of tokens is metered', async () => {
    const script = [streamHead(), writeAll(events.slice(0, firstContent)), hang()];
    const bytes = Buffer.concat(events.slice(0, firstContent)).length;
    // Held back, so only the target knows; a turn of the loop later the router has read it.
    const heldBack = async () => {
      await stage.first.waitFor(({ requests }) => requests.at(-1)!.bytesSent > bytes);
      await eventually(() => stage.routed.running.router.open === 1);
      for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
    };
    isGone(await leaves(call, script, heldBack), tokensBegun(surface));
  });

  it('F078 a caller that leaves behind the terminal event has a whole reply, and its usage is metered', async () => {
    const seen = Promise.withResolvers<void>();
    const script = [
      streamHead(),
      writeAll(events.slice(0, finish + 1)),
      pauseUntil(seen.promise),
      writeAll(events.slice(finish + 1)),
    ];
    // Rest of the stream comes when the caller is gone.
    const untilEnd = (connection: RawConnection) => connection.until(({ body }) => body.includes(text(finish)));
    const { served } = stage.first;
    stage.first.next(...script);
    const connection = await stage.routed.open(bodyOf(call, alone(call)), surface.path);
    await untilEnd(connection);
    connection.destroy();
    await eventually(async () => (await stage.routed.running.connections()) === 0);
    seen.resolve();
    const request = stage.first.requests.at(-1)!;
    const line = await lineOf(stage.routed, request.headers['x-request-id']!);
    expect(line).toMatchObject({ how: 'complete', ...surface.tokens });
    await stage.first.waitFor(() => request.finished);
    expect(stage.first.served - served).toBe(1);
    await nothingHeld();
  });

  it('F058 a stream that breaks off is failed, and what was told of tokens is metered', async () => {
    for (const end of [[], [hangUp()]]) {
      stage.first.next(streamHead(), writeAll(events.slice(0, firstContent + 1)), ...end);
      const response = await stage.ask(call);
      endsInBand(surface, response, frames, firstContent + 1);
      const sent = Buffer.concat(events.slice(0, firstContent + 1));
      const failed = { how: 'failed', code: 'upstream_error', rung: 1, bytes: sent.length, ...tokensBegun(surface) };
      expect(await stage.line(response)).toMatchObject(failed);
    }
  });

  it('F099 a router that is stopped ends the stream in the dialect’s own words', async () => {
    const stopping = await startSurfaces({ copies: 1 });
    stopping.first.next(streamHead(), writeAll(events.slice(0, firstContent + 1)), hang());
    const connection = await stopping.routed.open(bodyOf(call, alone(call)), surface.path);
    await connection.until(({ body }) => body.includes(text(firstContent)));
    stopping.routed.running.router.interrupt();
    const response = await connection.readResponse();
    endsInBand(surface, response, frames, firstContent + 1, 'draining');
    expect(await stopping.line(response)).toMatchObject({ how: 'failed', code: 'draining', ...tokensBegun(surface) });
    connection.destroy();
    await stopping.close();
  });
});
