// That limits hold while 64 callers spend what is left, on one router and several, and that these tests can fail. For src/ledger/spend-book.
import { describe, expect, it } from 'vitest';
import { backsNothing, closesTwice, keepsAll, losesRace, reservesNothing } from './spend-mutants.ts';
import { type MakeBook, type Run, realBook, spendAll } from './spend-runs.ts';

const SEED = Date.now() % 2 ** 30;
const RUNS = 250;
const MOST_MS = 120_000;

const PROPERTIES: Record<string, (run: Run) => boolean> = {
  'everybody gets an answer': ({ stuck }) => !stuck,
  'at most 1 % is overspent': ({ spent, limit }) => spent <= 1.01 * limit,
  'at most one call’s error is overspent': ({ spent, limit, error }) => spent - limit <= Math.max(0, error),
  'nobody is told that it is spent while it would do': ({ left, smallest }) => left < smallest || left <= 0,
  'what is counted is what was charged': ({ spent, charged }) => spent === charged,
  'nothing stays reserved': ({ reserved }) => reserved === 0,
  'nothing stays held': ({ held }) => held === 0,
  'no timer is left': ({ pending }) => pending === 0,
};

async function broken(run: (seed: number) => Promise<Run>, runs: number): Promise<Map<string, number>> {
  const faults = new Map<string, number>();
  for (let at = 0; at < runs; at++) {
    const seen = await run(SEED + at);
    for (const [name, holds] of Object.entries(PROPERTIES))
      if (!holds(seen) && !faults.has(name)) faults.set(name, SEED + at);
  }
  return faults;
}

describe(`64 callers until all is spent, seeds from ${SEED}`, () => {
  it.each([1, 2, 3, 4])(
    'F105 F108 F109 limits hold, all is counted, and nothing is left held: %i routers on one store',
    async (routers) => {
      let [calls, questions, peak] = [0, 0, 0];
      const faults = await broken(async (seed) => {
        const run = await spendAll(seed, routers);
        calls += run.calls;
        questions += run.questions;
        peak = Math.max(peak, run.peak);
        return run;
      }, RUNS);
      expect([...faults], 'property and the first seed that breaks it').toEqual([]);
      expect(peak).toBe(64);
      expect(questions).toBeLessThan(calls);
    },
    MOST_MS,
  );

  const mutants: [string, MakeBook, keyof typeof PROPERTIES][] = [
    ['a book that reserves nothing', reservesNothing, 'at most one call’s error is overspent'],
    ['a book that backs no more than is likely', backsNothing, 'at most one call’s error is overspent'],
    ['a book that never gives back', keepsAll, 'nothing stays held'],
    ['a book that forgets what was charged during a question', losesRace, 'at most one call’s error is overspent'],
    ['a hold that gives back twice', closesTwice, 'nothing stays reserved'],
  ];
  it.each(mutants)(
    'would see %s',
    async (_, mutant, property) => {
      expect([...(await broken((seed) => spendAll(seed, 1, mutant), 40)).keys()]).toContain(property);
    },
    MOST_MS,
  );

  it('sees no fault in the book itself in as many runs', async () => {
    expect([...(await broken((seed) => spendAll(seed, 1, realBook), 40))]).toEqual([]);
  });
});
