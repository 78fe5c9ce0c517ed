// Which worker gets a call. For src/scheduling/pick.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pickWorker } from '../../src/scheduling/pick.ts';
import { slotWorker } from '../flow/slots.ts';

const pick = (workers: ReturnType<typeof slotWorker>[], tried: string[] | null = null, again = true, random = 0.5) =>
  pickWorker(workers, 'm', tried === null ? null : new Set(tried), again, 0, () => random);
const w = (id: string, limit: number, inFlight = 0, up = true) => slotWorker(id, limit, { inFlight, up });
const idOf = (picked: ReturnType<typeof pick>) => (typeof picked === 'string' ? picked : picked.id);

describe('the pick', () => {
  it('is the least loaded worker, relative to its limit', () => {
    expect(idOf(pick([w('a', 10, 4), w('b', 2, 1), w('c', 100, 30)]))).toBe('c');
  });

  it('is none where no worker admits a call, and full where those that do have no room', () => {
    expect(pick([])).toBe('none');
    expect(pick([w('a', 1, 0, false), w('b', 1, 1, false)])).toBe('none');
    expect(pick([w('a', 1, 0, false), w('b', 1, 1)])).toBe('full');
    expect(pick([w('a', 0)])).toBe('full');
  });

  it('goes by lot among equals, so that they share', () => {
    const workers = ['a', 'b', 'c', 'd'].map((id) => w(id, 4));
    const counts = new Map<string, number>();
    let state = 1;
    const random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    for (let i = 0; i < 4_000; i++) {
      const id = idOf(pickWorker(workers, 'm', null, true, 0, random));
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (const { id } of workers) expect(counts.get(id)).toBeGreaterThan(800);
  });

  it('is a worker that was not tried, however loaded, before one that was', () => {
    const tried = w('tried', 4);
    expect(idOf(pick([tried, w('b', 4, 3)], ['tried']))).toBe('b');
    expect(idOf(pick([tried], ['tried']))).toBe('tried');
    expect(pick([tried], ['tried'], false)).toBe('none');
  });

  it('waits for an untried worker that is full rather than try the same one again', () => {
    expect(pick([w('tried', 4), w('b', 1, 1)], ['tried'])).toBe('full');
    expect(idOf(pick([w('tried', 4), w('b', 1, 1, false)], ['tried']))).toBe('tried');
    expect(pick([w('tried', 4, 4)], ['tried'])).toBe('full');
  });

  it('over random fleets: never over a limit, never a worker that refuses, never a more loaded one', () => {
    const worker = fc.record({ limit: fc.integer({ min: 0, max: 8 }), inFlight: fc.nat(9), up: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(worker, { maxLength: 12 }),
        fc.subarray([...Array(12).keys()]),
        fc.boolean(),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (shapes, triedAt, again, random) => {
          const workers = shapes.map(({ limit, inFlight, up }, at) => w(`w${at}`, limit, inFlight, up));
          const tried = new Set(triedAt.map((at) => `w${at}`));
          const picked = pickWorker(workers, 'm', tried, again, 0, () => random);
          const admitted = workers.filter((one) => one.up && (again || !tried.has(one.id)));
          const roomy = admitted.filter((one) => one.inFlight < one.limit);
          const fresh = roomy.filter((one) => !tried.has(one.id));
          if (picked === 'none') expect(admitted.length).toBe(0);
          else if (picked === 'full') expect(fresh).toEqual([]);
          else {
            expect(roomy).toContain(picked);
            if (tried.has(picked.id)) expect(fresh).toEqual([]);
            else
              for (const one of fresh)
                expect(picked.inFlight / picked.limit).toBeLessThanOrEqual(one.inFlight / one.limit);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
