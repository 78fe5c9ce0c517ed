// The Responses API through the whole router, by the official SDK and by raw bytes. For src/dialects/openai-responses.
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventuallyHolds } from '../fakes/eventually.ts';
import {
  type FaultUpstream,
  hang,
  hangUp,
  json,
  pauseUntil,
  startFaultUpstream,
  streamHead,
  write,
} from '../fakes/fault-upstream.ts';
import { postBytes, RawConnection, rawRequest, strictJsonEvents } from '../fakes/raw-client.ts';
import { startTestRouter, type TestRouter } from '../fakes/running-router.ts';
import { begun, completed, created, opening, schemaFaults, wholeStream, wireText } from './openai-responses-events.ts';
import { twoTargets } from './two-targets.ts';

const PATH = '/v1/responses';
const CONTENT_FROM = opening.length;
let first: FaultUpstream;
let second: FaultUpstream;
let router: TestRouter;
let client: OpenAI;

const stream = (events: readonly { type: string }[] = wholeStream) => [
  streamHead(),
  write(events.map(wireText).join('')),
];
const ask = (more: object = {}, headers: Record<string, string> = {}) =>
  rawRequest(router.port, postBytes(PATH, { model: 'asked', input: 'Hi', stream: true, ...more }, headers));

beforeAll(async () => {
  first = await startFaultUpstream();
  second = await startFaultUpstream();
  second.behave(() => stream());
  router = await startTestRouter({ policy: twoTargets(['openai-responses'], first.url, second.url) });
  client = new OpenAI({ baseURL: router.baseURL, apiKey: 'any', maxRetries: 0 });
});
afterAll(async () => {
  await router.close();
  for (const upstream of [first, second]) await upstream.close();
});
afterEach(async () => {
  await eventuallyHolds(() => expect(router.running.router.status().openCalls).toBe(0));
  expect(router.log.of('fault')).toEqual([]);
});

describe('start frames', () => {
  it('F061 that repeat long instructions are held all the same: a refusal behind them moves the call on', async () => {
    const instructions = 'Be brief. '.repeat(9_000);
    const start = [
      created(begun({ instructions })),
      { ...created(begun({ instructions })), type: 'response.in_progress' },
    ];
    const refusal = 'event: error\ndata: {"type":"error","code":"rate_limit_exceeded","message":"x","param":null}\n\n';
    first.next(streamHead(), write(start.map(wireText).join('')), write(refusal), hangUp());
    const response = await ask({ instructions });
    expect(response.headers['x-spillway-rung']).toBe('2');
    expect(response.body.toString()).toBe(wholeStream.map(wireText).join(''));
  });
});

describe('a target that speaks it', () => {
  it('gets the body as it is but for the model, and the beta header', async () => {
    first.next(...stream());
    const response = await ask(
      { store: false, tools: [{ type: 'namespace', name: 'n', tools: [] }] },
      { 'openai-beta': 'b' },
    );
    expect(response.body.toString()).toBe(wholeStream.map(wireText).join(''));
    const { path, body, headers } = first.requests.at(-1)!;
    expect(path).toBe(PATH);
    expect(body.toString()).toBe(
      '{"model":"served","input":"Hi","stream":true,"store":false,"tools":[{"type":"namespace","name":"n","tools":[]}]}',
    );
    expect(headers['openai-beta']).toBe('b');
  });

  it('answers the SDK, streamed and whole', async () => {
    first.next(...stream());
    const final = await client.responses.stream({ model: 'asked', input: 'Hi' }).finalResponse();
    expect([final.output_text, final.usage?.output_tokens]).toEqual(['Hello', 5]);
    first.next(json(200, completed().response));
    const { data, response } = await client.responses.create({ model: 'asked', input: 'Hi' }).withResponse();
    expect(data.id).toBe('resp_target');
    expect(response.headers.get('x-spillway-served')).toBe('first/served');
  });

  it('is passed over where it speaks another dialect, and the error says so', async () => {
    const { error } = await client.responses.create({ model: 'chat', input: 'Hi' }).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'no_eligible_target', message: expect.stringContaining('openai-responses') });
  });
});

describe('a stream that fails', () => {
  it('F058 F059 goes on elsewhere before content, and ends in response.failed after it', async () => {
    for (let kept = 0; kept < wholeStream.length; kept++) {
      for (const end of [[], [hangUp()]]) {
        first.next(...stream(wholeStream.slice(0, kept)), ...end);
        const response = await ask();
        const events = strictJsonEvents(response.body) as {
          type: string;
          sequence_number: number;
          response?: object;
        }[];
        if (kept <= CONTENT_FROM) {
          expect(response.headers['x-spillway-served']).toBe('second/served');
          expect(events).toEqual(wholeStream);
          continue;
        }
        expect(events.slice(0, -1)).toEqual(wholeStream.slice(0, kept));
        const last = events.at(-1)!;
        expect(schemaFaults({ ...last })).toEqual([]);
        expect(last).toMatchObject({
          type: 'response.failed',
          sequence_number: kept,
          response: { id: begun().id, status: 'failed', error: { code: 'server_error' } },
        });
        expect(response.body.toString()).not.toContain('[DONE]');
      }
    }
  });

  it('F061 F062 a refusal inside it before content is answered by the next rung', async () => {
    const refused = { ...begun(), status: 'failed', error: { code: 'rate_limit_exceeded', message: 'sk-secret' } };
    for (const event of [
      { type: 'response.failed', response: refused, sequence_number: 4 },
      { type: 'error', error: { type: 'tokens', code: 'rate_limit_exceeded', message: 'sk-secret' } },
    ]) {
      first.next(...stream([...opening, event]));
      const response = await ask();
      expect(response.headers['x-spillway-served']).toBe('second/served');
      expect(response.body.toString()).not.toContain('sk-secret');
    }
  });

  it('before content and with no other rung it is a status, in OpenAI’s shape', async () => {
    first.next(...stream([created(), { type: 'error', code: 'invalid_prompt', message: 'sk-secret' } as never]));
    const response = await ask({ model: 'alone' });
    expect(response.status).toBe(400);
    expect(JSON.parse(response.body.toString())).toEqual({
      error: {
        message: 'The target refused the request as invalid, inside its reply.',
        type: 'invalid_request_error',
        param: null,
        code: 'refused_by_target',
      },
    });
  });

  it('raises in the SDK what the router said, with the wait in its text', async () => {
    const late = { type: 'error', code: 'server_is_overloaded', message: 'sk-secret', param: null };
    const seen = Promise.withResolvers<void>();
    first.next(...stream(wholeStream.slice(0, CONTENT_FROM + 1)), pauseUntil(seen.promise), write(wireText(late)));
    const events: unknown[] = [];
    const reading = async () => {
      for await (const event of await client.responses.create({ model: 'alone', input: 'Hi', stream: true })) {
        events.push(event);
        if (event.type === 'response.output_text.delta') seen.resolve();
      }
    };
    const thrown = await reading().catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(OpenAI.APIError);
    expect(thrown).toMatchObject({
      code: 'rate_limit_exceeded',
      message: expect.stringMatching(/try again in \d+s\.$/),
    });
    expect(events.at(-1)).toMatchObject({ type: 'response.output_text.delta' });
  });
});

describe('the end of a stream', () => {
  it('F078 a client that leaves at response.completed, as Codex does, has a whole reply', async () => {
    first.next(...stream(), hang());
    const connection = await RawConnection.connect(router.port);
    connection.write(postBytes(PATH, { model: 'asked', input: 'Hi', stream: true }));
    await connection.until(({ body }) => body.includes('event: response.completed'));
    connection.destroy();
    await eventuallyHolds(() => expect(router.running.router.status().openCalls).toBe(0));
    const { fields } = router.log.of('call').at(-1)!;
    expect(fields).toMatchObject({ how: 'complete', outputTokens: 5 });
  });

  it('what a server sends behind it is no part of the reply', async () => {
    first.next(...stream(), write('data: [DONE]\n\n'));
    expect((await ask()).body.toString()).toBe(wholeStream.map(wireText).join(''));
  });
});
