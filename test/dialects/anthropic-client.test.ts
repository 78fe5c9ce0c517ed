// What the official client makes of a stream that the judge let through, cut anywhere and split anywhere. For src/dialects.
import Anthropic, { APIError } from '@anthropic-ai/sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import { anthropicMessages as messages } from '../../src/dialects/anthropic-messages.ts';
import { EventFramer } from '../../src/wire/sse.ts';
import { toward } from '../fakes/call-parts.ts';
import { begin, close, end, frame, openText, openTool, ping, reason, text, whole } from './anthropic-events.ts';
import { bytesOf, textFrom } from './json-bodies.ts';
import { streamCall } from './judged.ts';

/** What goes on of a stream that ends cleanly after these chunks, with the failure it ends in. */
function passed(chunks: readonly Uint8Array[]) {
  const judge = toward(streamCall(messages), 'm').judge();
  const verdicts: number[] = [];
  const framer = new EventFramer((bytes, start, to) => {
    const verdict = judge.judge(bytes, start, to);
    verdicts.push(verdict);
    return verdict;
  }, 1024 * 1024);
  const out: Uint8Array[] = [];
  for (const chunk of chunks) framer.push(chunk, (run) => out.push(run.slice()));
  judge.tail(framer.tail());
  const { started, finished, done, usage, servedModel, skippedEvents } = judge;
  const cut = new RouterError('upstream_error', 'The target ended its stream before the reply was finished.');
  const fault = finished ? null : (judge.fault ?? cut);
  const bytes = Buffer.concat(fault === null ? out : [...out, judge.failure(fault, 'req_1')]);
  return { verdicts, bytes, fault, state: { started, finished, done, usage, servedModel, skippedEvents } };
}

/** A client whose network is these bytes. */
const clientOf = (bytes: Uint8Array) =>
  new Anthropic({
    apiKey: 'any',
    baseURL: 'http://127.0.0.1:9',
    maxRetries: 0,
    fetch: () =>
      Promise.resolve(
        new Response(new Uint8Array(bytes), {
          headers: { 'content-type': 'text/event-stream', 'request-id': 'req_1' },
        }),
      ),
  });

const ASK = { model: 'm', max_tokens: 64, messages: [{ role: 'user' as const, content: 'x' }] };
const wire = (events: readonly { readonly type: string }[]) => events.map((event) => bytesOf(frame(event)));

describe('the official client', () => {
  it('gets a whole message whole', async () => {
    const { bytes, fault } = passed(wire(whole));
    expect(fault).toBe(null);
    expect(textFrom(bytes)).toBe(whole.map(frame).join(''));
    const reply = await clientOf(bytes).messages.stream(ASK).finalMessage();
    expect(reply).toMatchObject({ stop_reason: 'end_turn', content: [{ type: 'text', text: 'Two words' }] });
  });

  it('F058 F059 throws the router’s error wherever a stream is cut, in both ways to read one', async () => {
    const frames = wire(whole);
    for (let count = 0; count < frames.length; count++) {
      const { bytes } = passed([...frames.slice(0, count), frames[count]!.subarray(0, 20)]);
      const thrown = expect.objectContaining({ type: 'api_error', errorCode: 'upstream_error', requestID: 'req_1' });
      await expect(clientOf(bytes).messages.stream(ASK).finalMessage(), `${count} events`).rejects.toEqual(thrown);
      const events: string[] = [];
      const read = async () => {
        for await (const event of await clientOf(bytes).messages.create({ ...ASK, stream: true }))
          events.push(event.type);
      };
      await expect(read(), `${count} events`).rejects.toBeInstanceOf(APIError);
      expect(events).toEqual(
        whole
          .slice(0, count)
          .map(({ type }) => type)
          .filter((type) => type !== 'ping'),
      );
    }
  });

  it('F059 without the router’s error, it takes a cut message for a good one, and its helper fails with another', async () => {
    const cut = whole
      .filter(({ type }) => type !== 'message_stop')
      .map(frame)
      .join('');
    const events: string[] = [];
    for await (const event of await clientOf(bytesOf(cut)).messages.create({ ...ASK, stream: true }))
      events.push(event.type);
    expect(events.at(-1)).toBe('message_delta');
    await expect(clientOf(bytesOf(cut)).messages.stream(ASK).finalMessage()).rejects.toThrow(
      /without producing a Message/,
    );
  });

  it('F060 throws the router’s error for a target’s, and none of the target’s words', async () => {
    const said = { type: 'error', error: { type: 'overloaded_error', message: 'sk-ant-upstream' } };
    const { bytes } = passed([...wire([begin(), openText(), text('H')]), ...wire([said])]);
    expect(textFrom(bytes)).not.toContain('sk-ant-upstream');
    await expect(clientOf(bytes).messages.stream(ASK).finalMessage()).rejects.toEqual(
      expect.objectContaining({ type: 'overloaded_error', errorCode: 'worker_full' }),
    );
  });
});

describe('bytes split anywhere', () => {
  const odd = fc.constantFrom(
    ...whole.map(frame),
    frame(openTool()),
    frame(begin()),
    frame(text('"}\n\ndata: {"type":"message_stop"}\u2028ü👋')),
    ': ping\n\n',
    'data: {"type":"content_bl\n\n',
    'data: [DONE]\n\n',
    'event: error\ndata: {"type":"error","error":{"type":"rate_limit_error"}}\n\n',
    'data: {"type":"content_block_delta",\r\ndata: "delta":{"text":"x"}}\r\n\r\n',
    '{"type":"error","error":{"type":"billing_error"}}\n\n',
    'event: later\rdata: {"type":"later"}\r\r',
  );
  const valid = fc.constant([begin(), openText(), text('H'), ping, close(), reason(), end].map(frame));
  const streams = fc.oneof(fc.array(odd, { maxLength: 12 }), valid).map((frames) => bytesOf(frames.join('')));

  it('F065 any chunking gives the same verdicts, the same bytes and the same end', () => {
    fc.assert(
      fc.property(streams, fc.array(fc.nat(600), { maxLength: 40 }), (bytes, cuts) => {
        const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((to, i) => bytes.slice(at[i], to));
        expect(passed(chunks)).toEqual(passed([bytes]));
      }),
      { numRuns: 1000 },
    );
  });

  it('F065 one byte at a time too', () => {
    fc.assert(
      fc.property(streams, (bytes) => {
        expect(passed([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(passed([bytes]));
      }),
      { numRuns: 200 },
    );
  });
});
