// A tenant within its share beside a flood, and beside background work. For src/flow.
import { describe, expect, it } from 'vitest';
import { type NeighbourOptions, neighbour } from './claims/neighbours.ts';

const waits = async (options: Partial<NeighbourOptions>) => {
  const figures = await neighbour({
    worker: 'slots',
    own: 0.4,
    flood: 2,
    priority: null,
    waitSeconds: 10,
    seconds: 40,
    asOneTenant: false,
    seed: 1,
    ...options,
  });
  return { ...figures, p99: figures.waitMs.p99! };
};

describe('a tenant that asks for less than its share', () => {
  it.each(['slots', 'h100'] as const)(
    'waits hardly longer when another’s flood grows from twice to ten times of all capacity (%s)',
    async (worker) => {
      const [twice, tenfold] = [await waits({ worker }), await waits({ worker, flood: 10 })];
      expect(tenfold.answered).toBe(tenfold.calls);
      expect(tenfold.p99 - twice.p99).toBeLessThanOrEqual(Math.max(0.1 * twice.p99, twice.serviceMs));
    },
  );

  it('is crowded out where the router does not know whose call is whose', async () => {
    const { answered, calls } = await waits({ flood: 10, asOneTenant: true });
    expect(answered / calls).toBeLessThan(0.2);
  });

  it.each(['background', 'batch'] as const)(
    'F085 waits for no more than a slot to come free where the flood is %s work, however old',
    async (priority) => {
      for (const own of [0.3, 0.7]) {
        const { answered, calls, p99, serviceMs, floodAnsweredPerSecond } = await waits({ own, priority });
        expect(answered).toBe(calls);
        expect(p99).toBeLessThanOrEqual(serviceMs);
        // What the others leave is the flood's.
        expect(floodAnsweredPerSecond).toBeGreaterThan(0.9 * (1 - own) * 160);
      }
    },
  );

  it('waits beside batch work as beside background work, on workers that batch, too', async () => {
    const base = { worker: 'h100', own: 0.7 } as const;
    const [batch, background] = [
      await waits({ ...base, priority: 'batch' }),
      await waits({ ...base, priority: 'background' }),
    ];
    expect(batch.answered).toBe(batch.calls);
    expect(batch.p99).toBeLessThanOrEqual(1.1 * background.p99);
  });

  it('waits for no more than a slot where it is critical and the flood is of interactive calls, however old', async () => {
    const { answered, calls, p99, serviceMs } = await waits({
      own: 0.5,
      ownPriority: 'critical',
      priority: 'interactive',
    });
    expect(answered).toBe(calls);
    expect(p99).toBeLessThanOrEqual(serviceMs);
  });
});
