// Who waits for a slot of its own tenant: order, bounds, every way out. For src/admission/line.
import { describe, expect, it } from 'vitest';
import type { Admitted } from '../../src/admission/admission.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { seeded } from '../../src/simulation/chance.ts';
import { createMemoryQuota } from '../../src/stores/memory/quota.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { delayedQuota } from '../stores/delayed-quota.ts';
import { inFlight, limits, perMinute, stage } from './stage.ts';

const one = inFlight(1);

describe('the line of a tenant', () => {
  it('is first come, first served, and wakes as slots are given back', async () => {
    const { admission, call, enter, clock } = stage();
    const first = enter({ limits: one });
    const order: string[] = [];
    const waiting = ['b', 'c', 'd'].map(async (name) => {
      const admitted = await admission.enter(call({ limits: one, maxWaitMs: 10_000 }));
      order.push(`${name} ${admitted.waitedMs}`);
      return admitted;
    });
    expect(admission.waiting).toBe(3);
    clock.advance(100);
    first.settle(1);
    // Nobody who comes now goes before who waits.
    const late = admission.enter(call({ limits: one, maxWaitMs: 10_000 })) as Promise<Admitted>;
    for (const next of waiting) (await next).settle(1);
    (await late).settle(1);
    expect(order).toEqual(['b 100', 'c 100', 'd 100']);
    expect([admission.waiting, clock.pending]).toEqual([0, 0]);
  });

  it('ends with the call’s patience, and says when slots come free as a rule', async () => {
    const { admission, call, enter, clock, counted } = stage();
    const two = inFlight(2);
    for (const heldMs of [20_000, 20_000]) {
      const known = enter({ limits: two });
      clock.advance(heldMs);
      known.settle(1);
    }
    const open = [enter({ limits: two }), enter({ limits: two })];
    const waits = admission.enter(call({ limits: two, maxWaitMs: 5_000 })) as Promise<Admitted>;
    const told = waits.catch((error: unknown) => error);
    await clock.advanceSettling(4_999);
    expect(admission.waiting).toBe(1);
    await clock.advanceSettling(1);
    expect(await told).toMatchObject({
      code: 'rate_limit_exceeded',
      message: 'acme has 2 calls in flight, as many as it may.',
      detail: { retryAfterSeconds: 10 },
    });
    expect(counted).toEqual(['denied in_flight acme']);
    expect(clock.pending).toBe(0);
    for (const each of open) each.settle(1);
  });

  it('tells how rates stand to those whom it refuses, unless the store takes its time', async () => {
    const both = limits({ inFlight: { limit: 1, dryRun: false }, requests: perMinute(60, 10) });
    const { enter, refusal } = stage();
    const first = enter({ limits: both });
    const quota = { requests: { limit: 60, remaining: 9, resetMs: 1_000 }, tokens: null };
    expect(await refusal({ limits: both })).toMatchObject({ code: 'rate_limit_exceeded', detail: { quota } });
    first.settle(1);

    const clock = new VirtualClock();
    const away = stage({ clock, store: delayedQuota(createMemoryQuota({ clock }), clock, () => 0.1) });
    const entering = away.admission.enter(away.call({ limits: both })) as Promise<Admitted>;
    await clock.advanceSettling(10);
    const second = await entering;
    const told = away.refusal({ limits: both });
    await clock.advanceSettling(10);
    expect((await told).detail.quota).toBeUndefined();
    second.settle(1);
    await clock.advanceSettling(20);
  });

  it('F107 lets go of who leaves, and gives its turn to the next', async () => {
    const { admission, call, enter, clock } = stage();
    const first = enter({ limits: one });
    const signal = new CallSignal();
    const leaves = admission.enter(call({ limits: one, maxWaitMs: 9_000, signal })) as Promise<Admitted>;
    const stays = admission.enter(call({ limits: one, maxWaitMs: 9_000 })) as Promise<Admitted>;
    const told = leaves.catch((error: unknown) => error);
    signal.abort();
    expect(await told).toMatchObject({ code: 'client_gone' });
    first.settle(1);
    (await stays).settle(1);
    expect([admission.waiting, clock.pending]).toEqual([0, 0]);
    enter({ limits: one });
  });

  it('holds 256 of a tenant, and others’ lines are their own', async () => {
    const { admission, call, enter, refusal, clock } = stage();
    enter({ limits: one });
    enter({ tenant: 'other', limits: one });
    const told: Promise<unknown>[] = [];
    for (let waiter = 0; waiter < 256; waiter++) {
      const waits = admission.enter(call({ limits: one, maxWaitMs: 60_000 })) as Promise<Admitted>;
      told.push(waits.catch((error: unknown) => error));
    }
    expect(await refusal({ limits: one, maxWaitMs: 60_000 })).toMatchObject({ code: 'rate_limit_exceeded' });
    const waits = admission.enter(call({ tenant: 'other', limits: one, maxWaitMs: 60_000 })) as Promise<Admitted>;
    told.push(waits.catch((error: unknown) => error));
    expect(admission.waiting).toBe(257);
    admission.close();
    for (const error of await Promise.all(told)) expect(error).toMatchObject({ code: 'draining' });
    expect([admission.waiting, clock.pending]).toEqual([0, 0]);
  });

  it('looks for itself as well: a lease that ends tells nobody', async () => {
    const { admission, call, enter, clock } = stage();
    enter({ limits: one, leaseMs: 1_100 });
    const waits = admission.enter(call({ limits: one, maxWaitMs: 9_000 })) as Promise<Admitted>;
    await clock.advanceSettling(1_250);
    expect((await waits).waitedMs).toBe(1_250);
  });

  it('ends at once when a rate refuses meanwhile: waiting for a slot is no use then', async () => {
    const { admission, call, enter } = stage();
    const both = limits({ requests: perMinute(2), inFlight: { limit: 1, dryRun: false } });
    const first = enter({ limits: both });
    const waits = [1, 2].map(() => admission.enter(call({ limits: both, maxWaitMs: 9_000 })) as Promise<Admitted>);
    const told = waits[1]!.catch((error: unknown) => error);
    first.settle(1);
    (await waits[0]!).settle(1);
    expect(await told).toMatchObject({ code: 'rate_limit_exceeded', message: expect.stringContaining('2 requests') });
  });

  it('keeps order and slots with a store that answers late', async () => {
    const clock = new VirtualClock();
    const memory = createMemoryQuota({ clock });
    const { admission, call } = stage({ clock, store: delayedQuota(memory, clock, seeded(3)) });
    const first = admission.enter(call({ limits: one })) as Promise<Admitted>;
    await clock.advanceSettling(200);
    const order: number[] = [];
    const signals = [0, 1, 2, 3].map(() => new CallSignal());
    const waits = signals.map(async (signal, at) => {
      try {
        const admitted = await admission.enter(call({ limits: one, maxWaitMs: 60_000, signal }));
        order.push(at);
        await clock.advanceSettling(0);
        admitted.settle(1);
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'client_gone' });
      }
    });
    await clock.advanceSettling(300);
    (await first).settle(1);
    // It leaves while the store is asked for it.
    await clock.advanceSettling(30);
    signals[0]!.abort();
    for (let rounds = 0; rounds < 30; rounds++) await clock.advanceSettling(100);
    await Promise.all(waits);
    expect(order.length).toBeGreaterThanOrEqual(3);
    const bucket = { kind: 'slots', bucket: 'acme in flight', limit: 1, dryRun: false } as const;
    expect(memory.read(bucket).remaining).toBe(1);
    expect([admission.waiting, clock.pending]).toEqual([0, 0]);
  });
});
