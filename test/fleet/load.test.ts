// When engines are asked how full they are, and what becomes of the answer. For src/fleet/{load,probe} and its engines.
import { afterEach, describe, expect, it } from 'vitest';
import { metricsText, newCounters } from '../../src/demo/metrics.ts';
import { gauge } from '../../src/fleet/engines/gauges.ts';
import { engines } from '../../src/fleet/engines/index.ts';
import { poolPlan, testFleet, urlWorker } from './fleets.ts';

const ORIGIN = 'http://w:8000';
const demoPage = (waiting: number, kvCacheUsage: number, running = 8) =>
  metricsText(
    newCounters(),
    { running, waiting, kvCacheUsage, sleepLevel: 0 },
    { model: 'a "model" } 7', blockSize: 16, cacheBlocks: 100 },
  );

let made: ReturnType<typeof testFleet>[] = [];
afterEach(async () => {
  for (const { fleet, clock } of made) {
    await fleet.close();
    expect(clock.pending).toBe(0);
  }
  made = [];
});

async function warm(engine: keyof typeof engines = 'vllm', workers = 1) {
  const parts = testFleet();
  made.push(parts);
  const origins = Array.from({ length: workers }, (_, at) => (at === 0 ? ORIGIN : `http://w${at}:8000`));
  for (const origin of origins) parts.probes.answer(origin, 200);
  parts.fleet.apply([
    poolPlan(
      origins.map((origin) => urlWorker(origin)),
      { engine },
    ),
  ]);
  await parts.clock.advanceSettling(0);
  const pool = parts.fleet.pools.get('p')!;
  const loads = () => parts.probes.asked.filter(({ path }) => path === '/metrics').length;
  return { ...parts, pool, worker: pool.workers[0]!, loads };
}

describe('a worker in use', () => {
  it('is asked each second how full it is, and not while it has nothing to do', async () => {
    const { clock, worker, loads, probes } = await warm();
    probes.page(ORIGIN, demoPage(0, 0.4));
    await clock.advanceSettling(5_000);
    expect(loads()).toBe(0);
    worker.inFlight = 1;
    await clock.advanceSettling(5_000);
    expect(loads()).toBe(5);
    expect(worker.engineLoad).toBeCloseTo(0.5);
    worker.inFlight = 0;
    await clock.advanceSettling(5_000);
    expect([loads(), worker.engineLoad]).toEqual([5, null]);
  });

  it('F072 is full while its engine says so, and the line is looked at when it no longer is', async () => {
    const { clock, worker, probes, pool } = await warm();
    worker.inFlight = 1;
    probes.page(ORIGIN, demoPage(7, 0.1));
    await clock.advanceSettling(1_000);
    expect([worker.engineLoad, worker.limit]).toEqual([1.4, 1]);
    let looks = 0;
    const poke = pool.gate.poke.bind(pool.gate);
    pool.gate.poke = () => {
      looks++;
      poke();
    };
    probes.page(ORIGIN, demoPage(0, 0.1));
    await clock.advanceSettling(1_000);
    expect([worker.limit, looks]).toEqual([2, 1]);
  });

  it('that no longer answers is judged by its calls alone after three polls', async () => {
    const { clock, worker, probes } = await warm();
    worker.inFlight = 1;
    probes.page(ORIGIN, demoPage(9, 0.1));
    await clock.advanceSettling(1_000);
    expect(worker.limit).toBe(1);
    probes.page(ORIGIN, 'no metrics here');
    await clock.advanceSettling(2_000);
    expect(worker.limit).toBe(1);
    await clock.advanceSettling(1_000);
    expect([worker.limit, worker.engineLoad]).toEqual([2, null]);
  });

  it('full with others’ work and idle for us, it is tried again after three polls', async () => {
    const { clock, worker, probes } = await warm();
    worker.inFlight = 1;
    probes.page(ORIGIN, demoPage(9, 0.1));
    await clock.advanceSettling(1_000);
    worker.inFlight = 0;
    expect(worker.limit).toBe(0);
    await clock.advanceSettling(3_000);
    expect([worker.engineLoad, worker.limit]).toEqual([1.8, 2]);
  });

  it('a page of more than 1 MiB is dropped and its connection closed', async () => {
    const { clock, worker, probes } = await warm();
    worker.inFlight = 1;
    probes.page(ORIGIN, 2 * 1024 * 1024);
    await clock.advanceSettling(1_000);
    expect([worker.engineLoad, probes.aborted]).toEqual([null, 1]);
    probes.page(ORIGIN, `${'#'.repeat(1024 * 1024 - 200)}\nvllm:num_requests_waiting 0\n`);
    await clock.advanceSettling(1_000);
    expect(worker.engineLoad).toBe(0);
  });

  it('that does not say how full it is, is said in the log once', async () => {
    const { clock, worker, log } = await warm();
    worker.inFlight = 1;
    await clock.advanceSettling(10_000);
    expect(log.of('worker_load_unread').map(({ fields }) => fields)).toEqual([{ worker: 'p/1', status: 200 }]);
  });

  it('of an engine without such a page is not asked', async () => {
    const { clock, worker, loads } = await warm('ollama');
    worker.inFlight = 1;
    await clock.advanceSettling(10_000);
    expect([loads(), worker.engineLoad]).toEqual([0, null]);
  });

  it('at most eight are asked at once; one that is silent is given up after a second', async () => {
    const { clock, pool, probes, loads } = await warm('vllm', 20);
    for (const worker of pool.workers) {
      worker.inFlight = 1;
      probes.answer(worker.origin, 'silent');
    }
    await clock.advanceSettling(1_000);
    expect([loads(), probes.aborted]).toEqual([8, 0]);
    await clock.advanceSettling(1_000);
    expect([loads(), probes.aborted]).toEqual([16, 8]);
  });
});

/** As NVIDIA documents the page of a NIM for language models: bare names, a share of 1 for a full cache. */
const nimPage = (waiting: number, cache: number) => `\
# HELP num_requests_running Number of requests currently running on GPU.
# TYPE num_requests_running gauge
num_requests_running{model_name="meta/llama-3.1-8b-instruct"} 40.0
# HELP num_requests_waiting Number of requests waiting to be processed.
# TYPE num_requests_waiting gauge
num_requests_waiting{model_name="meta/llama-3.1-8b-instruct"} ${waiting}.0
# HELP num_request_max Max number of concurrently running requests.
# TYPE num_request_max gauge
num_request_max{model_name="meta/llama-3.1-8b-instruct"} 256.0
# HELP gpu_cache_usage_perc GPU KV-cache usage. 1 means 100 percent usage.
# TYPE gpu_cache_usage_perc gauge
gpu_cache_usage_perc{model_name="meta/llama-3.1-8b-instruct"} ${cache}
`;

describe('how full engines say they are', () => {
  const loadOf = (name: keyof typeof engines, page: string) => engines[name].create({}, undefined).loadOf(page);

  it('vLLM, and the demo worker under its names', () => {
    expect(loadOf('vllm', demoPage(0, 0))).toBe(0);
    expect(loadOf('vllm', demoPage(0, 0.8))).toBe(1);
    expect(loadOf('vllm', demoPage(10, 0.2))).toBe(2);
    expect(loadOf('vllm', demoPage(2, 0.2, 2))).toBe(1);
  });

  it('an older vLLM names its cache differently', () => {
    expect(loadOf('vllm', 'vllm:num_requests_waiting 0\nvllm:gpu_cache_usage_perc{engine="0"} 0.4')).toBe(0.5);
    const both = 'vllm:gpu_cache_usage_perc 0\nvllm:kv_cache_usage_perc 0.4\n';
    expect(loadOf('vllm', both)).toBe(0.5);
  });

  it.each([
    ['sglang', 'sglang:num_queue_reqs{tp_rank="0"} 5.0\nsglang:num_running_reqs 40\nsglang:token_usage 0.2\n', 1],
    ['sglang', 'sglang:num_queue_reqs 0\nsglang:token_usage 0.6\n', 0.75],
    ['llama-cpp', 'llamacpp:requests_processing 2\nllamacpp:requests_deferred 1\n', 0.5],
    ['tei', 'te_queue_size 128\n', 0.5],
    ['nim', nimPage(0, 0.6), 0.75],
    ['nim', nimPage(5, 0.1), 1],
    ['nim', demoPage(10, 0.2), 2],
  ] as const)('%s: %j', (name, page, load) => {
    expect(loadOf(name, page)).toBeCloseTo(load);
  });

  it.each(['openai', 'infinity', 'ollama'] as const)('%s does not say', (name) => {
    const engine = engines[name].create({}, undefined);
    expect([engine.loadPath, engine.loadOf(demoPage(9, 1))]).toEqual([null, null]);
  });

  it('NIM is asked under its own path', () => {
    expect(engines.nim.create({}, undefined).loadPath).toBe('/v1/metrics');
  });

  it('a signal that is absent is not 0', () => {
    for (const name of ['vllm', 'sglang', 'llama-cpp', 'tei', 'nim'] as const) {
      expect(loadOf(name, '')).toBeNull();
      expect(loadOf(name, 'http_requests_total 7\n')).toBeNull();
    }
    expect(loadOf('vllm', 'vllm:kv_cache_usage_perc 0.4\n')).toBe(0.5);
  });

  it('ranks count by their mean, labels may hold any sign, comments and longer names are no samples', () => {
    const page = [
      '# HELP a gauge of things',
      '# TYPE a gauge',
      'a{name="} 9 {",x="\\" 7"} 2',
      'a{engine="1"} 4 1795348800000',
      'a_total 100',
      'not_a 100',
      'b NaN',
      'c -1',
      'd +Inf',
      'e 1e2',
    ].join('\n');
    expect(gauge(page, 'a')).toBe(3);
    expect(['b', 'c', 'd', 'missing'].map((name) => gauge(page, name))).toEqual([null, null, null, null]);
    expect(gauge(page, 'e')).toBe(100);
  });
});
