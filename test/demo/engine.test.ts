// Who runs, who waits and how fast tokens come, on a virtual clock. For src/demo/engine.ts.
import { describe, expect, it } from 'vitest';
import { Engine, type EngineSettings } from '../../src/demo/engine.ts';
import type { Job } from '../../src/demo/job.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';

const SETTINGS: EngineSettings = {
  prefillTokensPerSecond: 1000,
  decodeTokensPerSecond: 100,
  slowdownPerRunning: 0,
  maxNumSeqs: 2,
  maxNumQueuedReqs: 2,
  blockSize: 16,
  cacheBlocks: 64,
  wakeMs: 300,
};

function bench(settings: Partial<EngineSettings> = {}) {
  const clock = new VirtualClock();
  const engine = new Engine({ ...SETTINGS, ...settings }, clock);
  const log: string[] = [];
  const job = (name: string, prompt: number, steps: number, more: Partial<Job> = {}): Job => ({
    promptIds: Array.from({ length: prompt }, (_, i) => i + name.charCodeAt(0) * 1000),
    cacheable: true,
    salt: '',
    steps,
    tokensBetween: (from, to) => to - from,
    started: () => log.push(`${name} starts at ${clock.nowMs()}`),
    produced: (from, to) => log.push(`${name} ${from}-${to} at ${Math.round(clock.nowMs())}`),
    finished: (made, forced) => {
      log.push(`${name} ends with ${made} at ${Math.round(clock.nowMs())}`);
      return forced === 'abort' ? 'abort' : 'stop';
    },
    failed: (error) => log.push(`${name} fails with ${error.status}`),
    blocked: () => false,
    answerIds: () => [],
    ...more,
  });
  return { clock, engine, log, job };
}

describe('engine', () => {
  it('prefills at its rate and then yields tokens at the stream rate', () => {
    const { clock, engine, log, job } = bench();
    engine.submit(job('a', 100, 3));
    clock.advance(99);
    expect(log).toEqual(['a starts at 0']);
    clock.advance(1);
    expect(log.at(-1)).toBe('a 0-1 at 100');
    clock.advance(20);
    expect(log.slice(2)).toEqual(['a 1-2 at 110', 'a 2-3 at 120', 'a ends with 3 at 120']);
    expect(engine.counters.promptTokens).toBe(100);
    expect(engine.counters.generationTokens).toBe(3);
    expect(engine.counters.timeToFirstToken.sum).toBeCloseTo(0.1);
  });

  it('shares the prefill rate in order of arrival', () => {
    const { clock, engine, log, job } = bench();
    engine.submit(job('a', 100, 1));
    engine.submit(job('b', 50, 1));
    clock.advance(1000);
    expect(log.filter((line) => line.includes('ends'))).toEqual(['a ends with 1 at 100', 'b ends with 1 at 150']);
  });

  it('holds calls beyond its slots in a line, first come first served, and refuses beyond the line', () => {
    const { clock, engine, log, job } = bench();
    for (const name of ['a', 'b', 'c', 'd']) engine.submit(job(name, 10, 1));
    expect(engine.gauges()).toMatchObject({ running: 2, waiting: 2 });
    expect(() => engine.submit(job('e', 10, 1))).toThrow(expect.objectContaining({ status: 503 }));
    expect(engine.counters.rejections).toBe(1);
    clock.advance(1000);
    expect(log.filter((line) => line.includes('starts')).map((line) => line[0])).toEqual(['a', 'b', 'c', 'd']);
    expect(engine.counters.finished.stop).toBe(4);
    expect(engine.counters.queueTime.count).toBe(4);
  });

  it('frees a slot at once when a caller leaves, while running as while waiting', () => {
    const { clock, engine, log, job } = bench({ maxNumSeqs: 1 });
    const leaveA = engine.submit(job('a', 1000, 1000));
    const leaveB = engine.submit(job('b', 10, 1));
    engine.submit(job('c', 10, 1));
    leaveB();
    leaveA();
    leaveA();
    expect(log.at(-1)).toBe('c starts at 0');
    clock.advance(100);
    expect(engine.gauges()).toMatchObject({ running: 0, waiting: 0 });
    expect(engine.counters.finished).toEqual({ stop: 1, length: 0, abort: 2, error: 0 });
    expect(clock.pending).toBe(0);
  });

  it('gives those behind a caller who left only the time that comes after', () => {
    const { clock, engine, log, job } = bench();
    const leave = engine.submit(job('a', 1000, 1));
    engine.submit(job('b', 200, 1));
    clock.advance(500);
    leave();
    clock.advance(199);
    expect(engine.gauges().running).toBe(1);
    clock.advance(1);
    expect(log.at(-1)).toBe('b ends with 1 at 700');
  });

  it('makes nothing for a slow reader and does not make up for it later', () => {
    const { clock, engine, log, job } = bench({ prefillTokensPerSecond: 0 });
    let slow = false;
    engine.submit(job('a', 10, 100, { blocked: () => slow }));
    clock.advance(100);
    const before = log.length;
    slow = true;
    clock.advance(10_000);
    expect(log.length).toBe(before);
    slow = false;
    clock.advance(10);
    expect(engine.counters.generationTokens).toBeLessThan(14);
  });

  it('slows each stream by the number that run, when asked to', () => {
    const alone = bench({ prefillTokensPerSecond: 0, slowdownPerRunning: 1 });
    alone.engine.submit(alone.job('a', 10, 1000));
    alone.clock.advance(1000);
    const shared = bench({ prefillTokensPerSecond: 0, slowdownPerRunning: 1 });
    shared.engine.submit(shared.job('a', 10, 1000));
    shared.engine.submit(shared.job('b', 10, 1000));
    shared.clock.advance(1000);
    expect(alone.engine.counters.generationTokens).toBeGreaterThanOrEqual(100);
    expect(shared.engine.counters.generationTokens).toBeLessThanOrEqual(alone.engine.counters.generationTokens + 2);
  });

  it('computes only what no cache holds', () => {
    const { clock, engine, log, job } = bench();
    engine.submit(job('a', 161, 1));
    clock.advance(1000);
    engine.submit(job('a', 161, 1));
    clock.advance(1000);
    expect(log.at(-1)).toBe('a ends with 1 at 1001');
    expect(engine.counters.prefixCacheHits).toBe(160);
    expect(engine.counters.prefixCacheQueries).toBe(322);
    engine.resetPrefixCache();
    engine.submit(job('a', 161, 1));
    clock.advance(1000);
    expect(log.at(-1)).toBe('a ends with 1 at 2161');
  });

  it('ends calls in flight with what they have as it goes to sleep, and takes its time to wake', async () => {
    const { clock, engine, log, job } = bench({ prefillTokensPerSecond: 0, maxNumSeqs: 1 });
    engine.submit(job('a', 10, 100));
    engine.submit(job('b', 10, 100));
    clock.advance(50);
    engine.sleep(1);
    expect(log.slice(-2)).toEqual(['a ends with 6 at 50', 'b ends with 0 at 50']);
    expect(engine.counters.finished.abort).toBe(2);
    expect(() => engine.submit(job('c', 10, 1))).toThrow(expect.objectContaining({ status: 503 }));
    const awake = engine.wake();
    clock.advance(299);
    expect(engine.sleepLevel).toBe(1);
    clock.advance(1);
    await awake;
    expect(engine.healthy).toBe(true);
  });

  it('fails every call once its core has died', () => {
    const { clock, engine, log, job } = bench();
    engine.submit(job('a', 10, 100));
    engine.kill();
    expect(log.at(-1)).toBe('a fails with 500');
    expect(() => engine.submit(job('b', 10, 1))).toThrow(expect.objectContaining({ status: 500 }));
    clock.advance(100);
    expect(clock.pending).toBe(0);
  });

  it('sets no timer while nothing runs', () => {
    const { clock, engine, job } = bench();
    engine.submit(job('a', 10, 10));
    clock.advance(1000);
    expect(clock.pending).toBe(0);
  });
});
