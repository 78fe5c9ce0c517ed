// How full an engine's memory is taken to be between its answers. For src/fleet/{memory-credit,room} and src/fleet/engines.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { engines } from '../../src/fleet/engines/index.ts';
import { MemoryCredit } from '../../src/fleet/memory-credit.ts';
import { PoolWorker } from '../../src/fleet/worker.ts';
import { Breaker, DEFAULT_BREAKER } from '../../src/upstream/breaker.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { fixedLimit } from './fleets.ts';

const said = (usedTokens: number, waits = false) => ({ tokens: 1_000, usedTokens, waits });

/** So many tokens in flight, as the engine sees them at its last answer. */
function credit(heldTokens: number, usedTokens: number, waits = false): MemoryCredit {
  const one = new MemoryCredit();
  one.heldTokens = heldTokens;
  one.told(said(usedTokens, waits));
  return one;
}

describe('the memory of an engine', () => {
  it('is nothing that anybody knows before the engine has told its size', () => {
    const one = new MemoryCredit();
    one.heldTokens = 1e9;
    expect(one.isFull).toBe(null);
    one.told(said(0));
    expect(one.isFull).toBe(true);
    one.told(null);
    expect(one.isFull).toBe(null);
  });

  it('counts what was sent since the engine’s last answer, and what has ended', () => {
    const one = credit(300, 300);
    expect(one.isFull).toBe(false);
    one.heldTokens += 500;
    expect(one.isFull).toBe(true);
    one.heldTokens -= 1;
    expect(one.isFull).toBe(false);
  });

  it('counts others’ calls as the engine tells them, until its word is stale', () => {
    const one = credit(100, 700);
    one.heldTokens = 199;
    expect(one.isFull).toBe(false);
    one.heldTokens = 200;
    expect(one.isFull).toBe(true);
    one.stale();
    expect(one.isFull).toBe(false);
    one.heldTokens = 800;
    expect(one.isFull).toBe(true);
  });

  it('believes slowly that calls share their prompts, and at once that they do not', () => {
    const one = credit(900, 400);
    expect(one.isFull).toBe(true);
    for (let answers = 0; answers < 5; answers++) one.told(said(400));
    // 2 % of the memory from answer to answer.
    one.heldTokens = 919;
    expect(one.isFull).toBe(false);
    one.heldTokens = 921;
    expect(one.isFull).toBe(true);
    for (let answers = 0; answers < 50; answers++) one.told(said(400));
    expect(one.isFull).toBe(false);
    one.told(said(921));
    expect(one.isFull).toBe(true);
  });

  it('counts calls that wait inside as if they had their memory already', () => {
    const one = credit(900, 400);
    for (let answers = 0; answers < 100; answers++) one.told(said(400, true));
    expect(one.isFull).toBe(true);
  });
});

function worker(limit = 64) {
  const clock = new VirtualClock();
  const one = new PoolWorker({
    id: 'p/1',
    headers: [],
    limit: fixedLimit(limit).createLimit(),
    state: 'warm',
    breaker: new Breaker(DEFAULT_BREAKER, clock, () => 0.5),
    clock,
    expectedReadyMs: 0,
  });
  one.origin = 'http://w';
  const hold = (inFlight: number, heldTokens: number) => {
    one.heldTokens = heldTokens;
    one.inFlight = inFlight;
  };
  return { one, hold, roomy: () => one.inFlight < one.limit };
}

describe('the room of a worker whose memory is known', () => {
  it('ends when its memory is full by what was sent, before the engine is asked again', () => {
    const { one, hold, roomy } = worker();
    hold(2, 300);
    one.heard(0.375, said(300));
    expect(roomy()).toBe(true);
    hold(3, 800);
    expect(roomy()).toBe(false);
    hold(2, 300);
    expect(roomy()).toBe(true);
  });

  it('is there again as soon as calls have ended, though the engine’s last word was "full"', () => {
    const { one, hold, roomy } = worker();
    hold(3, 900);
    one.heard(1.125, said(900));
    expect(roomy()).toBe(false);
    hold(1, 100);
    expect(roomy()).toBe(true);
    hold(0, 0);
    expect(roomy()).toBe(true);
  });

  it('is none while calls wait inside for something else than memory', () => {
    const { one, hold, roomy } = worker();
    hold(10, 100);
    one.heard(1.6, said(100, true));
    expect(roomy()).toBe(false);
  });

  it('is there for one call, however large, when it has none', () => {
    const { one, hold, roomy } = worker();
    one.heard(0, said(0));
    hold(1, 5_000);
    expect(roomy()).toBe(false);
    hold(0, 0);
    expect(roomy()).toBe(true);
  });

  it('in all cases is no more than its limit, none with memory that is full, and never none for long when idle', () => {
    const sent = fc.record({ calls: fc.nat(8), each: fc.nat(400) });
    const polled = fc.record({ used: fc.nat(1_000), waits: fc.boolean() });
    fc.assert(
      fc.property(fc.array(fc.oneof(sent, polled), { maxLength: 40 }), (steps) => {
        const { one, hold, roomy } = worker(6);
        for (const step of steps) {
          if ('calls' in step) hold(step.calls, step.calls * step.each);
          else one.heard(step.used / 800, said(step.used, step.waits));
          expect(one.limit).toBeLessThanOrEqual(6);
        }
        hold(5, 5_000);
        if (steps.some((step) => 'used' in step)) expect(roomy()).toBe(false);
        hold(0, 0);
        for (let answers = 0; answers < 4; answers++) one.heard(1.2, said(960));
        expect(roomy()).toBe(true);
      }),
    );
  });
});

describe('how large engines say their memory is', () => {
  const memoryOf = (name: keyof typeof engines, page: string) => engines[name].create({}, undefined).memoryOf(page);
  const usage = 'vllm:kv_cache_usage_perc{engine="0"} 0.25\nvllm:num_requests_waiting{engine="0"} 2\n';

  it('vLLM: blocks of so many tokens, or tokens where it says so; over all ranks', () => {
    const blocks = 'vllm:cache_config_info{block_size="16",cache_dtype="auto",num_gpu_blocks="1000"} 1.0\n';
    expect(memoryOf('vllm', blocks + usage)).toEqual({ tokens: 16_000, usedTokens: 4_000, waits: true });
    const ranks = [0, 1].map(
      (rank) => `vllm:cache_config_info{block_size="16",engine="${rank}",num_gpu_blocks="1000"} 1.0\n`,
    );
    expect(memoryOf('vllm', ranks.join('') + usage)?.tokens).toBe(32_000);
    const tokens =
      'vllm:cache_config_info{block_size="16",kv_cache_size_tokens="9000",num_gpu_blocks="1000",num_gpu_blocks_override="None"} 1\n';
    expect(memoryOf('vllm', tokens + usage)?.tokens).toBe(9_000);
  });

  it('SGLang: tokens', () => {
    const page = 'sglang:max_total_num_tokens 471258.0\nsglang:token_usage 0.5\nsglang:num_queue_reqs 0.0\n';
    expect(memoryOf('sglang', page)).toEqual({ tokens: 471_258, usedTokens: 235_629, waits: false });
  });

  it('what is not said, or makes no sense, is not known', () => {
    for (const page of [
      '',
      usage,
      'vllm:cache_config_info{block_size="16",num_gpu_blocks="1000"} 1\n',
      `vllm:cache_config_info{block_size="None",num_gpu_blocks="None"} 1\n${usage}`,
      `vllm:cache_config_info{block_size="16",num_gpu_blocks="0"} 1\n${usage}`,
      `vllm:cache_config_info{block_size="16",my_num_gpu_blocks="9"} 1\n${usage}`,
    ])
      expect(memoryOf('vllm', page)).toBe(null);
    for (const name of ['openai', 'tei', 'llama-cpp', 'ollama', 'infinity', 'nim'] as const)
      expect(memoryOf(name, usage)).toBe(null);
  });
});
