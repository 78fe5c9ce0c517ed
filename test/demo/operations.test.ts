// What an operator's tools see: health, load, sleep, metrics, start-up. For src/demo/routes.ts and server.ts.
import { describe, expect, it } from 'vitest';
import { startDemoWorker } from '../../src/demo/index.ts';
import { eventually, eventuallyHolds } from '../fakes/eventually.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { ask, eventsOf, started } from './started.ts';

const CHAT = '/v1/chat/completions';

async function metricsOf(get: (path: string) => Promise<Response>): Promise<Map<string, number>> {
  const lines = (await (await get('/metrics')).text())
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

describe('metrics', () => {
  it("carry vLLM's names and labels, and count what happened", async () => {
    const { client, get } = await started();
    const body = ask('Count me '.repeat(20));
    const first = await client.chat.completions.create(body);
    await client.chat.completions.create({ ...body, max_tokens: 3 });
    const metrics = await metricsOf(get);
    const of = (name: string, labels = '') => metrics.get(`vllm:${name}{engine="0",model_name="demo-large"${labels}}`);
    const prompt = first.usage!.prompt_tokens;
    expect(of('num_requests_running')).toBe(0);
    expect(of('num_requests_waiting')).toBe(0);
    expect(of('kv_cache_usage_perc')).toBe(0);
    expect(of('prompt_tokens_total')).toBe(2 * prompt);
    expect(of('generation_tokens_total')).toBe(first.usage!.completion_tokens + 3);
    expect(of('prefix_cache_queries_total')).toBe(2 * prompt);
    expect(of('prefix_cache_hits_total')).toBe(Math.floor((prompt - 1) / 16) * 16);
    expect(of('request_success_total', ',finished_reason="stop"')).toBe(1);
    expect(of('request_success_total', ',finished_reason="length"')).toBe(1);
    expect(of('admission_rejections_total', ',reason="max_num_queued_reqs"')).toBe(0);
    expect(of('engine_sleep_state', ',sleep_state="awake"')).toBe(1);
    expect(of('cache_config_info', ',block_size="16",enable_prefix_caching="True",num_gpu_blocks="4096"')).toBe(1);
    for (const name of ['time_to_first_token_seconds', 'request_queue_time_seconds', 'e2e_request_latency_seconds']) {
      expect(of(`${name}_count`)).toBe(2);
      expect(of(`${name}_bucket`, ',le="+Inf"')).toBe(2);
      expect(of(`${name}_sum`)).toBeGreaterThanOrEqual(0);
    }
  });

  it('have histograms that never fall from one bucket to the next', async () => {
    const { client, get } = await started();
    for (const content of ['a', 'b', 'c']) await client.chat.completions.create(ask(content));
    const buckets = [...(await metricsOf(get))].filter(([name]) =>
      name.startsWith('vllm:time_to_first_token_seconds_bucket'),
    );
    const counts = buckets.map(([, count]) => count);
    expect(counts.length).toBeGreaterThan(10);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(counts.at(-1)).toBe(3);
  });

  it('show load while calls run and wait', async () => {
    const clock = new VirtualClock();
    const { post, get, worker } = await started({
      clock,
      maxNumSeqs: 1,
      prefillTokensPerSecond: 1000,
      decodeTokensPerSecond: 100,
    });
    const replies = [1, 2].map(() => post(CHAT, ask('word '.repeat(100))));
    await eventually(() => worker.stats().waiting === 1);
    const metrics = await metricsOf(get);
    expect([...metrics].find(([name]) => name.startsWith('vllm:num_requests_running'))?.[1]).toBe(1);
    expect([...metrics].find(([name]) => name.startsWith('vllm:num_requests_waiting'))?.[1]).toBe(1);
    expect([...metrics].find(([name]) => name.startsWith('vllm:kv_cache_usage_perc'))?.[1]).toBeGreaterThan(0);
    expect(await (await get('/load')).json()).toEqual({ server_load: 2 });
    clock.advance(10_000);
    expect((await Promise.all(replies)).map((reply) => reply.status)).toEqual([200, 200]);
  });
});

describe('sleep', () => {
  it('refuses calls, drops the cache and ends after the wake time', async () => {
    const clock = new VirtualClock();
    const { get, post, worker } = await started({ clock, wakeMs: 500 });
    const asleep = async () => ((await (await get('/is_sleeping')).json()) as { is_sleeping: boolean }).is_sleeping;
    expect(await asleep()).toBe(false);
    expect((await post('/sleep?level=2', '')).status).toBe(200);
    expect(await asleep()).toBe(true);
    expect((await get('/health')).status).toBe(503);
    const refused = await post(CHAT, ask('Hi'));
    expect([refused.status, await refused.json()]).toMatchObject([503, { error: { code: 503 } }]);
    expect(worker.stats()).toMatchObject({ sleepLevel: 2, cachedBlocks: 0 });
    const waking = post('/wake_up', '');
    await eventually(() => clock.pending > 0);
    expect(await asleep()).toBe(true);
    clock.advance(500);
    expect((await waking).status).toBe(200);
    expect((await get('/health')).status).toBe(200);
    expect((await post('/wake_up', '')).status).toBe(200);
    expect((await post('/sleep?level=9', '')).status).toBe(400);
  });

  it('ends a running stream with what it has and says abort', async () => {
    const clock = new VirtualClock();
    const { post, worker } = await started({ clock, decodeTokensPerSecond: 100 });
    const reply = await post(CHAT, ask('Hi', { stream: true }));
    await eventually(() => worker.stats().running === 1);
    clock.advance(50);
    await post('/sleep', '');
    const { events, done } = eventsOf(await reply.text());
    expect(done).toBe(true);
    expect(events.at(-1)).toMatchObject({ choices: [{ finish_reason: 'abort' }] });
    expect(worker.stats().counters.finished.abort).toBe(1);
  });
});

describe('an engine that dies', () => {
  it('fails its calls, the running ones in band, and its health', async () => {
    const clock = new VirtualClock();
    const { get, post, worker } = await started({ clock, decodeTokensPerSecond: 100 });
    const reply = await post(CHAT, ask('Hi', { stream: true }));
    await eventually(() => worker.stats().running === 1);
    worker.killEngine();
    expect(eventsOf(await reply.text()).events.at(-1)).toMatchObject({
      error: { code: 500, type: 'InternalServerError' },
    });
    expect((await post(CHAT, ask('Hi'))).status).toBe(500);
    expect((await get('/ping')).status).toBe(503);
  });
});

describe('start-up', () => {
  it('keeps the port closed until the model is loaded, as vLLM does', async () => {
    const clock = new VirtualClock();
    let open = false;
    const starting = startDemoWorker({ clock, startUpMs: 60_000 }).then((worker) => {
      open = true;
      return worker;
    });
    await clock.advanceSettling(59_999);
    expect(open).toBe(false);
    await clock.advanceSettling(1);
    const worker = await starting;
    expect((await fetch(`${worker.url}/health`)).status).toBe(200);
    await worker.close();
  });

  it('answers "Loading model" with 503 meanwhile, as llama.cpp does', async () => {
    const clock = new VirtualClock();
    const { get, worker } = await started({ clock, startUpMs: 60_000, startUpMode: 'loading' });
    for (const path of ['/health', '/v1/models']) {
      const loading = await get(path);
      expect([loading.status, await loading.json()]).toMatchObject([503, { error: { message: 'Loading model' } }]);
    }
    clock.advance(60_000);
    await worker.ready;
    expect((await get('/health')).status).toBe(200);
  });

  it('can be given up', async () => {
    const clock = new VirtualClock();
    const given = new AbortController();
    const starting = startDemoWorker({ clock, startUpMs: 60_000, signal: given.signal });
    given.abort();
    await expect(starting).rejects.toMatchObject({ name: 'AbortError' });
    expect(clock.pending).toBe(0);
  });

  it('refuses settings that make no sense, by the name of the flag', async () => {
    await expect(startDemoWorker({ maxNumSeqs: 0 })).rejects.toThrow('--max-num-seqs');
    await expect(startDemoWorker({ blockSize: 1.5 })).rejects.toThrow('--block-size');
  });
});

describe('plain routes', () => {
  it('name the model, its context and the version', async () => {
    const { client, get, post } = await started({ model: 'acme/support-7b', maxModelLen: 8192 });
    const { data } = await client.models.list();
    expect(data).toMatchObject([
      { id: 'acme/support-7b', object: 'model', owned_by: 'spillway-demo', max_model_len: 8192 },
    ]);
    expect(await (await get('/version')).json()).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+-demo$/) });
    const health = await get('/health');
    expect([health.status, await health.text()]).toEqual([200, '']);
    expect((await post('/ping', '')).status).toBe(200);
  });

  it('forget the prefix cache on demand', async () => {
    const { client, post, worker } = await started();
    await client.chat.completions.create(ask('word '.repeat(100)));
    expect(worker.stats().cachedBlocks).toBeGreaterThan(0);
    await post('/reset_prefix_cache', '');
    await eventuallyHolds(() => expect(worker.stats().cachedBlocks).toBe(0));
  });
});
