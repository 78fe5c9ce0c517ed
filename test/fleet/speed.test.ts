// What a worker's past replies, and those that are due, say of the next one. For src/fleet/speed.
import { describe, expect, it } from 'vitest';
import { WorkerSpeed } from '../../src/fleet/speed.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { seeded } from '../flow/limits/slot-engine.ts';
import { PrefillFleet } from './prefill-fleet.ts';

function taught(times = 100, msOf = (tokens: number) => 20 + tokens / 10) {
  const clock = new VirtualClock();
  const speed = new WorkerSpeed(clock);
  for (let i = 0; i < times; i++) speed.learn(200 + ((i * 373) % 4_000), 0, msOf(200 + ((i * 373) % 4_000)));
  return { clock, speed };
}

describe('the speed of a worker', () => {
  it('is unknown before anything was learned: an idle worker costs nothing, a busy one more than that', () => {
    const clock = new VirtualClock();
    const speed = new WorkerSpeed(clock);
    expect(speed.expectedMs(100_000)).toBe(0);
    speed.backlogTokens = 500;
    expect(speed.expectedMs(1)).toBeGreaterThan(0);
  });

  it('is a base and a rate, and what is to be read already comes first', () => {
    const { speed } = taught();
    expect(speed.expectedMs(1_000)).toBeGreaterThan(110);
    expect(speed.expectedMs(1_000)).toBeLessThan(130);
    expect(speed.expectedMs(20_000)).toBeGreaterThan(1_800);
    speed.backlogTokens = 4_000;
    expect(speed.expectedMs(1_000)).toBeGreaterThan(480);
  });

  it('is ever lower while a reply is due and does not come, and what it was once it has come', () => {
    const { clock, speed } = taught();
    speed.backlogTokens = 1_000;
    clock.advance(100);
    const before = speed.expectedMs(1_000);
    clock.advance(2_400);
    expect(speed.expectedMs(1_000)).toBeGreaterThan(10 * before);
    speed.backlogTokens = 0;
    expect(speed.expectedMs(1_000)).toBeLessThan(130);
  });

  it('a late reply counts at once; idle, it is forgotten by half in 30 s, but not the ordinary speed', () => {
    const { clock, speed } = taught();
    for (let i = 0; i < 5; i++) speed.learn(1_000, 0, 1_200);
    const slow = speed.expectedMs(1_000);
    expect(slow).toBeGreaterThan(900);
    clock.advance(30_000);
    expect(speed.expectedMs(1_000)).toBeLessThan(0.6 * slow);
    clock.advance(3_600_000);
    expect(speed.expectedMs(1_000)).toBeGreaterThan(110);
    expect(speed.expectedMs(1_000)).toBeLessThan(140);
  });

  it('one late reply hardly moves what is ordinary', () => {
    const { clock, speed } = taught();
    speed.learn(1_000, 0, 60_000);
    clock.advance(600_000);
    expect(speed.expectedMs(1_000)).toBeLessThan(140);
  });

  it('a long slow spell does not become what is ordinary', () => {
    const { clock, speed } = taught();
    for (let i = 0; i < 200; i++) speed.learn(1_000, 0, 1_200);
    clock.advance(3_600_000);
    expect(speed.expectedMs(1_000)).toBeLessThan(150);
  });

  it('one that was slow from the beginning and becomes quick is known to be quick after ten replies', () => {
    const { speed } = taught(200, (tokens) => 200 + tokens);
    for (let i = 0; i < 10; i++) speed.learn(1_000, 0, 120);
    expect(speed.expectedMs(1_000)).toBeLessThan(240);
  });

  it('a slow first reply does not stand against it for good', () => {
    const { clock, speed } = taught(1, () => 5_000);
    expect(speed.expectedMs(1_000)).toBeGreaterThan(1_000);
    clock.advance(180_000);
    expect(speed.expectedMs(1_000)).toBeLessThan(500);
    for (let i = 0; i < 40; i++) speed.learn(1_000, 0, 120);
    expect(speed.expectedMs(1_000)).toBeLessThan(180);
  });

  it('is drawn through what is known: others’ prompts before a call’s own are estimates, and may be far off', () => {
    const clock = new VirtualClock();
    const speed = new WorkerSpeed(clock);
    for (let i = 0; i < 100; i++) {
      for (const tokens of [500, 5_000, 20_000]) speed.learn(tokens, 0, 20 + tokens / 10);
      // Four times what was really read for the others, whose prompts were cached after all.
      speed.learn(500, 40_000, 20 + 10_500 / 10);
    }
    expect(speed.expectedMs(100_000)).toBeGreaterThan(7_000);
    expect(speed.expectedMs(100_000)).toBeLessThan(12_000);
  });

  it('a short prompt that was held up says little of how long a long one takes', () => {
    const { speed } = taught(100, (tokens) => tokens / 10);
    speed.learn(50_000, 0, 5_000);
    const before = speed.expectedMs(100_000);
    speed.learn(40, 0, 4_000);
    expect(speed.expectedMs(100_000)).toBeLessThan(3 * before);
    for (let i = 0; i < 5; i++) speed.learn(50_000, 0, 50_000);
    expect(speed.expectedMs(100_000)).toBeGreaterThan(5 * before);
  });

  it('while a short one is due and does not come, all come as much later as it is late', () => {
    const { clock, speed } = taught();
    speed.backlogTokens = 30;
    const before = speed.expectedMs(100_000);
    clock.advance(5_000);
    expect(speed.expectedMs(100_000)).toBeGreaterThan(before + 4_900);
    expect(speed.expectedMs(100_000)).toBeLessThan(before + 5_100);
  });

  it('what makes no sense is not learned', () => {
    const { speed } = taught();
    const before = speed.expectedMs(1_000);
    for (const [tokens, ms] of [
      [Number.NaN, 1],
      [1, Number.NaN],
      [-5, 10],
      [10, -5],
      [10, Number.POSITIVE_INFINITY],
    ])
      speed.learn(tokens!, 0, ms!);
    expect(speed.expectedMs(1_000)).toBe(before);
  });
});

describe('calls that go where first content is expected soonest', () => {
  const CALLS = 20_000;

  for (const seed of [1, 2, 3]) {
    it(`one of four that is 10 times slower gets under 1 % of them (seed ${seed})`, () => {
      const fleet = new PrefillFleet(4, seeded(seed));
      fleet.all[1]!.slowness = 10;
      fleet.run(500, 15);
      fleet.run(CALLS, 15);
      expect(fleet.shareOf(1)).toBeLessThan(0.01);
    });

    it(`one that turns 10 times slower, too; when it is well again, it gets its part again (seed ${seed})`, () => {
      const fleet = new PrefillFleet(4, seeded(seed));
      fleet.run(2_000, 15);
      expect(fleet.shareOf(1)).toBeGreaterThan(0.2);
      fleet.all[1]!.slowness = 10;
      fleet.run(CALLS, 15);
      expect(fleet.shareOf(1)).toBeLessThan(0.01);
      fleet.all[1]!.slowness = 1;
      fleet.run(6_000, 15);
      fleet.run(2_000, 15);
      expect(fleet.shareOf(1)).toBeGreaterThan(0.15);
    });
  }

  it('one that hangs is left after a handful', () => {
    const fleet = new PrefillFleet(4, seeded(4));
    fleet.run(2_000, 15);
    fleet.all[2]!.hung = true;
    fleet.run(2_000, 15);
    expect(fleet.all[2]!.got).toBeLessThan(10);
  });

  it('equal ones share evenly, whatever the load', () => {
    for (const perSecond of [2, 15, 25]) {
      const fleet = new PrefillFleet(4, seeded(5));
      fleet.run(4_000, perSecond);
      for (let at = 0; at < 4; at++) {
        expect(fleet.shareOf(at)).toBeGreaterThan(0.18);
        expect(fleet.shareOf(at)).toBeLessThan(0.32);
      }
    }
  });
});
