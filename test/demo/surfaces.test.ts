// What every inference route has in common: callers that leave, sleep, loading, a dead engine. For src/demo/exchange.ts.
import { describe, expect, it } from 'vitest';
import type { DemoWorkerOptions } from '../../src/demo/index.ts';
import { eventually } from '../fakes/eventually.ts';
import { strictEvents } from '../fakes/strict-events.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { ask, started } from './started.ts';

interface Surface {
  readonly name: string;
  readonly path: string;
  readonly body: object;
  readonly options?: DemoWorkerOptions;
  /** An error as the surface says it. */
  readonly refusal: object;
}

const openAi = { error: { message: expect.any(String), type: expect.any(String) } };
const anthropic = { type: 'error', error: { message: expect.any(String), type: expect.any(String) } };
const { messages } = ask('Hi');

const GENERATING: readonly Surface[] = [
  { name: 'chat', path: '/v1/chat/completions', body: { messages }, refusal: openAi },
  { name: 'completions', path: '/v1/completions', body: { prompt: 'Hi', max_tokens: 60 }, refusal: openAi },
  { name: 'responses', path: '/v1/responses', body: { input: 'Hi' }, refusal: openAi },
  {
    name: 'messages',
    path: '/v1/messages',
    body: { messages, max_tokens: 99, model: 'demo-large' },
    refusal: anthropic,
  },
];
const SURFACES: readonly Surface[] = [
  ...GENERATING,
  { name: 'embeddings', path: '/v1/embeddings', body: { input: 'Hi' }, options: { kind: 'embed' }, refusal: openAi },
  {
    name: 'rerank',
    path: '/v1/rerank',
    body: { query: 'a', documents: ['a', 'b'] },
    options: { kind: 'rerank' },
    refusal: openAi,
  },
];
const rows = (surfaces: readonly Surface[]) => surfaces.map((surface) => [surface.name, surface] as const);
/** Slow enough that no call is done before the test moves the clock. */
const SLOW = { prefillTokensPerSecond: 100, decodeTokensPerSecond: 100, maxNumSeqs: 1, maxNumQueuedReqs: 1 };

describe.each(rows(SURFACES))('%s', (_name, { path, body, options = {}, refusal }) => {
  it('frees the slot of a caller that is gone, and the next one gets it', async () => {
    const clock = new VirtualClock();
    const { post, worker } = await started({ ...options, ...SLOW, clock });
    const gone = new AbortController();
    const first = post(path, body, { signal: gone.signal });
    first.catch(() => {});
    await eventually(() => worker.stats().running === 1);
    const second = post(path, body);
    await eventually(() => worker.stats().waiting === 1);
    gone.abort();
    await eventually(() => worker.stats().waiting === 0);
    expect(worker.stats()).toMatchObject({ running: 1, counters: { finished: { abort: 1 } } });
    clock.advance(60_000);
    expect((await second).status).toBe(200);
    expect(worker.stats().running).toBe(0);
  });

  it('says no in its own form when the line is full, the worker asleep or its engine dead', async () => {
    const clock = new VirtualClock();
    const { post, worker } = await started({ ...options, ...SLOW, clock });
    const accepted = [post(path, body), post(path, body)];
    await eventually(() => worker.stats().waiting === 1);
    const no = async (status: number) => {
      const response = await post(path, body);
      expect([response.status, await response.json()]).toMatchObject([status, refusal]);
    };
    await no(503);
    clock.advance(60_000);
    for (const reply of accepted) expect((await reply).status).toBe(200);
    await post('/sleep', '');
    await no(503);
    worker.killEngine();
    await no(500);
  });

  it('answers 503 while the model loads', async () => {
    const clock = new VirtualClock();
    const { post, worker } = await started({ ...options, clock, startUpMs: 1000, startUpMode: 'loading' });
    expect((await post(path, body)).status).toBe(503);
    clock.advance(1000);
    await worker.ready;
    const reply = post(path, body);
    await eventually(() => worker.stats().running === 1);
    clock.advance(1000);
    expect((await reply).status).toBe(200);
  });

  it('counts what it computed', async () => {
    const { post, worker } = await started(options);
    expect((await post(path, body)).status).toBe(200);
    const { counters } = worker.stats();
    expect(counters.promptTokens).toBeGreaterThan(0);
    expect(counters.finished.stop + counters.finished.length).toBe(1);
  });
});

describe.each(rows(GENERATING))('a stream of %s', (name, { path, body }) => {
  const end = async (act: (started_: Awaited<ReturnType<typeof started>>) => unknown) => {
    const clock = new VirtualClock();
    const one = await started({ clock, decodeTokensPerSecond: 100 });
    const reply = await one.post(path, { ...body, stream: true });
    await eventually(() => one.worker.stats().running === 1);
    clock.advance(50);
    await act(one);
    return strictEvents(await reply.text()).map(({ event, data }) => ({ event, data }));
  };
  const lastJson = (events: readonly { data: string }[]) =>
    JSON.parse(events.findLast(({ data }) => data !== '[DONE]')!.data) as Record<string, unknown>;

  it('fails in band when the engine dies', async () => {
    const last = lastJson(await end(({ worker }) => worker.killEngine()));
    const failed = { type: 'response.failed', response: { status: 'failed', error: { code: 'server_error' } } };
    expect(last).toMatchObject(name === 'responses' ? failed : { error: { type: 'InternalServerError' } });
    if (name === 'messages') expect(last['type']).toBe('error');
  });

  it('ends with what it has when the worker goes to sleep, and says that it was not done', async () => {
    const events = await end(({ post }) => post('/sleep', ''));
    const said = JSON.stringify(events.map(({ data }) => data));
    const sign = { responses: 'cancelled', messages: 'stop_reason\\":null', chat: 'abort', completions: 'abort' }[name];
    expect(said).toContain(sign);
    if (name === 'messages') expect(events.at(-1)?.event).toBe('message_stop');
  });
});
