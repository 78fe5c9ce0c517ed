// What a worker has done of late, by the calls that ended there. For src/fleet/worker, as the scorer recent-work sees it.
import { expect, it } from 'vitest';
import { PoolWorker } from '../../src/fleet/worker.ts';
import { Breaker, DEFAULT_BREAKER } from '../../src/upstream/breaker.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { fixedLimit, report } from './fleets.ts';

function made() {
  const clock = new VirtualClock();
  const worker = new PoolWorker({
    id: 'p/1',
    headers: [],
    limit: fixedLimit(4).createLimit(),
    state: 'warm',
    breaker: new Breaker(DEFAULT_BREAKER, clock, () => 0.5),
    clock,
    expectedReadyMs: 0,
  });
  return { clock, worker };
}

it('a worker’s recent work is what was read and twice what was made, and fades in minutes', () => {
  const { clock, worker } = made();
  expect(worker.recentWork(clock.nowMs())).toBe(0);
  worker.record(report({ uncachedTokens: 9_000, outputTokens: 500 }));
  expect(worker.recentWork(clock.nowMs())).toBe(10_000);
  expect(worker.recentWork(clock.nowMs() + 300_000)).toBeCloseTo(10_000 / Math.E);
});

it('a call counts from its slot on by what it is expected to read, and in the end by what it did', () => {
  const { clock, worker } = made();
  worker.backlogTokens += 8_000;
  expect(worker.recentWork(clock.nowMs())).toBe(8_000);
  worker.backlogTokens -= 8_000;
  expect(worker.recentWork(clock.nowMs())).toBe(8_000);
  worker.record(report({ expectedTokens: 8_000, uncachedTokens: 2_000, outputTokens: 50 }));
  expect(worker.recentWork(clock.nowMs())).toBe(2_100);
});

it('calls that a worker never began to answer are no work of its', () => {
  const { clock, worker } = made();
  for (const outcome of ['failed', 'ignored'] as const) {
    worker.backlogTokens += 1_000;
    worker.backlogTokens -= 1_000;
    worker.record(report({ outcome, expectedTokens: 1_000 }));
    expect(worker.recentWork(clock.nowMs())).toBe(0);
  }
  worker.record(report({ outcome: 'ignored', firstContentMs: 10, uncachedTokens: 700, outputTokens: 0 }));
  expect(worker.recentWork(clock.nowMs())).toBe(700);
});
