// Slots of a known capacity, workers that come up, go down and slow down. For src/simulation/slots, door and faults.
import { describe, expect, it } from 'vitest';
import { WORKER_PROFILES } from '../../src/simulation/constants.ts';
import { Door } from '../../src/simulation/door.ts';
import { schedule } from '../../src/simulation/faults.ts';
import { SlotsEngine } from '../../src/simulation/slots.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { submit } from './engine-jobs.ts';

describe('an engine of slots', () => {
  it('serves exactly as many calls at once as it has slots, each for its time', () => {
    const clock = new VirtualClock();
    const engine = new SlotsEngine({ ...WORKER_PROFILES.slots, slots: 2, maxQueued: 1 }, clock);
    const jobs = [1, 2, 3, 4].map(() => submit(engine, clock, {}));
    expect(jobs[3]!.answer).toBe('full');
    clock.advance(1_000);
    expect(jobs.slice(0, 3).map(({ endedMs }) => endedMs)).toEqual([100, 100, 200]);
    expect(engine.totals().callMs).toBe(400);
  });

  it('takes longer from the moment on at which it is slow, and as long as before afterwards', () => {
    const clock = new VirtualClock();
    const engine = new SlotsEngine(WORKER_PROFILES.slots, clock);
    const job = submit(engine, clock, {});
    clock.advance(50);
    engine.slow(10);
    clock.advance(100);
    engine.slow(1);
    clock.advance(100);
    expect(job.endedMs).toBe(50 + 100 + 40);
  });

  it('frees the slot of a caller who left, also of one in its queue', () => {
    const clock = new VirtualClock();
    const engine = new SlotsEngine({ ...WORKER_PROFILES.slots, slots: 1, maxQueued: 2 }, clock);
    const [runs, waits, last] = [1, 2, 3].map(() => submit(engine, clock, {}));
    (waits!.answer as () => void)();
    clock.advance(30);
    (runs!.answer as () => void)();
    clock.advance(1_000);
    expect([runs!.endedMs, waits!.endedMs, last!.endedMs]).toEqual([null, null, 130]);
    expect([engine.running, engine.waiting, clock.pending]).toEqual([0, 0, 0]);
  });
});

describe('a worker', () => {
  it('comes up stage by stage', () => {
    const clock = new VirtualClock();
    const startUp = [
      { forMs: 10, answers: 'refused' },
      { forMs: 20, answers: 503 },
    ] as const;
    const door = new Door('chat/1', { ...WORKER_PROFILES.slots, startUp }, clock);
    const seen = [0, 9, 1, 19, 1].map((ms) => {
      clock.advance(ms);
      return door.closed;
    });
    expect(seen).toEqual(['refused', 'refused', 503, 503, null]);
  });

  it('flaps as long as it is told to, cutting what it has', () => {
    const clock = new VirtualClock();
    const door = new Door('chat/1', WORKER_PROFILES.slots, clock);
    schedule({ kind: 'flapping', downMs: 20, upMs: 30, fromMs: 110, untilMs: 170 }, door, clock);
    const job = submit(door.engine, clock, {});
    clock.advance(50);
    const late = submit(door.engine, clock, {});
    const states: unknown[] = [];
    for (let ms = 50; ms <= 210; ms += 10) {
      states.push(door.closed === null ? '+' : '-');
      clock.advance(10);
    }
    expect(states.join('')).toBe('++++++--+++--++++');
    expect([job.endedMs, late.cutMs]).toEqual([100, 110]);
  });

  it('is slow for its time', () => {
    const clock = new VirtualClock();
    const door = new Door('chat/1', WORKER_PROFILES.slots, clock);
    schedule({ kind: 'slow', factor: 3, fromMs: 100, untilMs: 500 }, door, clock);
    const took = [0, 150, 600].map((atMs) => {
      clock.advance(atMs - clock.nowMs());
      const job = submit(door.engine, clock, {});
      return () => job.endedMs! - atMs;
    });
    clock.advance(1_000);
    expect(took.map((ms) => ms())).toEqual([100, 300, 100]);
  });
});
