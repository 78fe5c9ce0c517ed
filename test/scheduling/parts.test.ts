// What the parts of a profile say: filters, scorers, pickers. For src/scheduling/{filters,scorers,pickers}.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ScheduleCall, WorkerPicker } from '../../src/core/schedule.ts';
import { filters } from '../../src/scheduling/filters/index.ts';
import { pickers } from '../../src/scheduling/pickers/index.ts';
import { profiles } from '../../src/scheduling/profiles.ts';
import { scorers } from '../../src/scheduling/scorers/index.ts';
import { call, lot, type TestWorker, worker } from './workers.ts';

describe('every part', () => {
  it.each([...Object.entries(filters), ...Object.entries(scorers), ...Object.entries(pickers)])(
    'has its own name, needs no options and takes no unknown ones: %s',
    (name, { name: own, options }) => {
      expect(own).toBe(name);
      expect(options.safeParse({}).success).toBe(true);
      expect(options.safeParse({ unheardOf: 1 }).success).toBe(false);
    },
  );

  it('of a built-in profile is there, with its options read', () => {
    for (const [name, profile] of Object.entries(profiles)) {
      expect(profile.name).toBe(name);
      for (const { kind, options } of profile.scorers)
        expect(options).toEqual(scorers[kind as keyof typeof scorers].options.parse({}));
      expect(Object.keys(pickers)).toContain(profile.picker.kind);
      expect(profile.filters.map(({ kind }) => kind).sort()).toEqual(Object.keys(filters).sort());
    }
  });
});

describe('filters', () => {
  it('context rules out a worker only where the prompt is sure not to fit', () => {
    const { admits } = filters.context.create(filters.context.options.parse({}), undefined);
    const fits = (contextTokens: number | null) =>
      admits(worker('a', 1, { contextTokens }), call({ inputTokens: 10_000 }));
    expect([null, 10_000, 6_000, 5_999].map(fits)).toEqual([true, true, true, false]);
  });

  it('zone rules out a worker elsewhere, and one that does not say where it is', () => {
    const { admits } = filters.zone.create({}, undefined);
    const goes = (zone: string | null, zones: string[] | null) =>
      admits(worker('a', 1, { zone }), call({ zones: zones === null ? null : new Set(zones) }));
    expect([goes('eu', null), goes(null, null), goes('eu', ['us', 'eu'])]).toEqual([true, true, true]);
    expect([goes('eu', ['us']), goes(null, ['us']), goes('eu', [])]).toEqual([false, false, false]);
  });
});

describe('scorers', () => {
  type Scorer = keyof typeof scorers;
  function cost(
    kind: Scorer,
    of: TestWorker,
    asked: ScheduleCall,
    home: TestWorker | null = null,
    options: unknown = {},
  ) {
    const { options: schema, create } = scorers[kind];
    return create(schema.parse(options) as never, undefined).costMs(of, asked, 0, home);
  }
  const known = worker('a', 10, { inFlight: 4, baseMs: 100, tokensPerMs: 2, backlogTokens: 3_000 });
  const unknown = worker('b', 10, { backlogTokens: 1_600 });
  const asked = call({ inputTokens: 1_000, held: { a: 800 } });

  it('first-content is when it would come, with a prior where nothing is known', () => {
    expect(cost('first-content', known, asked)).toBe(100 + 3_200 / 2);
    expect(cost('first-content', unknown, asked)).toBe(2_600 / 8);
    expect(cost('first-content', unknown, asked, null, { tokensPerMs: 1 })).toBe(2_600);
  });

  it('queue is the share of its limit that a worker holds', () => {
    expect(cost('queue', known, asked)).toBe(400);
    expect(cost('queue', known, asked, null, { fullMs: 50 })).toBe(20);
    expect(cost('queue', worker('c', 0), asked)).toBe(1_000);
  });

  it('run-affinity is the time to read what another worker holds', () => {
    expect(cost('run-affinity', known, asked)).toBe(0);
    expect(cost('run-affinity', unknown, asked)).toBe(100);
    expect(cost('run-affinity', worker('c', 1, { baseMs: 9, tokensPerMs: 4 }), asked)).toBe(200);
  });

  it('prefix-affinity is the time to read what prompts that begin alike share, but at their home', () => {
    const long = call({ inputTokens: 50_000, held: { c: 49_000 } });
    expect(cost('prefix-affinity', known, long)).toBe(0);
    expect(cost('prefix-affinity', known, long, known)).toBe(0);
    expect(cost('prefix-affinity', known, long, unknown)).toBe(4_000 / 2);
    expect(cost('prefix-affinity', worker('c', 1), long, unknown)).toBe(1_000 / 8);
  });

  it('recent-work is what was done of late, by one speed for all', () => {
    expect(cost('recent-work', worker('c', 1, { work: 4_000, tokensPerMs: 2 }), asked)).toBe(500);
    expect(cost('recent-work', worker('c', 1, { work: 4_000 }), asked, null, { tokensPerMs: 1 })).toBe(4_000);
    expect(cost('recent-work', known, asked)).toBe(0);
  });

  it('load is what is left to read, latency is how long an answer takes that needs no reading', () => {
    expect(cost('load', known, asked)).toBe(3_000 / 8);
    expect(cost('latency', known, asked)).toBe(100 + 3_000 / 2);
    expect(cost('latency', unknown, asked)).toBe(0);
  });
});

describe('pickers', () => {
  const workers = Array.from({ length: 16 }, (_, at) => worker(`w${at}`, 1));
  const choose = (picker: WorkerPicker, costs: readonly number[], random = lot()) =>
    picker.choose(workers, Float64Array.from(costs), costs.length, random);
  const someCosts = fc.array(fc.nat(5), { minLength: 1, maxLength: 16 });

  it('least chooses the lowest cost, each of several equally often', () => {
    const picker = pickers.least.create({}, undefined);
    fc.assert(fc.property(someCosts, (costs) => costs[choose(picker, costs)] === Math.min(...costs)));
    const random = lot();
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 6_000; i++) counts[choose(picker, [1, 0, 0, 0], random)]!++;
    expect(counts[0]).toBe(0);
    for (const count of counts.slice(1)) expect(Math.abs(count - 2_000)).toBeLessThan(200);
  });

  it('least chooses someone even where all costs are without bound', () => {
    const picker = pickers.least.create({}, undefined);
    expect(choose(picker, [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])).toBeLessThan(2);
  });

  it('p2c chooses the cheaper of any two, and so never the dearest of all', () => {
    const picker = pickers.p2c.create({}, undefined);
    const random = lot();
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 6_000; i++) counts[choose(picker, [0, 1, 2, 3], random)]!++;
    expect(counts[3]).toBe(0);
    // Of the six pairs three hold the cheapest, two the next, one the third.
    for (const [at, share] of [1 / 2, 1 / 3, 1 / 6].entries())
      expect(Math.abs(counts[at]! - 6_000 * share)).toBeLessThan(200);
    expect(choose(picker, [5])).toBe(0);
  });

  it('round-robin gives each its turn, in whatever order they come', () => {
    const picker = pickers['round-robin'].create({}, undefined);
    const free = new Float64Array(4);
    const four = workers.slice(0, 4);
    const turns = (order: TestWorker[]) => Array.from({ length: 4 }, () => order[picker.choose(order, free, 4, lot())]);
    expect(new Set(turns(four)).size).toBe(4);
    expect(new Set(turns([...four].reverse())).size).toBe(4);
  });
});
