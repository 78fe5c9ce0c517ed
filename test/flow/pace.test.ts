// What slot time a busy pool's calls are taken for, and how far by their size. For src/flow/pace.
import { describe, expect, it } from 'vitest';
import { isBusy, Pace } from '../../src/flow/pace.ts';
import { seeded } from './pool-sim.ts';

describe('the pace of a class', () => {
  it('is slot time over calls, whatever single calls took: eight of 100 ms', () => {
    const pace = new Pace();
    let nowMs = 0;
    pace.note(nowMs, 8, true);
    for (let call = 0; call < 200; call++) {
      nowMs += 12.5;
      pace.note(nowMs, 8, true);
      pace.ended(100);
    }
    expect(pace.callMs(nowMs, 40)).toBeCloseTo(100, 0);
  });

  it('is not learned while the pool is quiet, and until enough is learned the longer guess counts', () => {
    const pace = new Pace();
    pace.note(0, 2, false);
    pace.note(1_000, 2, true);
    expect(pace.callMs(1_000, null)).toBeNull();
    expect(pace.callMs(1_000, 40)).toBe(40);
    // Two for half a second, and none has ended.
    expect(pace.callMs(1_500, 40)).toBe(1_000);
    expect([isBusy(5, 8), isBusy(6, 8)]).toEqual([false, true]);
  });

  /** What a call of twice the usual tokens is taken for, after many whose time is what `msOf` says of their tokens. */
  const twice = (msOf: (tokens: number) => number) => {
    const random = seeded(7);
    const pace = new Pace();
    let nowMs = 0;
    pace.note(nowMs, 1, true);
    let sum = 0;
    for (let call = 0; call < 2_000; call++) {
      const tokens = 10 + random() ** 3 * 4_000;
      sum += tokens;
      nowMs += msOf(tokens);
      pace.note(nowMs, 1, true);
      pace.ended(tokens);
    }
    return pace.usual(1, (2 * sum) / 2_000);
  };

  it('goes by tokens where these tell a call’s time, and by calls where they do not', () => {
    expect(twice((tokens) => tokens)).toBeGreaterThan(1.7);
    expect(twice(() => 100)).toBeLessThan(1.2);
    const random = seeded(8);
    expect(twice(() => -Math.log(1 - random()) * 100)).toBeLessThan(1.35);
  });

  it('takes calls for usual ones while nothing is known of their size', () => {
    expect(new Pace().usual(3, 9_000)).toBe(3);
  });
});
