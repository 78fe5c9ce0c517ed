// Time in a simulation: in order, at once, and never ahead of promises. For src/simulation/clock.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../../src/simulation/clock.ts';
import { turn } from './turn.ts';

describe('the simulated clock', () => {
  it('runs timers in order of time, then of setting, whatever was cancelled between', async () => {
    const timer = fc.record({ ms: fc.integer({ min: 0, max: 20 }), cancelled: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(timer, { maxLength: 60 }), async (timers) => {
        const clock = new SimulatedClock(0);
        const ran: number[] = [];
        const set = timers.map(({ ms }, at) => clock.after(ms, () => ran.push(at)));
        for (const [at, { cancelled }] of timers.entries()) if (cancelled) set[at]!.cancel();
        const live = [...timers.keys()].filter((at) => !timers[at]!.cancelled);
        expect(clock.pending).toBe(live.length);
        await clock.run(turn, () => ran.length === live.length);
        expect(ran).toEqual(live.sort((a, b) => timers[a]!.ms - timers[b]!.ms || a - b));
      }),
    );
  });

  it('lets every promise settle before time goes on', async () => {
    const clock = new SimulatedClock(1_000);
    const seen: string[] = [];
    const chain = async (links: number) => {
      for (let link = 0; link < links; link++) await null;
      seen.push(`chain at ${clock.nowMs()}`);
    };
    clock.after(5, () => void chain(200));
    clock.after(6, () => seen.push(`timer at ${clock.nowMs()}`));
    expect(await clock.run(turn, () => seen.length === 2)).toBe(true);
    expect(seen).toEqual(['chain at 5', 'timer at 6']);
    expect(clock.wallMs()).toBe(1_006);
  });

  it('says so when nothing is left that could end it', async () => {
    const clock = new SimulatedClock(0);
    clock.after(5, () => {});
    expect(await clock.run(turn, () => false)).toBe(false);
    expect(clock.nowMs()).toBe(5);
  });

  it('holds no timers that were cancelled long ago', async () => {
    const clock = new SimulatedClock(0);
    let left = 200;
    const step = () => {
      for (let at = 0; at < 100; at++) clock.after(1e9, () => {}).cancel();
      if (--left > 0) clock.after(1, step);
    };
    clock.after(1, step);
    await clock.run(turn, () => left === 0);
    expect(clock.pending).toBe(0);
  });
});
