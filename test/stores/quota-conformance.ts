// What every store of quotas does alike, however it answers. For the tests of each store.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Claim, QuotaAnswer, QuotaRefusal, QuotaReservation, RateLimit, SlotLimit } from '../../src/core/quota.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { HOSTILE_TEXTS } from '../tenants/sample-keys.ts';
import { settleOn } from './delayed-keys.ts';
import { histories, type MakeStore } from './quota-properties.ts';

const HOUR_MS = 3_600_000;
/** A unit is six minutes: an answer that comes late moves nothing here by more than a trifle. */
const UNIT_MS = HOUR_MS / 10;
const LATE_MS = 2_000;

const rate = (change: Partial<RateLimit> = {}): RateLimit => ({
  kind: 'rate',
  bucket: 'acme tokens',
  limit: 10,
  periodMs: HOUR_MS,
  burst: 5,
  dryRun: false,
  ...change,
});
const slots = (change: Partial<SlotLimit> = {}): SlotLimit => ({
  kind: 'slots',
  bucket: 'acme in flight',
  limit: 2,
  dryRun: false,
  ...change,
});
const claim = (limit: Claim['limit'], amount = 1): Claim => ({ limit, amount });

export function describeQuotaStore(name: string, makeStore: MakeStore): void {
  function opened() {
    const clock = new VirtualClock({ nowMs: 1_000_000 });
    const store = makeStore(clock, (inner) => inner);
    const settle = <T>(answer: T | Promise<T>) => settleOn(clock, answer);
    const ask = (claims: readonly Claim[], leaseMs = HOUR_MS): Promise<QuotaAnswer> =>
      settle(store.reserve(claims, leaseMs));
    const granted = async (...claims: Claim[]): Promise<QuotaReservation> => {
      const answer = await ask(claims);
      expect(answer).toMatchObject({ granted: true });
      return answer as QuotaReservation;
    };
    const refused = async (...claims: Claim[]): Promise<QuotaRefusal> => {
      const answer = await ask(claims);
      expect(answer).toMatchObject({ granted: false });
      return answer as QuotaRefusal;
    };
    const left = async (limit: Claim['limit']) => (await settle(store.read(limit))).remaining;
    return { clock, store, settle, ask, granted, refused, left };
  }

  describe(name, () => {
    it('lets a burst through at once, then one each interval, and says when the next fits', async () => {
      const { clock, granted, refused } = opened();
      for (let left = 4; left >= 0; left--) {
        expect((await granted(claim(rate()))).views).toMatchObject([{ remaining: left }]);
      }
      const refusal = await refused(claim(rate()));
      expect(refusal).toMatchObject({ claim: 0, overruns: [], views: [{ remaining: 0 }] });
      expect(refusal.waitMs).toBeGreaterThan(UNIT_MS - LATE_MS);
      expect(refusal.waitMs).toBeLessThanOrEqual(UNIT_MS);
      clock.advance(refusal.waitMs! - LATE_MS);
      await refused(claim(rate()));
      clock.advance(LATE_MS);
      await granted(claim(rate()));
      await refused(claim(rate()));
    });

    it('counts a claim by its amount, and one above the burst fits never', async () => {
      const { granted, refused } = opened();
      expect(await refused(claim(slots()), claim(rate(), 6))).toMatchObject({ claim: 1, waitMs: null });
      await granted(claim(rate(), 4));
      const { waitMs } = await refused(claim(rate(), 3));
      expect(waitMs).toBeGreaterThan(2 * UNIT_MS - LATE_MS);
      await granted(claim(rate(), 1));
    });

    it('F106 takes all claims of a call or none', async () => {
      const { settle, granted, refused, left } = opened();
      const held = await granted(claim(slots()));
      await granted(claim(slots()));
      const refusal = await refused(claim(rate(), 3), claim(rate({ bucket: 'other' })), claim(slots()));
      expect(refusal).toMatchObject({ claim: 2, waitMs: null, views: [{ remaining: 5 }, {}, { remaining: 0 }] });
      expect(await left(rate())).toBe(5);
      await settle(held.settle([0]));
      expect((await granted(claim(rate(), 3), claim(slots()))).views).toMatchObject([
        { remaining: 2 },
        { remaining: 0, resetMs: 0 },
      ]);
    });

    it('adds up two claims of a call on one bucket', async () => {
      const { granted, refused, left } = opened();
      expect(await refused(claim(rate(), 3), claim(rate(), 3))).toMatchObject({ claim: 1 });
      expect(await refused(claim(slots()), claim(slots()), claim(slots()))).toMatchObject({ claim: 2 });
      expect(await left(rate())).toBe(5);
      expect(await left(slots())).toBe(2);
      await granted(claim(rate(), 3), claim(rate(), 2), claim(slots()), claim(slots()));
    });

    it('gives back what was not used, at once and never beyond a full bucket', async () => {
      const { clock, settle, granted, left } = opened();
      const [first, second] = [await granted(claim(rate(), 3)), await granted(claim(rate(), 2))];
      expect(await left(rate())).toBe(0);
      await settle(first.settle([1]));
      expect(await left(rate())).toBe(2);
      await settle(first.settle([0]));
      expect(await left(rate())).toBe(2);
      clock.advance(10 * UNIT_MS);
      await settle(second.settle([0]));
      expect(await left(rate())).toBe(5);
      await granted(claim(rate(), 5));
      expect(await left(rate())).toBe(0);
    });

    it('gives back nothing that time has given back: claims kept until then are no second burst', async () => {
      const { clock, settle, granted, left } = opened();
      const kept: QuotaReservation[] = [];
      for (let round = 0; round < 3; round++) {
        kept.push(await granted(claim(rate(), 5)));
        clock.advance(6 * UNIT_MS);
      }
      await granted(claim(rate(), 5));
      for (const one of kept) await settle(one.settle([0]));
      expect(await left(rate())).toBe(0);
    });

    it('lets later claims wait for what was used beyond a claim', async () => {
      const { clock, settle, granted, refused } = opened();
      const one = await granted(claim(rate(), 1));
      await settle(one.settle([8]));
      const { waitMs } = await refused(claim(rate(), 1));
      expect(waitMs).toBeGreaterThan(4 * UNIT_MS - 2 * LATE_MS);
      expect(waitMs).toBeLessThanOrEqual(4 * UNIT_MS);
      clock.advance(waitMs!);
      await granted(claim(rate(), 1));
      // Also when the bucket was full in between, and nobody had looked at it for long.
      clock.advance(100 * HOUR_MS);
      const late = await granted(claim(rate(), 1));
      clock.advance(100 * HOUR_MS);
      for (let other = 0; other < 20; other++) await granted(claim(rate({ bucket: `other ${other}` })));
      await settle(late.settle([8]));
      await refused(claim(rate(), 1));
    });

    it('F107 has so many in flight and frees each once, whoever settles twice', async () => {
      const { settle, granted, refused, left } = opened();
      const [one] = [await granted(claim(slots())), await granted(claim(slots()))];
      expect(await refused(claim(slots()))).toMatchObject({ claim: 0, waitMs: null });
      await settle(one.settle([1]));
      await granted(claim(slots()));
      await settle(one.settle([0]));
      await refused(claim(slots()));
      expect(await left(slots())).toBe(0);
    });

    it('F108 slots come back by themselves, and settling after that frees nobody else’s', async () => {
      const { clock, settle, ask, granted, refused, left } = opened();
      const early = (await ask([claim(slots())], UNIT_MS)) as QuotaReservation;
      await ask([claim(slots())], 4 * UNIT_MS);
      await refused(claim(slots()));
      clock.advance(UNIT_MS);
      await granted(claim(slots()));
      await settle(early.settle([1]));
      await refused(claim(slots()));
      clock.advance(20 * UNIT_MS);
      expect(await left(slots())).toBe(2);
    });

    it('never refuses in dry run: it tells, and counts on as if it had refused', async () => {
      const { settle, granted, refused, left } = opened();
      const [dryRate, drySlots] = [rate({ dryRun: true }), slots({ dryRun: true, limit: 1 })];
      const real = rate({ bucket: 'real' });
      expect((await granted(claim(dryRate, 4), claim(drySlots), claim(real))).overruns).toEqual([]);
      const over = await granted(claim(dryRate, 2), claim(drySlots), claim(real));
      expect(over.overruns).toEqual([dryRate, drySlots]);
      expect(over.views).toMatchObject([{ remaining: 1 }, { remaining: 0 }, { remaining: 3 }]);
      await settle(over.settle([0, 0, 1]));
      expect([await left(dryRate), await left(drySlots)]).toEqual([1, 0]);
      expect((await granted(claim(dryRate, 9), claim(real, 3))).overruns).toEqual([dryRate]);
      expect((await refused(claim(dryRate, 9), claim(real))).overruns).toEqual([dryRate]);
    });

    it('counts by bucket: equal names are one, whatever the limit is now', async () => {
      const { granted, refused, left } = opened();
      await granted(claim(rate(), 5));
      await granted(claim(rate({ bucket: 'other' }), 5));
      await refused(claim(rate({ limit: 20 })));
      expect(await left(rate({ burst: 7 }))).toBe(2);
      await granted(claim(rate({ burst: 7 }), 2));
      await granted(claim(slots()), claim(slots()));
      await granted(claim(slots({ limit: 3 })));
      await refused(claim(slots({ limit: 1 })));
      expect(await left(slots({ limit: 1 }))).toBe(0);
    });

    it('F031 takes any text for a name', async () => {
      const { granted, left } = opened();
      const limits = HOSTILE_TEXTS.map((bucket) => rate({ bucket }));
      for (const limit of limits) await granted(claim(limit, 2));
      for (const limit of limits) expect(await left(limit)).toBe(3);
    });

    it('forgets a tenant’s buckets and no others, and what its calls give back later is nobody’s', async () => {
      const { store, settle, granted, left } = opened();
      const mine = [rate({ bucket: 'acme a' }), slots({ bucket: 'acme b' })];
      const other = rate({ bucket: 'acmeother' });
      const held = await granted(claim(mine[0]!, 3), claim(mine[1]!), claim(other, 3));
      await settle(store.forget('acme '));
      expect([await left(mine[0]!), await left(mine[1]!), await left(other)]).toEqual([5, 2, 2]);
      await settle(held.settle([9, 0, 3]));
      expect([await left(mine[0]!), await left(mine[1]!)]).toEqual([5, 2]);
    });

    it('F100 goes by a clock that nobody sets', async () => {
      const { clock, granted, refused } = opened();
      await granted(claim(rate(), 5), claim(slots()), claim(slots()));
      for (const stepMs of [HOUR_MS, -2 * HOUR_MS, 1_000 * HOUR_MS]) {
        clock.stepWall(stepMs);
        expect((await refused(claim(rate()))).waitMs).toBeGreaterThan(UNIT_MS - 3 * LATE_MS);
        expect((await refused(claim(slots()))).waitMs).toBe(null);
      }
    });

    it('F104 no window has more than its bound and no slot is held twice: 200 random histories', async () => {
      await fc.assert(histories(makeStore), { numRuns: 200 });
    });
  });
}
