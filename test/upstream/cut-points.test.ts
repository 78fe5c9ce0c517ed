// Shows that a reply cut at any byte is never taken for a whole one: before first content another rung answers, after it
// the stream ends in an error, after the finish reason it is a success without an invented [DONE].

import { afterEach, describe, expect, it, vi } from 'vitest';
import { chatReply } from '../fakes/chat-fixtures.ts';
import {
  cutAfter,
  type FaultUpstream,
  raw,
  startFaultUpstream,
  status,
  streamHead,
  write,
} from '../fakes/fault-upstream.ts';
import { type RawResponse, strictEvents } from '../fakes/raw-client.ts';
import { CHAT, chat, inParallel, lanes, type PoolShape, type Routed, startRouted, streamed } from './routed.ts';
import { chatFrames, completionFrames, type Frames, wireOf } from './wire-streams.ts';

// Seconds on a quiet machine; thousands of connections may take longer on a busy one.
vi.setConfig({ testTimeout: 90_000 });

const HOW = ['rst', 'fin', 'end'] as const;
type How = (typeof HOW)[number];
interface Cut {
  readonly at: number;
  readonly how: How;
}

let upstreams: FaultUpstream[] = [];
let routed: Routed | undefined;
afterEach(async () => {
  await routed?.closeClean(...upstreams);
  routed = undefined;
  for (const upstream of upstreams) await upstream.close();
  upstreams = [];
});

/** The call says where its reply is cut, so that many run at once. */
const order = (cut: Cut) => `cut ${cut.at} ${cut.how};`;
const orderIn = (body: Buffer): Cut => {
  const found = /cut (\d+) (rst|fin|end);/.exec(body.toString())!;
  return { at: Number(found[1]), how: found[2] as How };
};

async function start(
  script: (cut: Cut) => readonly ReturnType<typeof raw>[],
  below: readonly Omit<PoolShape, 'urls'>[],
) {
  const cutting = await startFaultUpstream();
  cutting.behave(({ body }) => script(orderIn(body)));
  const healthy = await startFaultUpstream();
  upstreams = [cutting, healthy];
  const lower = below.map((shape) => ({ urls: [healthy.url], ...shape }));
  routed = await startRouted([{ urls: [cutting.url], copies: 1000 }, ...lower], { retries: 0 });
  return { routed, cutting, healthy };
}

/** Every cut of a response: RST and FIN at each byte of head, framing and body, a clean end at each byte of the body. */
function cutsOf(wire: Buffer, body: Buffer): Cut[] {
  const cuts: Cut[] = [];
  for (let at = 0; at <= wire.length; at++) cuts.push({ at, how: 'rst' }, { at, how: 'fin' });
  for (let at = 0; at <= body.length; at++) cuts.push({ at, how: 'end' });
  return cuts;
}

async function runAll(cuts: readonly Cut[], width: number, one: (cut: Cut, lane: number) => Promise<void>) {
  await inParallel(cuts, width, async (cut, lane) => {
    try {
      await one(cut, lane);
    } catch (error) {
      throw new Error(`${cut.how} after ${cut.at} bytes: ${String(error)}`, { cause: error });
    }
  });
}

describe('F058 F059 a stream cut at any byte', () => {
  const families: [string, string, Frames, object][] = [
    ['chat', CHAT, chatFrames(), streamed()],
    ['completions', '/v1/completions', completionFrames(), { model: 'asked', prompt: 'Hi', stream: true }],
  ];
  for (const [family, path, frames, ask] of families) {
    const { wire, body, bodyBytesAt } = wireOf(frames.events);
    const wholeAt = ({ at, how }: Cut) => frames.wholeIn(how === 'end' ? at : bodyBytesAt(at));
    const script = ({ at, how }: Cut) =>
      how === 'end' ? [streamHead(), write(body.subarray(0, at))] : [cutAfter(at, how), raw(wire)];
    const asked = (cut: Cut) => ({ ...ask, user: order(cut) });

    it(`F058 F059 of ${family}: after first content whole events and an in-band error, after the finish reason a success`, async () => {
      const { routed, healthy } = await start(script, [{ same: true }]);
      const cuts = cutsOf(wire, body).filter((cut) => wholeAt(cut) > frames.firstContent);
      expect(cuts.length).toBeGreaterThan(1_000);
      const clients = lanes(routed.port);
      await runAll(cuts, 64, async (cut, lane) => {
        const whole = wholeAt(cut);
        const response = await clients.ask(lane, asked(cut), path);
        const sent = Buffer.concat(frames.events.slice(0, whole).filter((_, at) => frames.shown(at)));
        expect(response).toMatchObject({ status: 200, complete: true });
        expect(told(response)).toEqual({ rung: '1', attempts: '1', degraded: undefined });
        if (whole > frames.finish) expect(response.body.equals(sent)).toBe(true);
        else endsInError(response, sent);
      });
      clients.close();
      expect(healthy.served).toBe(0);
    });

    for (const same of family === 'chat' ? [true, false] : [true]) {
      const name = same ? 'same' : 'substitute';
      it(`F058 F059 F063 of ${family}: before first content the next rung (${name}) answers, and the reply says so`, async () => {
        const { routed, healthy } = await start(script, [{ same }]);
        const cuts = cutsOf(wire, body).filter((cut) => wholeAt(cut) <= frames.firstContent);
        const clients = lanes(routed.port);
        await runAll(cuts, 64, async (cut, lane) => {
          const response = await clients.ask(lane, { ...chat({ stream: true }), user: order(cut) });
          expect(response).toMatchObject({ status: 200, complete: true });
          expect(told(response)).toEqual({ rung: '2', attempts: '2', degraded: same ? undefined : 'failing' });
          expect(strictEvents(response.body).at(-1)!.data).toBe('[DONE]');
          expect(response.body.includes('chatcmpl-7c6d1f0b2a9e4d53')).toBe(true);
          expect(response.body.includes(frames.mark)).toBe(false);
        });
        clients.close();
        expect(healthy.served).toBe(cuts.length);
      });
    }
  }

  it('F058 F059 before first content and without another rung: one 502 with a time to come back', async () => {
    const frames = chatFrames();
    const { wire, body, bodyBytesAt } = wireOf(frames.events);
    const { routed } = await start(
      ({ at, how }) => (how === 'end' ? [streamHead(), write(body.subarray(0, at))] : [cutAfter(at, how), raw(wire)]),
      [],
    );
    const until = frames.events[0]!.length + 8;
    const cuts = cutsOf(wire, body).filter(({ at, how }) => (how === 'end' ? at : bodyBytesAt(at)) <= until);
    const clients = lanes(routed.port);
    await runAll(cuts, 64, async (cut, lane) => isBadGateway(await clients.ask(lane, streamed({ user: order(cut) }))));
    clients.close();
  });
});

describe('F057 F067 a buffered reply cut at any byte', () => {
  const text = Buffer.from(JSON.stringify(chatReply({ text: 'Grüße, 世界 🌍' })));
  const head = (framing: string) => `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${framing}\r\n\r\n`;
  const framings = {
    'by length': Buffer.concat([Buffer.from(head(`content-length: ${text.length}`)), text]),
    'in chunks': Buffer.from(
      `${head('transfer-encoding: chunked')}${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`,
    ),
  };
  for (const [name, wire] of Object.entries(framings)) {
    const script = ({ at, how }: Cut) =>
      how === 'end'
        ? [status(200, { 'content-type': 'application/json' }), write(text.subarray(0, at))]
        : [cutAfter(at, how), raw(wire)];
    const isCut = ({ at, how }: Cut) => at < (how === 'end' ? text.length : wire.length);

    it(`F057 F067 framed ${name}: the next rung answers`, async () => {
      const { routed, healthy } = await start(script, [{}]);
      const ends = name === 'in chunks' ? text : Buffer.alloc(0);
      const cuts = cutsOf(wire, ends);
      const clients = lanes(routed.port);
      await runAll(cuts, 64, async (cut, lane) => {
        const response = await clients.ask(lane, chat({ user: order(cut) }));
        expect(response).toMatchObject({ status: 200, complete: true });
        expect(JSON.parse(response.body.toString())).toEqual(isCut(cut) ? chatReply() : JSON.parse(text.toString()));
        expect(told(response)).toEqual(
          isCut(cut)
            ? { rung: '2', attempts: '2', degraded: 'failing' }
            : { rung: '1', attempts: '1', degraded: undefined },
        );
      });
      clients.close();
      expect(healthy.served).toBe(cuts.filter(isCut).length);
    });
  }

  it('F057 F067 without another rung: one 502 in JSON, never the half reply', async () => {
    const wire = framings['by length'];
    const { routed } = await start(({ at, how }) => [cutAfter(at, how === 'rst' ? 'rst' : 'fin'), raw(wire)], []);
    const cuts = Array.from({ length: wire.length }, (_, at): Cut => ({ at, how: at % 2 === 0 ? 'rst' : 'fin' }));
    const clients = lanes(routed.port);
    await runAll(cuts, 64, async (cut, lane) => isBadGateway(await clients.ask(lane, chat({ user: order(cut) }))));
    clients.close();
  });
});

const told = ({ headers }: RawResponse) => ({
  rung: headers['x-spillway-rung'],
  attempts: headers['x-spillway-attempts'],
  degraded: headers['x-spillway-degraded'],
});

/** The whole events that came, then one error event, no [DONE], no half event. */
function endsInError(response: RawResponse, sent: Buffer) {
  expect(response.body.subarray(0, sent.length).equals(sent)).toBe(true);
  const rest = strictEvents(response.body.subarray(sent.length));
  expect(rest).toHaveLength(1);
  const said = JSON.parse(rest[0]!.data);
  expect(said).toMatchObject({ error: { type: 'api_error', code: 'upstream_error' } });
  expect(said.request_id).toBe(response.headers['x-request-id']);
}

function isBadGateway(response: RawResponse) {
  expect(response).toMatchObject({ status: 502, complete: true });
  expect(response.headers['content-type']).toBe('application/json');
  expect(Number(response.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  expect(JSON.parse(response.body.toString()).error).toMatchObject({ type: 'api_error', code: 'upstream_error' });
}
