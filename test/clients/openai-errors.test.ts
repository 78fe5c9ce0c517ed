// How a target's failures reach a user of the official SDK: the right class, the right hint, and nothing that was said.
import OpenAI, { APIConnectionTimeoutError, BadRequestError, InternalServerError, RateLimitError } from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventuallyHolds } from '../fakes/eventually.ts';
import {
  type FaultUpstream,
  hang,
  json,
  pauseUntil,
  reply,
  startFaultUpstream,
  streamHead,
  write,
} from '../fakes/fault-upstream.ts';
import { startTestRouter, type TestRouter } from '../fakes/running-router.ts';

const KEY = 'sk-canary-provider-4f1c2ab90d7e';
const CALLER_KEY = 'sk-canary-caller-77aa';
const PROMPT = 'canary-prompt-8e21';
/** Each test gets a pool of its own, so that what it does to a worker's health is nobody else's. */
const POOLS = 32;
let fault: FaultUpstream;
let router: TestRouter;
let client: OpenAI;
let used = 0;

beforeAll(async () => {
  fault = await startFaultUpstream();
  const numbers = [...Array(POOLS).keys()];
  const policy = [
    'version: 1',
    'pools:',
    ...numbers.map((n) => `  f${n}: { workers: [ { url: "${fault.url}", apiKey: $PROVIDER_KEY } ] }`),
    'models:',
    ...numbers.map((n) => `  m${n}: { ladder: [ { pool: f${n} } ] }`),
    'classes: { chat: { retries: 0 } }',
  ].join('\n');
  router = await startTestRouter({ policy, more: { env: { PROVIDER_KEY: KEY } } });
  client = new OpenAI({ baseURL: router.baseURL, apiKey: CALLER_KEY, maxRetries: 0 });
});
afterAll(async () => {
  await router.close();
  await fault.close();
});
afterEach(async () => {
  await eventuallyHolds(() => {
    const status = router.running.router.status();
    expect([status.openCalls, ...status.pools.map(({ inFlight, waiting }) => inFlight + waiting)]).toEqual([
      0,
      ...Array(POOLS).fill(0),
    ]);
  });
  expect(router.log.of('fault')).toEqual([]);
});

const messages = [{ role: 'user' as const, content: PROMPT }];
const fresh = () => ({ model: `m${used++}`, messages });
/** What no sink may ever hold: F037. */
async function expectNoCanary(text: string): Promise<void> {
  const status = await (await fetch(`http://127.0.0.1:${router.adminPort}/status`)).text();
  for (const sink of [text, router.log.text(), status]) expect(sink).not.toContain('canary');
}
async function refusalOf(call: Promise<unknown>) {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(OpenAI.APIError);
  return error as InstanceType<typeof OpenAI.APIError>;
}
const toldBy = (error: InstanceType<typeof OpenAI.APIError>) =>
  JSON.stringify([error.message, error.error, ...(error.headers ?? [])]);

describe('secrets', () => {
  it('F038 a target that quotes our key and the prompt is not quoted, whatever its status', async () => {
    const echo = { error: { message: `Bad key ${KEY} for "${PROMPT}"`, type: KEY, code: PROMPT, param: 'messages' } };
    for (const code of [400, 401, 402, 403, 404, 413, 422, 429, 500, 502, 503]) {
      // A pause that no call waits for in line.
      fault.next(json(code, echo, { 'x-echo': KEY, 'www-authenticate': KEY, 'retry-after': '30' }));
      const error = await refusalOf(client.chat.completions.create(fresh()));
      await expectNoCanary(toldBy(error));
    }
  });

  it('F038 nor inside a 200, buffered or streamed', async () => {
    fault.next(json(200, { error: { message: `${KEY} ${PROMPT}`, type: 'server_error' } }));
    await expectNoCanary(toldBy(await refusalOf(client.chat.completions.create(fresh()))));
    fault.next(reply(200, `<html>${KEY}`, { 'content-type': 'text/html' }));
    await expectNoCanary(toldBy(await refusalOf(client.chat.completions.create(fresh()))));
    const chunk = { choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: null }] };
    const seen = Promise.withResolvers<void>();
    fault.next(
      streamHead(),
      write(`data: ${JSON.stringify(chunk)}\n\n`),
      pauseUntil(seen.promise),
      write(`data: {"error":"${KEY} ${PROMPT}"}\n\n`),
    );
    const stream = await client.chat.completions.create({ ...fresh(), stream: true });
    const read = async () => {
      for await (const _ of stream) seen.resolve();
    };
    await expectNoCanary(toldBy(await refusalOf(read())));
  });
});

describe('error classes', () => {
  it('a rate limit is a RateLimitError with whole seconds to wait', async () => {
    fault.next(json(429, { error: { message: 'slow down' } }, { 'retry-after': '20' }));
    const error = await refusalOf(client.chat.completions.create(fresh()));
    expect(error).toBeInstanceOf(RateLimitError);
    expect(Number(error.headers!.get('retry-after'))).toBeGreaterThanOrEqual(16);
    expect(Number(error.headers!.get('retry-after'))).toBeLessThanOrEqual(24);
  });

  it('a broken target is an InternalServerError that may be retried', async () => {
    fault.next(json(500, { error: { message: 'x' } }));
    const error = await refusalOf(client.chat.completions.create(fresh()));
    expect(error).toBeInstanceOf(InternalServerError);
    expect([error.status, error.code, error.headers!.get('x-should-retry')]).toEqual([502, 'upstream_error', null]);
  });

  it('a request that the target calls wrong is a BadRequestError that names the field and is not retried', async () => {
    const patient = client.withOptions({ maxRetries: 2 });
    const before = fault.served;
    fault.next(json(400, { error: { message: 'bad', param: 'temperature' } }));
    const error = await refusalOf(patient.chat.completions.create({ ...fresh(), temperature: 9 }));
    expect(error).toBeInstanceOf(BadRequestError);
    expect([error.code, error.param]).toEqual(['refused_by_target', 'temperature']);
    expect(fault.served - before).toBe(1);
  });

  it('the SDK’s own retries get through once the target is well', async () => {
    fault.next(json(500, {}));
    fault.next(
      json(200, { choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }] }),
    );
    const got = await client.withOptions({ maxRetries: 2 }).chat.completions.create(fresh());
    expect(got.choices[0]!.message.content).toBe('Hi');
  });

  it('F078 a client that gives up ends the call at the target', async () => {
    fault.next(hang());
    const running = client.chat.completions.create(fresh(), { timeout: 300 });
    await expect(running).rejects.toBeInstanceOf(APIConnectionTimeoutError);
    await eventuallyHolds(() => expect(fault.requests.at(-1)!.abortedByRouterAtMs).toBeGreaterThan(0), {
      deadlineMs: 2_000,
    });
  });
});
