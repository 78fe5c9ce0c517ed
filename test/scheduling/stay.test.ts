// When a run stays where its prompt is, waits for it or moves on. For src/scheduling/stay, through the scheduler.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProfileSpec } from '../../src/core/schedule.ts';
import { Candidates } from '../../src/scheduling/candidates.ts';
import { profiles } from '../../src/scheduling/profiles.ts';
import { createScheduler } from '../../src/scheduling/scheduler.ts';
import { type CallShape, call, lot, parts, type TestWorker, worker } from './workers.ts';

const TOKENS = 100_000;
const SPEED = 10;
const fast = (id: string, more: Partial<TestWorker> = {}) => worker(id, 4, { baseMs: 50, tokensPerMs: SPEED, ...more });

function pick(
  workers: readonly TestWorker[],
  shape: CallShape,
  nowMs = 0,
  waiting = 0,
  profile: ProfileSpec = profiles.sticky,
): string {
  const random = lot();
  const index = new Candidates(random);
  index.replace(workers);
  const picked = createScheduler(profile, parts, random).pick(index, call(shape), nowMs, waiting);
  return typeof picked === 'string' ? picked : picked.id;
}

/** A step of a run whose prompt is all but 700 tokens at `home`. */
const step = (more: CallShape = {}): CallShape => ({ inputTokens: TOKENS, held: { home: TOKENS - 700 }, ...more });
const lease = (inTool: boolean, usedMs = 0) => ({ workerId: 'home', tokens: TOKENS, usedMs, inTool, marks: null });

describe('a run', () => {
  it('stays where its prompt is, however much more others have free', () => {
    expect(pick([fast('a'), fast('home', { inFlight: 3, backlogTokens: 20_000 }), fast('b')], step())).toBe('home');
  });

  it('stays though what is expected of a silent worker grows from one look to the next', () => {
    let looks = 100;
    const silent = { ...fast('silent', { inFlight: 1 }), expectedFirstContentMs: () => looks++ };
    expect(pick([silent, fast('home')], step({ inputTokens: 8, held: { home: 8 } }))).toBe('home');
  });

  it('is not kept where less than the share of its prompt is', () => {
    const workers = [fast('a'), fast('home', { backlogTokens: 85_000 })];
    expect(pick(workers, step({ held: { home: 79_000 } }))).toBe('a');
    expect(pick(workers, step({ held: { home: 80_000 } }))).toBe('home');
  });

  it('goes to the holder with the least to read', () => {
    const held = { home: TOKENS - 700, second: TOKENS - 10_000 };
    expect(pick([fast('home', { backlogTokens: 9_000 }), fast('second')], step({ held }))).toBe('second');
  });

  it('moves on when its prompt would be read anew three times in the time that it must wait', () => {
    // To read 99,300 tokens anew takes 9.93 s elsewhere, so it may come twice that much later here.
    const waiting = (tokens: number) => [fast('a'), fast('home', { backlogTokens: tokens })];
    expect(pick(waiting(297_000), step())).toBe('home');
    expect(pick(waiting(298_500), step())).toBe('a');
  });

  it('moves on after the time that its profile allows, however long reading anew takes', () => {
    const slow = (backlogTokens: number) => [
      fast('a', { tokensPerMs: 1 }),
      fast('home', { tokensPerMs: 1, backlogTokens }),
    ];
    expect(pick(slow(99_300 + 59_900), step())).toBe('home');
    expect(pick(slow(99_300 + 60_100), step())).toBe('a');
  });

  it('stays the longer the more calls stand in line, each worker’s share of which would wait for the reading', () => {
    const waiting = (tokens: number) => [fast('a'), fast('home', { backlogTokens: tokens })];
    // Twice 9.93 s to read anew, and as much again for each call in line per worker: 39.72 s.
    expect(pick(waiting(99_300 + 396_500), step(), 0, 2)).toBe('home');
    expect(pick(waiting(99_300 + 398_000), step(), 0, 2)).toBe('a');
    expect(pick(waiting(99_300 + 695_000), step(), 0, 5)).toBe('home');
    expect(pick(waiting(99_300 + 696_500), step(), 0, 5)).toBe('a');
  });

  it('is no matter of speed where none is known: an unknown worker is taken to be as fast as the one it is at', () => {
    const unknown = worker('a', 4);
    expect(pick([unknown, fast('home', { baseMs: 2_000, backlogTokens: 90_000 })], step())).toBe('home');
    expect(pick([unknown, fast('home', { baseMs: 2_000, backlogTokens: 400_000 })], step())).toBe('a');
    expect(pick([unknown, worker('home', 4, { backlogTokens: 90_000 })], step())).toBe('home');
    const short = { inputTokens: 2_000, held: { home: 1_900 } };
    expect(pick([unknown, fast('home', { baseMs: 2_000 })], short)).toBe('home');
    expect(pick([fast('a'), fast('home', { baseMs: 2_000 })], short)).toBe('a');
  });

  it('goes where first content comes soonest when it is new', () => {
    const loaded = fast('loaded', { backlogTokens: 50_000 });
    expect(
      pick([loaded, fast('slow', { tokensPerMs: 1 }), fast('a', { backlogTokens: 5_000 })], { inputTokens: 9_000 }),
    ).toBe('a');
  });

  it('goes to the home of its print among equals, and only while that is no great detour', () => {
    const workers = Array.from({ length: 8 }, (_, at) => fast(`w${at}`, { limit: 64 }));
    const homes = new Set(Array.from({ length: 20 }, () => pick(workers, { inputTokens: 9_000, prefix: 42 })));
    expect(homes.size).toBe(1);
    const [home] = homes;
    Object.assign(workers.find(({ id }) => id === home)!, { backlogTokens: 5_000 });
    expect(homes).not.toContain(pick(workers, { inputTokens: 9_000, prefix: 42 }));
  });
});

describe('a run placed by sticky-even', () => {
  const even = (workers: readonly TestWorker[], shape: CallShape) =>
    pick(workers, shape, 0, 0, profiles['sticky-even']);

  it('goes where least was done of late when it is new, though first content comes sooner elsewhere', () => {
    const workers = [fast('idle', { work: 200_000 }), fast('rested', { backlogTokens: 20_000 })];
    expect(even(workers, { inputTokens: 9_000 })).toBe('rested');
    expect(pick(workers, { inputTokens: 9_000 })).toBe('idle');
  });

  it('waits for a full worker that did less, half as long as that saves and ten seconds at most', () => {
    const workers = (work: number) => [fast('busy', { work }), fast('rested', { inFlight: 4 })];
    const asked = (waited: number) => ({ inputTokens: 9_000, waited });
    // By one speed for all: 8 tokens a ms, and a second for being full.
    expect(even(workers(80_000), asked(4_490))).toBe('full');
    expect(even(workers(80_000), asked(4_510))).toBe('busy');
    expect(even(workers(8_000_000), asked(9_990))).toBe('full');
    expect(even(workers(8_000_000), asked(10_010))).toBe('busy');
    expect(even([fast('busy'), fast('rested', { inFlight: 4, work: 80_000 })], asked(0))).toBe('busy');
    expect(pick(workers(80_000), asked(0))).toBe('busy');
  });

  it('says for whom it waits, and goes there once there is room', () => {
    const random = lot();
    const index = new Candidates(random);
    const scheduler = createScheduler(profiles['sticky-even'], parts, random);
    const [busy, rested] = [fast('busy', { work: 80_000 }), fast('rested', { inFlight: 4 })];
    index.replace([busy, rested]);
    const asked = call({ inputTokens: 9_000 });
    expect(scheduler.pick(index, asked, 1_000)).toBe('full');
    expect(asked.hold).toEqual({ worker: rested, other: busy, untilMs: 1_000 + 4_500 });
    rested.inFlight = 3;
    index.changed(rested);
    expect(scheduler.pick(index, asked, 2_000)).toBe(rested);
    expect(asked.hold).toBe(null);
  });

  it('would send all to a worker that has just come, until that has as much to read: so it is not the default', () => {
    const workers = [
      fast('old', { work: 2_000_000 }),
      fast('come', { backlogTokens: 400_000, limit: 64, inFlight: 20 }),
    ];
    expect(even(workers, { inputTokens: 9_000 })).toBe('come');
    expect(pick(workers, { inputTokens: 9_000 })).toBe('old');
  });

  it('stays where its prompt is, however much was done there', () => {
    expect(even([fast('a'), fast('home', { work: 3_000_000 })], step())).toBe('home');
  });
});

describe('a run whose worker is full', () => {
  const workers = (more: Partial<TestWorker> = {}) => [fast('a'), fast('home', { inFlight: 4, ...more })];

  it('waits for it twice as long as reading anew would take elsewhere', () => {
    expect(pick(workers(), step({ lease: lease(true) }))).toBe('full');
    expect(pick(workers(), step({ lease: lease(true), waited: 19_850 }))).toBe('full');
    expect(pick(workers(), step({ lease: lease(true), waited: 19_870 }))).toBe('a');
  });

  it('says for whom it waits, where it goes else, and when', () => {
    const random = lot();
    const index = new Candidates(random);
    const scheduler = createScheduler(profiles.sticky, parts, random);
    const [a, home] = workers();
    index.replace([a!, home!]);
    const asked = call(step({ lease: lease(true), waited: 400 }));
    expect(scheduler.pick(index, asked, 1_400)).toBe('full');
    // 99,300 tokens anew take 9.93 s; twice that, counted from when it came.
    expect(asked.hold).toEqual({ worker: home, other: a, untilMs: 1_000 + 19_860 });
    expect(scheduler.pick(index, asked, 25_000)).toBe('full');
    expect(asked.hold!.untilMs).toBe(25_000 - 400 + 19_860);
    expect(scheduler.pick(index, asked, 25_000, 4)).toBe('full');
    expect(asked.hold!.untilMs).toBe(25_000 - 400 + 3 * 19_860);
    home!.inFlight = 3;
    expect(scheduler.pick(index, asked, 25_000)).toBe(home);
    expect(asked.hold).toBe(null);
    // All full is no hold in a small pool: any of them may be first.
    a!.inFlight = 4;
    home!.inFlight = 4;
    expect(scheduler.pick(index, asked, 25_000)).toBe('full');
    expect(asked.hold).toBe(null);
  });

  it('says so ahead of time in a large pool, where nobody has room and asking one by one is dear', () => {
    const random = lot();
    const index = new Candidates(random);
    const scheduler = createScheduler(profiles.sticky, parts, random);
    const many = Array.from({ length: 20 }, (_, at) => fast(`w${at}`, { inFlight: 4 }));
    const home = fast('home', { inFlight: 4 });
    index.replace([...many, home]);
    const asked = call(step({ lease: lease(true), waited: 400 }));
    expect(scheduler.pick(index, asked, 1_400)).toBe('full');
    expect(asked.hold).toEqual({ worker: home, other: null, untilMs: 1_000 + 19_860 });
    const waitedTooLong = call(step({ lease: lease(true), waited: 20_000 }));
    expect(scheduler.pick(index, waitedTooLong, 21_000)).toBe('full');
    expect(waitedTooLong.hold).toBe(null);
    // Whose worker is gone, or who has none, takes any.
    for (const more of [{ lease: null }, { lease: { ...lease(true), workerId: 'gone' } }]) {
      const anywhere = call(step({ waited: 400, ...more }));
      expect(scheduler.pick(index, anywhere, 1_400)).toBe('full');
      expect(anywhere.hold).toBe(null);
    }
  });

  it('waits no longer than its profile allows', () => {
    const slow = [fast('a', { tokensPerMs: 1 }), fast('home', { tokensPerMs: 1, inFlight: 4 })];
    expect(pick(slow, step({ lease: lease(true), waited: 59_900 }))).toBe('full');
    expect(pick(slow, step({ lease: lease(true), waited: 60_000 }))).toBe('a');
  });

  it('waits whether a tool or a person kept it, and however long: what counts is what its worker still holds', () => {
    for (const inTool of [true, false])
      for (const nowMs of [0, 31_000, 1_800_000])
        expect(pick(workers(), step({ lease: lease(inTool) }), nowMs)).toBe('full');
    expect(pick(workers(), step({ lease: lease(true), held: { home: 79_000 } }))).toBe('a');
    expect(pick(workers(), { inputTokens: TOKENS })).toBe('a');
  });

  it('does not wait for one that takes no calls, that failed it, or that is far behind', () => {
    expect(pick(workers({ up: false }), step({ lease: lease(true) }))).toBe('a');
    expect(pick(workers(), step({ lease: lease(true), tried: ['home'] }))).toBe('a');
    expect(pick(workers({ backlogTokens: 300_000 }), step({ lease: lease(true) }))).toBe('a');
    expect(pick([fast('a')], step({ lease: lease(true) }))).toBe('a');
  });

  it('does not wait where another holds its prompt too', () => {
    const held = { home: TOKENS - 700, a: TOKENS - 900 };
    expect(pick(workers(), step({ lease: lease(true), held }))).toBe('a');
  });

  it('in all cases waits within its worth and its profile, more so in a crowd, and else takes a slot that is free', () => {
    // Workers that differ by more are a matter of passing over.
    const speed = fc.double({ min: 4, max: 12, noNaN: true });
    fc.assert(
      fc.property(
        speed,
        speed,
        fc.nat(TOKENS),
        fc.nat(40_000),
        fc.nat(400_000),
        fc.nat(6),
        (here, there, held, waited, backlogTokens, waiting) => {
          const a = fast('a', { tokensPerMs: there });
          const home = fast('home', { tokensPerMs: here, inFlight: 4, backlogTokens });
          const shape = { inputTokens: TOKENS, held: { home: held }, lease: lease(true), waited };
          const picked = pick([a, home], shape, 0, waiting);
          const worthMs = (1 + waiting / 2) * Math.min(60_000, (2 * held) / there);
          const laterMs = (backlogTokens + TOKENS - held) / here - TOKENS / there;
          const waits = held >= 0.8 * TOKENS && waited < worthMs && laterMs <= worthMs;
          // Within rounding of a bound either answer is right.
          if (Math.abs(waited - worthMs) < 1e-6 || Math.abs(laterMs - worthMs) < 1e-6) return;
          expect(picked).toBe(waits ? 'full' : 'a');
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
