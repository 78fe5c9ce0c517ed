// How a worker's state follows from what it answers to health questions. For src/fleet/probe and its engines.
import { afterEach, describe, expect, it } from 'vitest';
import { engines } from '../../src/fleet/engines/index.ts';
import { playedSource, poolPlan, testFleet, urlWorker } from './fleets.ts';
import type { ProbeAnswer } from './scripted-probes.ts';

const ORIGIN = 'http://w:8000';
let made: ReturnType<typeof testFleet>[] = [];
afterEach(async () => {
  for (const { fleet, clock } of made) {
    await fleet.close();
    expect(clock.pending).toBe(0);
  }
  made = [];
});

function watched(answer: ProbeAnswer | null, engine: keyof typeof engines = 'vllm') {
  const parts = testFleet();
  made.push(parts);
  if (answer !== null) parts.probes.answer(ORIGIN, answer);
  parts.fleet.apply([poolPlan([urlWorker(`${ORIGIN}/base/`, { headers: ['authorization', 'Bearer k'] })], { engine })]);
  return { ...parts, worker: parts.fleet.pools.get('p')!.workers[0]! };
}

describe('a worker at an address', () => {
  it('is tried before its first answer, and warm after it', async () => {
    const { worker, clock, probes } = watched(200);
    expect(worker.state).toBe('unknown');
    expect(worker.admits(clock.nowMs(), 'm')).toBe(true);
    await clock.advanceSettling(0);
    expect(worker.state).toBe('warm');
    expect(probes.asked[0]).toEqual({
      origin: ORIGIN,
      path: '/base/health',
      method: 'GET',
      headers: ['authorization', 'Bearer k'],
      body: null,
    });
  });

  it('is asked again every 5 s while warm, every second while unhealthy', async () => {
    const { clock, probes, worker } = watched(200);
    await clock.advanceSettling(0);
    await clock.advanceSettling(20_000);
    expect(probes.asked).toHaveLength(5);
    probes.answer(ORIGIN, 503);
    await clock.advanceSettling(5_000);
    expect(worker.state).toBe('unhealthy');
    const before = probes.asked.length;
    await clock.advanceSettling(10_000);
    expect(probes.asked.length - before).toBe(10);
  });

  it('is starting, not broken, while it never answered, and learns how long that took', async () => {
    const { worker, clock, probes } = watched('refused');
    await clock.advanceSettling(1_000);
    expect(worker.state).toBe('starting');
    expect(worker.admits(clock.nowMs(), 'm')).toBe(false);
    await clock.advanceSettling(30_000);
    probes.answer(ORIGIN, 200);
    await clock.advanceSettling(200);
    expect(worker.state).toBe('warm');
    expect(worker.expectedReadyMs).toBeGreaterThanOrEqual(30_000);
    expect(worker.expectedReadyMs).toBeLessThanOrEqual(31_200);
  });

  it('may lose one answer; two in a row make it unhealthy, the next one heals it', async () => {
    const { worker, clock, probes } = watched(200);
    await clock.advanceSettling(0);
    probes.answer(ORIGIN, 'refused');
    await clock.advanceSettling(5_000);
    expect(worker.state).toBe('warm');
    probes.answer(ORIGIN, 200);
    await clock.advanceSettling(5_000);
    probes.answer(ORIGIN, 'refused');
    await clock.advanceSettling(10_000);
    expect(worker.state).toBe('unhealthy');
    expect(worker.admits(clock.nowMs(), 'm')).toBe(false);
    probes.answer(ORIGIN, 200);
    await clock.advanceSettling(1_000);
    expect(worker.state).toBe('warm');
  });

  it('that never answers costs one open question at a time, given up after 2 s', async () => {
    const { worker, clock, probes } = watched('silent');
    await clock.advanceSettling(1_999);
    expect([probes.asked.length, probes.aborted]).toEqual([1, 0]);
    await clock.advanceSettling(1);
    expect([worker.state, probes.aborted]).toEqual(['starting', 1]);
  });

  it('a question that is open when the fleet closes is given up there and then', async () => {
    const { fleet, clock, probes } = watched('silent');
    await clock.advanceSettling(0);
    await fleet.close();
    expect([probes.aborted, clock.pending]).toEqual([1, 0]);
  });

  it('each change of state is logged once, without address or headers', async () => {
    const { clock, log, probes } = watched(200);
    await clock.advanceSettling(20_000);
    probes.answer(ORIGIN, 500);
    await clock.advanceSettling(20_000);
    expect(log.of('worker').map(({ fields }) => fields)).toEqual([
      { worker: 'p/1', state: 'warm' },
      { worker: 'p/1', state: 'unhealthy' },
    ]);
  });

  it('of an engine without a health question is never asked', async () => {
    const { worker, clock, probes } = watched(200, 'openai');
    await clock.advanceSettling(60_000);
    expect(probes.asked).toEqual([]);
    expect(worker.state).toBe('unknown');
    expect(worker.admits(clock.nowMs(), 'm')).toBe(true);
  });
});

describe('engines', () => {
  const states: [keyof typeof engines, number, string][] = [
    ['vllm', 200, 'warm'],
    ['vllm', 503, 'unhealthy'],
    ['vllm', 404, 'unhealthy'],
    ['llama-cpp', 200, 'warm'],
    ['llama-cpp', 503, 'starting'],
    ['llama-cpp', 500, 'unhealthy'],
  ];
  it.each(states)('%s answers %d: %s', (name, status, state) => {
    const engine = engines[name].create({}, undefined);
    expect(engine.healthPath).toBe('/health');
    expect(engine.stateOf(status)).toBe(state);
  });
});

describe('a worker that a source brings up', () => {
  it('starts without an address, comes up at one, goes and comes back', async () => {
    const parts = testFleet();
    made.push(parts);
    const { fleet, clock, probes } = parts;
    const played = playedSource(5_000);
    fleet.apply([poolPlan([{ ...urlWorker('x'), url: null, source: () => played.source }])]);
    const worker = fleet.pools.get('p')!.workers[0]!;
    expect([worker.state, worker.origin, worker.expectedReadyMs, played.started]).toEqual([
      'starting',
      '',
      5_000,
      true,
    ]);
    expect(worker.admits(0, 'm')).toBe(false);
    await clock.advanceSettling(700);
    probes.answer(ORIGIN, 200);
    played.at(ORIGIN);
    await clock.advanceSettling(0);
    expect([worker.state, worker.origin, worker.expectedReadyMs]).toEqual(['warm', ORIGIN, 700]);
    played.at(null);
    expect([worker.state, worker.origin, worker.admits(clock.nowMs(), 'm')]).toEqual(['starting', '', false]);
    const asked = probes.asked.length;
    await clock.advanceSettling(10_000);
    expect(probes.asked.length).toBe(asked);
    probes.answer('http://w:9000', 200);
    played.at('http://w:9000');
    await clock.advanceSettling(0);
    expect([worker.state, worker.origin]).toEqual(['warm', 'http://w:9000']);
  });
});
