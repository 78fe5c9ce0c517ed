// Which workers are looked at. For src/scheduling/candidates.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SlotWorker } from '../../src/core/worker.ts';
import { Candidates, WIDTH } from '../../src/scheduling/candidates.ts';
import { type CallShape, call, lot, type TestWorker, worker } from './workers.ts';

const all = () => true;

function indexOf(workers: readonly SlotWorker[]): Candidates {
  const index = new Candidates(lot());
  index.replace(workers);
  return index;
}

function gather(index: Candidates, shape: CallShape = {}, home: SlotWorker | null = null): SlotWorker[] {
  const into: SlotWorker[] = [];
  return into.slice(0, index.gather(call(shape), 0, all, home, into));
}

const pool = (count: number, limit = 4) => Array.from({ length: count }, (_, at) => worker(`w${at}`, limit));
const takesCalls = (one: TestWorker) => one.up && one.inFlight < one.limit;

/** Everyone who is ever looked at. With 16 of at most 24 each time, 40 times leave nobody out. */
function everyone(index: Candidates): Set<SlotWorker> {
  const seen = new Set<SlotWorker>();
  for (let i = 0; i < 40; i++) for (const one of gather(index)) seen.add(one);
  return seen;
}

describe('the candidates', () => {
  it('are all workers with room of a small pool', () => {
    const workers = pool(WIDTH);
    workers[3]!.inFlight = 4;
    workers[7]!.up = false;
    const found = gather(indexOf(workers), { tried: ['w9'] });
    expect(found).toEqual(workers.filter((_, at) => ![3, 7, 9].includes(at)));
  });

  it('of a large pool are no more than can be looked at, each once, with the own worker and the home of its print', () => {
    const workers = pool(200);
    const index = indexOf(workers);
    const lease = { workerId: 'w77', tokens: 500, usedMs: 0, inTool: false, marks: null };
    for (let i = 0; i < 100; i++) {
      const found = gather(index, { lease }, workers[140]!);
      expect(new Set(found).size).toBe(WIDTH);
      expect(found).toContain(workers[77]);
      expect(found).toContain(workers[140]);
    }
    expect(gather(index, { lease: { ...lease, workerId: 'w140' } }, workers[140]!)).toHaveLength(WIDTH);
  });

  it('of a large pool are others each time, all of them equally often', () => {
    const workers = pool(64);
    const index = indexOf(workers);
    const counts = new Map<SlotWorker, number>();
    for (let i = 0; i < 4_000; i++) for (const one of gather(index)) counts.set(one, (counts.get(one) ?? 0) + 1);
    for (const one of workers) {
      expect(counts.get(one)).toBeGreaterThan(850);
      expect(counts.get(one)).toBeLessThan(1_150);
    }
  });

  it('of a large pool are found wherever they are, even the only one that takes the call', () => {
    const workers = pool(500);
    for (const one of workers) one.up = false;
    workers[321]!.up = true;
    const index = indexOf(workers);
    expect(gather(index)).toEqual([workers[321]]);
    expect(gather(index, { tried: ['w321'] })).toEqual([]);
  });

  it('are kept current by what the fleet tells, like an index made anew', () => {
    const change = fc.record({ at: fc.nat(23), limit: fc.nat(4), inFlight: fc.nat(5), up: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 80 }), fc.integer({ min: 17, max: 24 }), (changes, count) => {
        const workers = pool(count);
        const index = indexOf(workers);
        for (const { at, ...now } of changes) {
          const changed = workers[at % count]!;
          Object.assign(changed, now);
          index.changed(changed);
        }
        const expected = new Set(workers.filter(takesCalls));
        expect(everyone(index)).toEqual(expected);
        expect(everyone(indexOf(workers))).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it('are those of the pool as it is now: a worker that was replaced may still end its calls', () => {
    const [old, kept, added] = pool(3) as [TestWorker, TestWorker, TestWorker];
    const index = indexOf([old, kept]);
    index.replace([kept, added]);
    old.inFlight = 1;
    index.changed(old);
    expect(gather(index)).toEqual([kept, added]);
    expect(index.byId('w0')).toBeNull();
    expect(index.byId('w2')).toBe(added);
  });
});

describe('the home of a print', () => {
  const home = (index: Candidates, prefix: number, more: CallShape = {}) =>
    index.home(call({ prefix, ...more }), 0, all) as TestWorker | null;

  it('is none for a prompt that begins like no other, and in a pool of one', () => {
    expect(home(indexOf(pool(8)), 0)).toBeNull();
    expect(home(indexOf(pool(1)), 5)).toBeNull();
  });

  it('is the same worker each time while it takes calls, and the next one on while it does not', () => {
    const workers = pool(8, 100);
    const index = indexOf(workers);
    const first = home(index, 1234)!;
    expect(home(index, 1234)).toBe(first);
    first.up = false;
    const second = home(index, 1234)!;
    expect(second).not.toBe(first);
    expect(home(index, 1234, { tried: [second.id] })).not.toBe(second);
    first.up = true;
    first.inFlight = first.limit;
    index.changed(first);
    expect(home(index, 1234)).toBe(second);
  });

  it('never holds more than 1.25 of the mean, however popular the print', () => {
    const prints = fc.array(fc.oneof(fc.constant(7), fc.integer({ min: 1, max: 2 ** 32 })), {
      minLength: 40,
      maxLength: 200,
    });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 32 }), prints, (count, arrivals) => {
        const workers = pool(count, 1_000);
        const index = indexOf(workers);
        arrivals.forEach((prefix, before) => {
          const chosen = home(index, prefix)!;
          chosen.inFlight++;
          index.changed(chosen);
          expect(chosen.inFlight).toBeLessThanOrEqual(Math.ceil((1.25 * (before + 1)) / count));
        });
        const most = Math.max(...workers.map(({ inFlight }) => inFlight));
        expect(most).toBeLessThanOrEqual(Math.ceil((1.25 * arrivals.length) / count) + 1);
      }),
      { numRuns: 100 },
    );
  });

  it('counts calls that come and go unannounced, and leaves workers out that may hold none', () => {
    const workers = pool(4, 1_000);
    const index = indexOf(workers);
    const first = home(index, 99)!;
    first.inFlight = 3;
    expect(home(index, 99)).not.toBe(first);
    for (const one of workers) one.inFlight = 3;
    expect(home(index, 99)).toBe(first);
    const others = workers.filter((one) => one !== first).slice(1);
    for (const one of others) Object.assign(one, { limit: 0, inFlight: 0 });
    // Two of four are left, with three calls each: 1.25 of their mean, not of the pool's, is the bound.
    expect(home(index, 99)).toBe(first);
  });
});
