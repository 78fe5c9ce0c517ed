// Which worker gets a call. For src/scheduling/scheduler.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProfileSpec, ScheduleCall } from '../../src/core/schedule.ts';
import { Candidates } from '../../src/scheduling/candidates.ts';
import { profiles } from '../../src/scheduling/profiles.ts';
import { createScheduler } from '../../src/scheduling/scheduler.ts';
import { type CallShape, call, lot, parts, type TestWorker, worker } from './workers.ts';

const w = (id: string, limit: number, inFlight = 0, up = true) => worker(id, limit, { inFlight, up });

/** Picks as a profile does, again and again. */
function picking(workers: readonly TestWorker[], profile: ProfileSpec = profiles['least-requests'], random = lot()) {
  const index = new Candidates(random);
  index.replace(workers);
  const scheduler = createScheduler(profile, parts, random);
  return (shape: CallShape = {}) => scheduler.pick(index, call(shape), 0) as TestWorker | 'full' | 'none';
}

const idOf = (picked: TestWorker | 'full' | 'none') => (typeof picked === 'string' ? picked : picked.id);
const pick = (workers: readonly TestWorker[], shape: CallShape = {}) => idOf(picking(workers)(shape));

describe('the scheduler', () => {
  it('picks the least loaded worker, relative to its limit', () => {
    expect(pick([w('a', 10, 4), w('b', 2, 1), w('c', 100, 30)])).toBe('c');
  });

  it('says none where no worker admits a call, and full where those that do have no room', () => {
    expect(pick([])).toBe('none');
    expect(pick([w('a', 1, 0, false), w('b', 1, 1, false)])).toBe('none');
    expect(pick([w('a', 1, 0, false), w('b', 1, 1)])).toBe('full');
    expect(pick([w('a', 0)])).toBe('full');
  });

  it('sends a call that is overdue beyond a limit, where most is left, and nobody where limits are fixed', () => {
    const workers = [
      worker('a', 8, { inFlight: 8, reach: 9 }),
      worker('b', 64, { inFlight: 65, reach: 72 }),
      w('c', 4, 4),
    ];
    expect(pick(workers)).toBe('full');
    expect(pick(workers, { overdue: true })).toBe('a');
    expect(pick(workers, { overdue: true, tried: ['a'] })).toBe('b');
    expect(pick([w('c', 4, 4), w('d', 0)], { overdue: true })).toBe('full');
    expect(pick([...workers, w('e', 4, 3)], { overdue: true })).toBe('e');
  });

  it('says none where every worker stands in another zone or holds too little, and full only of those that do not', () => {
    const eu = worker('eu', 1, { zone: 'eu', contextTokens: 1_000 });
    const full = worker('us', 1, { zone: 'us', inFlight: 1 });
    expect(pick([eu, full], { zones: new Set(['asia']) })).toBe('none');
    expect(pick([eu, full], { zones: new Set(['us']) })).toBe('full');
    expect(pick([eu], { inputTokens: 5_000 })).toBe('none');
    expect(pick([eu, full], { inputTokens: 5_000 })).toBe('full');
  });

  it('goes by lot among equals, so that they share', () => {
    const workers = ['a', 'b', 'c', 'd'].map((id) => w(id, 4));
    const again = picking(workers);
    const counts = new Map<string, number>();
    for (let i = 0; i < 4_000; i++) {
      const id = idOf(again());
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (const { id } of workers) expect(counts.get(id)).toBeGreaterThan(800);
  });

  it('picks a worker that was not tried, however loaded, before one that was', () => {
    const tried = w('tried', 4);
    expect(pick([tried, w('b', 4, 3)], { tried: ['tried'] })).toBe('b');
    expect(pick([tried], { tried: ['tried'] })).toBe('tried');
    expect(pick([tried], { tried: ['tried', 'of-another-pool'] })).toBe('tried');
    expect(pick([tried], { tried: ['tried'], again: false })).toBe('none');
  });

  it('waits for an untried worker that is full rather than try the same one again', () => {
    expect(pick([w('tried', 4), w('b', 1, 1)], { tried: ['tried'] })).toBe('full');
    expect(pick([w('tried', 4), w('b', 1, 1, false)], { tried: ['tried'] })).toBe('tried');
    expect(pick([w('tried', 4, 4)], { tried: ['tried'] })).toBe('full');
    expect(pick([w('tried', 4, 4), w('also', 4, 3)], { tried: ['tried', 'also'] })).toBe('also');
  });

  it('sums the costs of a profile by their weights', () => {
    const [backlog] = profiles.p2c.scorers;
    const [queue] = profiles['least-requests'].scorers;
    const weighing = (weight: number): ProfileSpec => ({
      ...profiles['least-requests'],
      scorers: [backlog!, { ...queue!, weight }],
    });
    const workers = [worker('read', 4, { inFlight: 3 }), worker('reading', 4, { backlogTokens: 4_000 })];
    expect(idOf(picking(workers, weighing(0.5))())).toBe('read');
    expect(idOf(picking(workers, weighing(1))())).toBe('reading');
  });

  it('refuses a profile with a part that is not there', () => {
    const profile = { ...profiles.p2c, picker: { kind: 'best', options: {} } };
    expect(() => createScheduler(profile, parts, lot())).toThrow('named best');
  });
});

interface Shape {
  readonly limit: number;
  readonly inFlight: number;
  readonly up: boolean;
  readonly zone: string | null;
}

const shape: fc.Arbitrary<Shape> = fc.record({
  limit: fc.nat(8),
  inFlight: fc.nat(9),
  up: fc.boolean(),
  zone: fc.constantFrom('eu', 'us', null),
});
const wish = fc.record({
  triedAt: fc.subarray([...Array(40).keys()]),
  again: fc.boolean(),
  zones: fc.constantFrom(null, new Set(['eu'])),
  prefix: fc.constantFrom(0, 17),
  seed: fc.nat(),
});

/** All workers that may be picked, or why there are none, by looking at everyone. */
function expected(
  workers: readonly TestWorker[],
  { tried, again, zones }: ScheduleCall,
): TestWorker[] | 'full' | 'none' {
  const fits = workers.filter((one) => one.up && (zones === null || (one.zone !== null && zones.has(one.zone))));
  const fresh = fits.filter(({ id }) => tried?.has(id) !== true);
  const asked = fresh.length > 0 || !again ? fresh : fits;
  const roomy = asked.filter((one) => one.inFlight < one.limit);
  return roomy.length > 0 ? roomy : asked.length > 0 ? 'full' : 'none';
}

function agrees(
  shapes: readonly Shape[],
  triedAt: readonly number[],
  profile: ProfileSpec,
  rest: CallShape,
  seed: number,
) {
  const workers = shapes.map(({ limit, ...more }, at) => worker(`w${at}`, limit, more));
  const wanted = { ...rest, tried: triedAt.map((at) => `w${at}`) };
  const picked = picking(workers, profile, lot(seed))(wanted);
  const answer = expected(workers, call(wanted));
  if (typeof answer === 'string') expect(picked).toBe(answer);
  else expect(answer).toContain(picked);
  return { picked, answer };
}

describe('over random fleets, the scheduler', () => {
  it('of a small pool agrees with looking at everyone, and none is less loaded', () => {
    fc.assert(
      fc.property(fc.array(shape, { maxLength: 16 }), wish, (shapes, { triedAt, seed, ...rest }) => {
        const { picked, answer } = agrees(shapes, triedAt, profiles['least-requests'], rest, seed);
        if (typeof picked === 'string' || typeof answer === 'string') return;
        for (const one of answer) expect(picked.inFlight / picked.limit).toBeLessThanOrEqual(one.inFlight / one.limit);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(Object.values(profiles))('never picks who may not be picked, and misses nobody: $name', (profile) => {
    fc.assert(
      fc.property(fc.array(shape, { maxLength: 40 }), wish, (shapes, { triedAt, seed, ...rest }) => {
        agrees(shapes, triedAt, profile, rest, seed);
      }),
      { numRuns: 500 },
    );
  });
});
