// When a batching engine's calls start, begin to answer and end: to the millisecond. For src/simulation/batching.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchingEngine } from '../../src/simulation/batching.ts';
import type { BatchingProfile } from '../../src/simulation/profiles.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { blocksFrom, submit } from './engine-jobs.ts';

const PROFILE: BatchingProfile = {
  kind: 'batching',
  prefillTokensPerSecond: 1_000,
  chunkTokens: null,
  stepMs: 10,
  stepMsPerRunning: 0,
  maxRunning: 8,
  kvTokens: 100_000,
  offloadTokens: 0,
  kvHolds: true,
  overheadMs: 0,
  maxQueued: null,
  startUp: [],
};

function engine(profile: Partial<BatchingProfile> = {}) {
  const clock = new VirtualClock();
  return { clock, engine: new BatchingEngine({ ...PROFILE, ...profile }, clock) };
}

describe('a batching engine', () => {
  it('reads prompts one after the other, and each makes its tokens at its own pace', () => {
    const { clock, engine: model } = engine();
    const first = submit(model, clock, { inputTokens: 500, outputTokens: 11 });
    const second = submit(model, clock, { inputTokens: 100, outputTokens: 1 });
    clock.advance(5_000);
    expect([first.contentMs, first.endedMs]).toEqual([500, 600]);
    expect([second.contentMs, second.endedMs]).toEqual([600, 600]);
  });

  it('makes tokens more slowly the more calls run', () => {
    const { clock, engine: model } = engine({ stepMsPerRunning: 5 });
    const jobs = [1, 2].map(() => submit(model, clock, { inputTokens: 1, outputTokens: 101 }));
    clock.advance(10_000);
    // 10 + 2 × 5 ms a step while both run; the first is a step's worth of reading ahead.
    expect(jobs[0]!.endedMs).toBeCloseTo(1 + 100 * 20, 0);
    expect(jobs[1]!.endedMs).toBeCloseTo(2 + 100 * 20, 0);
  });

  it('lets running calls wait for a prompt that is read in chunks, and the prompt for them', () => {
    const { clock, engine: model } = engine({ chunkTokens: 100 });
    const runs = submit(model, clock, { inputTokens: 1, outputTokens: 101 });
    clock.advance(1.1);
    const begun = runs.contentMs;
    expect(begun).toBeCloseTo(1.1, 1);
    const long = submit(model, clock, { inputTokens: 1_000, outputTokens: 1 });
    clock.advance(60_000);
    // Ten chunks, each a step of 100 + 10 ms, in which the other call makes ten tokens.
    expect(long.contentMs! - 1.1).toBeCloseTo(1_100, 3);
    expect(runs.endedMs! - 1.1).toBeCloseTo(1_100 + 90 * 10, 3);
  });

  it('runs no more than its width; who waits beyond its queue is told that it is full', () => {
    const { clock, engine: model } = engine({ maxRunning: 1, maxQueued: 1 });
    const [first, second, third] = [1, 2, 3].map(() => submit(model, clock, { inputTokens: 100, outputTokens: 1 }));
    expect(third!.answer).toBe('full');
    expect([model.running, model.waiting]).toEqual([1, 1]);
    clock.advance(1_000);
    expect([first!.endedMs, second!.startedMs, second!.endedMs]).toEqual([100, 100, 200]);
  });

  it('reads what it remembers of a prompt only once, and forgets the oldest first', () => {
    const { clock, engine: model } = engine({ kvTokens: 1_000 });
    const run = (first: number, blocks = 4) => {
      const job = submit(model, clock, { inputTokens: blocks * 100 + 50, blocks: blocksFrom(first, blocks) });
      clock.advance(2_000);
      return job.cachedTokens;
    };
    expect([run(0), run(0), run(100), run(0)]).toEqual([0, 400, 0, 400]);
    // Room for 1,000 tokens: three blocks more and their own 51 push out the last two of the prompt that was used before.
    expect([run(200, 3), run(0), run(100)]).toEqual([0, 400, 200]);
  });

  it('holds a call back until there is memory for it and its answer, and refuses one for which there never is', () => {
    const { clock, engine: model } = engine({ kvTokens: 1_000 });
    const first = submit(model, clock, { inputTokens: 500, outputTokens: 100 });
    const second = submit(model, clock, { inputTokens: 400, outputTokens: 1 });
    const never = submit(model, clock, { inputTokens: 990, outputTokens: 11 });
    expect(never.answer).toBe('too_long');
    expect(second.startedMs).toBeNull();
    expect(model.memoryShare).toBeCloseTo(0.6);
    clock.advance(5_000);
    expect(second.startedMs).toBe(first.endedMs);
    expect(model.memoryShare).toBe(0);
  });

  it('knows prompts that it is said to have read before', () => {
    const { clock, engine: model } = engine();
    const known = submit(model, clock, { inputTokens: 450, blocks: blocksFrom(0, 4), isKnown: true });
    clock.advance(1_000);
    expect([known.cachedTokens, known.contentMs]).toEqual([400, 50]);
  });

  it('remembers beyond its own memory what the memory behind it takes', () => {
    const { clock, engine: model } = engine({ kvTokens: 500, offloadTokens: 500 });
    for (const first of [0, 100]) {
      submit(model, clock, { inputTokens: 400, blocks: blocksFrom(first, 4) });
      clock.advance(1_000);
    }
    const again = submit(model, clock, { inputTokens: 400, blocks: blocksFrom(0, 4) });
    expect(again.cachedTokens).toBe(399);
  });

  it('gives the place of a caller who left to the next, and keeps of its prompt what was read', () => {
    const { clock, engine: model } = engine({ maxRunning: 1 });
    const gone = submit(model, clock, { inputTokens: 1_000, blocks: blocksFrom(0, 10) });
    const next = submit(model, clock, { inputTokens: 1_000, blocks: blocksFrom(0, 10) });
    clock.advance(350);
    (gone.answer as () => void)();
    expect(next.startedMs).toBe(350);
    expect(next.cachedTokens).toBe(300);
    clock.advance(1_000);
    (gone.answer as () => void)();
    expect([gone.endedMs, next.endedMs]).toEqual([null, 1_050]);
  });

  it('slows down at once, also what it is in the middle of', () => {
    const { clock, engine: model } = engine();
    const job = submit(model, clock, { inputTokens: 100, outputTokens: 1 });
    clock.advance(50);
    model.slow(10);
    clock.advance(10_000);
    expect(job.endedMs).toBe(550);
  });

  it('cuts all it has when it goes down, and remembers nothing', () => {
    const { clock, engine: model } = engine();
    const before = submit(model, clock, { inputTokens: 200, blocks: blocksFrom(0, 2) });
    clock.advance(1_000);
    const runs = submit(model, clock, { inputTokens: 200, blocks: blocksFrom(0, 2), outputTokens: 100 });
    clock.advance(5);
    model.restart();
    expect([before.endedMs, runs.cutMs]).toEqual([200, 1_005]);
    const after = submit(model, clock, { inputTokens: 200, blocks: blocksFrom(0, 2) });
    clock.advance(1_000);
    expect([after.cachedTokens, runs.endedMs]).toEqual([0, null]);
  });

  it('ends every call, holds nothing afterwards and counts each token once', () => {
    const size = fc.record({
      inputTokens: fc.integer({ min: 0, max: 900 }),
      outputTokens: fc.integer({ min: 0, max: 50 }),
      first: fc.integer({ min: 0, max: 5 }),
      afterMs: fc.integer({ min: 0, max: 300 }),
    });
    const shapes = fc.record({ chunkTokens: fc.constantFrom(null, 64), maxRunning: fc.integer({ min: 1, max: 4 }) });
    fc.assert(
      fc.property(fc.array(size, { maxLength: 25 }), shapes, (sizes, shape) => {
        const { clock, engine: model } = engine({ ...shape, kvTokens: 2_000 });
        const jobs = sizes.map(({ inputTokens, outputTokens, first, afterMs }) => {
          clock.advance(afterMs);
          const blocks = blocksFrom(first * 100, Math.floor(inputTokens / 100));
          return submit(model, clock, { inputTokens, outputTokens, blocks });
        });
        clock.advance(1e6);
        expect(jobs.filter(({ endedMs }) => endedMs === null)).toEqual([]);
        for (const { startedMs, contentMs, endedMs } of jobs) {
          expect(contentMs).toBeGreaterThanOrEqual(startedMs!);
          expect(endedMs).toBeGreaterThanOrEqual(contentMs!);
        }
        expect([model.running, model.waiting, model.memoryShare, clock.pending]).toEqual([0, 0, 0, 0]);
        const { prefilled, decoded } = model.totals();
        const read = sizes.reduce((sum, { inputTokens }, at) => sum + inputTokens - jobs[at]!.cachedTokens, 0);
        expect(prefilled).toBeCloseTo(read, 2);
        expect(decoded).toBeCloseTo(
          sizes.reduce((sum, { outputTokens }) => sum + outputTokens, 0),
          2,
        );
      }),
    );
  });
});
