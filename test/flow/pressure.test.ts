// Decides what a process sheds while its memory or its event loop runs short, in which order, and for how long.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRIORITIES, type Priority, ROUTE_CLASSES, type RouteClass } from '../../src/core/names.ts';
import { PressureLadder } from '../../src/flow/pressure.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';

const CALM = { heapShare: 0.3, loopLagMs: 0 };
const EVERY_MS = 250;
const HEAP_MARKS = [0.8, 0.85, 0.9, 0.925, 0.95];
const LAG_MARKS_MS = [200, 400, 800, 1600, 3200];

function started() {
  const clock = new VirtualClock();
  const ladder = new PressureLadder(clock);
  const tell = (load: Partial<typeof CALM>) => {
    const { heapShare, loopLagMs } = { ...CALM, ...load };
    ladder.noteHeap(heapShare);
    ladder.noteLag(loopLagMs);
  };
  return {
    ladder,
    /** Measures the same again and again for so long. */
    hold(load: Partial<typeof CALM>, forMs: number) {
      for (let passedMs = 0; passedMs < forMs; passedMs += EVERY_MS) {
        clock.advance(EVERY_MS);
        tell(load);
      }
      return ladder.step;
    },
    note(load: Partial<typeof CALM>, afterMs = EVERY_MS) {
      clock.advance(afterMs);
      tell(load);
      return ladder.step;
    },
  };
}

/** What is left of a class and its bands, as `chat:critical`. */
function served(ladder: PressureLadder): string[] {
  return ROUTE_CLASSES.flatMap((one) =>
    PRIORITIES.filter((band) => !ladder.sheds(one, band)).map((band) => `${one}:${band}`),
  );
}

const urgent = ['chat', 'embed', 'rerank'] as const;
const bands = (...kept: Priority[]) => urgent.flatMap((one) => kept.map((band) => `${one}:${band}`));

describe('memory', () => {
  it.each([
    [0.79, 0],
    [0.8, 1],
    [0.85, 2],
    [0.9, 3],
    [0.925, 4],
    [0.95, 5],
    [1.2, 5],
  ])('F086 a heap at %d calls for step %i at once', (heapShare, step) => {
    expect(started().note({ heapShare })).toBe(step);
  });

  it('F086 sheds class batch first, then background, then band by band; at 95 % nobody is served', () => {
    const { ladder, note } = started();
    expect(served(ladder)).toHaveLength(ROUTE_CLASSES.length * PRIORITIES.length);
    note({ heapShare: 0.8 });
    expect(served(ladder)).toEqual(bands('critical', 'interactive', 'batch', 'background'));
    note({ heapShare: 0.85 });
    expect(served(ladder)).toEqual(bands('critical', 'interactive', 'batch'));
    note({ heapShare: 0.9 });
    expect(served(ladder)).toEqual(bands('critical', 'interactive'));
    note({ heapShare: 0.925 });
    expect(served(ladder)).toEqual(bands('critical'));
    note({ heapShare: 0.95 });
    expect(served(ladder)).toEqual([]);
  });

  it('F086 connections are asked to close from 90 % on, until memory is calm again', () => {
    const { ladder, note, hold } = started();
    note({ heapShare: 0.89 });
    expect(ladder.closesConnections).toBe(false);
    note({ heapShare: 0.9 });
    expect(ladder.closesConnections).toBe(true);
    hold({ heapShare: 0.82 }, 60_000);
    expect(ladder.closesConnections).toBe(true);
    hold({ heapShare: 0.5 }, 5_500);
    expect(ladder.closesConnections).toBe(false);
  });

  it('F086 a step is left after 5 s below nine tenths of its mark, and they are left one by one', () => {
    const { note, hold } = started();
    note({ heapShare: 0.95 });
    expect(hold({ heapShare: 0.86 }, 60_000)).toBe(5);
    expect(hold({ heapShare: 0.1 }, 5_000)).toBe(5);
    expect(hold({ heapShare: 0.1 }, 250)).toBe(4);
    expect(hold({ heapShare: 0.1 }, 5_000)).toBe(3);
    // One measurement that is not calm begins the wait anew.
    hold({ heapShare: 0.1 }, 4_500);
    note({ heapShare: 0.82 });
    expect(hold({ heapShare: 0.1 }, 5_000)).toBe(3);
    expect(hold({ heapShare: 0.1 }, 250)).toBe(2);
    expect(hold({ heapShare: 0.1 }, 10_000)).toBe(0);
  });
});

describe('a late event loop', () => {
  it('F087 sheds class batch once it has been later than 200 ms for one second, and not before', () => {
    const { ladder, hold, note } = started();
    expect(hold({ loopLagMs: 250 }, 1_000)).toBe(0);
    expect(note({ loopLagMs: 250 })).toBe(1);
    expect(ladder.sheds('batch', 'critical')).toBe(true);
    expect(ladder.sheds('chat', 'background')).toBe(false);
    expect(hold({ loopLagMs: 399 }, 60_000)).toBe(1);
  });

  it('F087 sheds interactive calls as the lateness doubles, a step at a time', () => {
    const { ladder, note } = started();
    const steps = Array.from({ length: 8 }, () => note({ loopLagMs: 1_700 }, 1_950));
    expect(steps).toEqual([1, 2, 3, 4, 4, 4, 4, 4]);
    expect(served(ladder)).toEqual(bands('critical'));
    expect(note({ loopLagMs: 4_300 }, 4_550)).toBe(5);
    expect(ladder.closesConnections).toBe(false);
  });

  it('F087 one stall counts from when it passed the mark: a short one is nothing, a long one is one step', () => {
    expect(started().note({ loopLagMs: 1_150 }, 1_400)).toBe(0);
    const { note, hold } = started();
    expect(note({ loopLagMs: 30_000 }, 30_250)).toBe(1);
    expect(hold(CALM, 5_000)).toBe(1);
    expect(hold(CALM, 250)).toBe(0);
  });

  it('F087 a calm measurement in between begins the second anew', () => {
    const { hold, note } = started();
    for (let round = 0; round < 10; round++) {
      expect(hold({ loopLagMs: 300 }, 750)).toBe(0);
      expect(note({ loopLagMs: 50 })).toBe(0);
    }
  });

  it('memory that stays below its marks does not hold a step that the loop has left', () => {
    const { hold } = started();
    expect(hold({ loopLagMs: 300, heapShare: 0.79 }, 2_000)).toBe(1);
    expect(hold({ heapShare: 0.79 }, 6_000)).toBe(0);
  });
});

describe('whatever comes', () => {
  const load = fc.record({
    heapShare: fc.double({ min: 0, max: 1.2, noNaN: true }),
    loopLagMs: fc.double({ min: 0, max: 8_000, noNaN: true }),
    times: fc.integer({ min: 1, max: 30 }),
  });
  const loads = fc.array(load, { minLength: 1, maxLength: 40 });

  it('F086 F087 less urgent bands go before more urgent ones, and class batch before all', () => {
    fc.assert(
      fc.property(loads, (steps) => {
        const { ladder, note } = started();
        for (const one of steps) {
          note(one);
          for (const routeClass of urgent satisfies readonly RouteClass[]) {
            const shed = PRIORITIES.map((band) => ladder.sheds(routeClass, band));
            expect(shed).toEqual([...shed].sort((a, b) => Number(a) - Number(b)));
            if (shed.includes(true)) expect(PRIORITIES.every((band) => ladder.sheds('batch', band))).toBe(true);
          }
          if (ladder.closesConnections) expect(ladder.step).toBeGreaterThanOrEqual(3);
        }
      }),
    );
  });

  it('F086 F087 memory is obeyed at once, the loop by one step; steps are left one by one and 5 s apart', () => {
    fc.assert(
      fc.property(loads, (steps) => {
        const { ladder, note } = started();
        let nowMs = 0;
        let changedMs = 0;
        /** Since when each measure has been calm enough to leave each step. */
        const calmSinceMs = { heap: HEAP_MARKS.map(() => 0), lag: LAG_MARKS_MS.map(() => 0) };
        for (const { times, ...one } of steps) {
          for (let i = 0; i < times; i++) {
            const before = ladder.step;
            nowMs += EVERY_MS;
            const step = note(one);
            const wanted = HEAP_MARKS.filter((mark) => one.heapShare >= mark).length;
            expect(step).toBeGreaterThanOrEqual(wanted);
            expect(step).toBeLessThanOrEqual(Math.max(before + 1, wanted));
            expect(step).toBeGreaterThanOrEqual(before - 1);
            for (let at = 0; at < HEAP_MARKS.length; at++) {
              if (one.heapShare >= HEAP_MARKS[at]! * 0.9) calmSinceMs.heap[at] = nowMs + EVERY_MS;
              if (one.loopLagMs >= LAG_MARKS_MS[at]! * 0.9) calmSinceMs.lag[at] = nowMs + EVERY_MS;
            }
            if (step < before) {
              expect(nowMs - changedMs).toBeGreaterThanOrEqual(5_000);
              const sinceMs = Math.min(calmSinceMs.heap[before - 1]!, calmSinceMs.lag[before - 1]!);
              expect(nowMs - sinceMs).toBeGreaterThanOrEqual(5_000);
              expect(one.heapShare).toBeLessThan(HEAP_MARKS[before - 1]!);
            }
            if (step !== before) changedMs = nowMs;
          }
        }
      }),
    );
  });

  it('half a minute of calm ends all of it', () => {
    fc.assert(
      fc.property(loads, (steps) => {
        const { ladder, note, hold } = started();
        for (const one of steps) note(one);
        expect(hold(CALM, 5 * 5_250)).toBe(0);
        expect(served(ladder)).toHaveLength(ROUTE_CLASSES.length * PRIORITIES.length);
        expect(ladder.closesConnections).toBe(false);
      }),
    );
  });
});
