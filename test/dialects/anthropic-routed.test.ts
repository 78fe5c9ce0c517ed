// The Messages API through the whole router, by the official client and by raw bytes. For Anthropic's dialects.
import Anthropic, { APIError } from '@anthropic-ai/sdk';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventuallyHolds } from '../fakes/eventually.ts';
import {
  type FaultUpstream,
  hang,
  hangUp,
  json,
  startFaultUpstream,
  streamHead,
  write,
} from '../fakes/fault-upstream.ts';
import { postBytes, RawConnection, rawRequest } from '../fakes/raw-client.ts';
import { startTestRouter, type TestRouter } from '../fakes/running-router.ts';
import { strictEvents } from '../fakes/strict-events.ts';
import { frame, message, text, whole } from './anthropic-events.ts';
import { twoTargets } from './two-targets.ts';

const PATH = '/v1/messages?beta=true';
const ASK = { model: 'asked', max_tokens: 64, messages: [{ role: 'user' as const, content: 'Hi' }] };
const WIRE = whole.map(frame).join('');
const FIRST_CONTENT = whole.findIndex(({ type }) => type === 'content_block_delta');
let first: FaultUpstream;
let second: FaultUpstream;
let router: TestRouter;
let client: Anthropic;

const stream = (events: readonly { readonly type: string }[] = whole) => [
  streamHead(),
  write(events.map(frame).join('')),
];
const ask = (more: object = {}, headers: Record<string, string> = {}) =>
  rawRequest(router.port, postBytes(PATH, { ...ASK, stream: true, ...more }, headers));

beforeAll(async () => {
  first = await startFaultUpstream();
  second = await startFaultUpstream();
  second.behave(() => stream());
  const speaks = ['anthropic-messages', 'anthropic-count-tokens'];
  router = await startTestRouter({ policy: twoTargets(speaks, first.url, second.url) });
  client = new Anthropic({ baseURL: `http://127.0.0.1:${router.port}`, apiKey: 'any', maxRetries: 0 });
});
afterAll(async () => {
  await router.close();
  for (const upstream of [first, second]) await upstream.close();
});
afterEach(async () => {
  await eventuallyHolds(() => expect(router.running.router.status().openCalls).toBe(0));
  expect(router.log.of('fault')).toEqual([]);
});

describe('a target that speaks it', () => {
  it('F039 gets the body as it is but for the model, query, version and flags, and no key of the caller’s', async () => {
    first.next(...stream());
    const headers = { 'anthropic-version': '2026-10-21', 'anthropic-beta': 'one,two', 'x-api-key': 'sk-mine' };
    const response = await ask({ later: { field: [1] } }, headers);
    expect(response.body.toString()).toBe(WIRE);
    expect(response.headers).toMatchObject({
      'x-spillway-served': 'first/served',
      'request-id': response.headers['x-request-id'],
    });
    const got = first.requests.at(-1)!;
    expect(got.path).toBe(PATH);
    expect(got.body.toString()).toBe(JSON.stringify({ ...ASK, model: 'served', stream: true, later: { field: [1] } }));
    expect(got.headers).toMatchObject({ 'anthropic-version': '2026-10-21', 'anthropic-beta': 'one,two' });
    expect(got.headers).not.toHaveProperty('x-api-key');
    expect(got.headers).not.toHaveProperty('authorization');
  });

  it('answers the official client, streamed, whole and with a count', async () => {
    first.next(...stream());
    const final = await client.messages.stream(ASK).finalMessage();
    expect(final).toMatchObject({ stop_reason: 'end_turn', content: [{ type: 'text', text: 'Two words' }] });
    first.next(json(200, message({ stop_reason: 'end_turn' })));
    const { data, response, request_id } = await client.messages.create(ASK).withResponse();
    expect(data).toMatchObject({ id: 'msg_1', model: 'served-model-2026' });
    expect(request_id).toBe(response.headers.get('x-request-id'));
    first.next(json(200, { input_tokens: 2095 }));
    const { max_tokens: _, ...counting } = ASK;
    expect(await client.messages.countTokens(counting)).toEqual({ input_tokens: 2095 });
    expect(first.requests.at(-1)!.path).toBe('/v1/messages/count_tokens');
  });

  it('is passed over where it speaks another dialect, and the error says so', async () => {
    const thrown: unknown = await client.messages.create({ ...ASK, model: 'chat' }).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(Anthropic.BadRequestError);
    expect(thrown).toMatchObject({
      errorCode: 'no_eligible_target',
      apiMessage: expect.stringContaining('anthropic-messages'),
    });
  });
});

describe('a target that fails', () => {
  it('F058 F059 a stream goes on elsewhere before content, and ends in an error event after it', async () => {
    for (let kept = 0; kept < whole.length; kept++) {
      for (const end of [[], [hangUp()]]) {
        first.next(...stream(whole.slice(0, kept)), ...end);
        const response = await ask();
        if (kept <= FIRST_CONTENT) {
          expect(response.headers['x-spillway-served']).toBe('second/served');
          expect(response.body.toString()).toBe(WIRE);
          continue;
        }
        const events = strictEvents(response.body);
        expect(events.slice(0, -1).map(({ event }) => event)).toEqual(whole.slice(0, kept).map(({ type }) => type));
        expect(events.at(-1)!.event).toBe('error');
        expect(JSON.parse(events.at(-1)!.data)).toMatchObject({
          type: 'error',
          error: { type: 'api_error', details: { error_code: 'upstream_error' } },
          request_id: response.headers['request-id'],
        });
      }
    }
  });

  it('F061 F062 a refusal inside a 200 before content is answered by the next rung', async () => {
    for (const type of ['overloaded_error', 'rate_limit_error', 'api_error', 'billing_error']) {
      first.next(
        ...stream([
          ...whole.slice(0, FIRST_CONTENT),
          { type: 'error', error: { type, message: 'sk-secret' } } as never,
        ]),
      );
      const response = await ask();
      expect(response.headers['x-spillway-served'], type).toBe('second/served');
      expect(response.body.toString()).toBe(WIRE);
    }
  });

  it('F060 F068 with no other rung it is a status and a type that the official client knows', async () => {
    const overloaded = { type: 'error', error: { type: 'overloaded_error', message: 'sk-secret' } };
    const headers = { 'x-spillway-max-wait': '0' };
    for (const script of [[json(529, overloaded)], [json(200, overloaded)], stream([whole[0]!, overloaded])]) {
      first.next(...script);
      const asking =
        script.length > 1
          ? client.messages.stream({ ...ASK, model: 'alone' }, { headers }).finalMessage()
          : client.messages.create({ ...ASK, model: 'alone' }, { headers });
      const thrown = (await asking.catch((error: unknown) => error)) as APIError;
      expect(thrown).toBeInstanceOf(APIError);
      expect([429, 529]).toContain(thrown.status);
      expect(['rate_limit_error', 'overloaded_error']).toContain(thrown.type);
      expect(thrown.headers!.get('retry-after')).toMatch(/^\d{1,2}$/);
      expect(thrown.message).not.toContain('sk-secret');
    }
  });
});

describe('the end of a stream', () => {
  it('F078 a client that leaves at message_stop has a whole reply', async () => {
    first.next(...stream(), hang());
    const connection = await RawConnection.connect(router.port);
    connection.write(postBytes(PATH, { ...ASK, stream: true }));
    await connection.until(({ body }) => body.includes('event: message_stop'));
    connection.destroy();
    await eventuallyHolds(() => expect(router.running.router.status().openCalls).toBe(0));
    const { fields } = router.log.of('call').at(-1)!;
    expect(fields).toMatchObject({ how: 'complete', served: 'first/served', cachedTokens: 300, outputTokens: 7 });
  });

  it('what a server sends behind it is no part of the reply', async () => {
    first.next(...stream([...whole, text('more')]));
    expect((await ask()).body.toString()).toBe(WIRE);
  });
});
