// What every ledger does alike, however it answers. For the tests of each store.
import { afterEach, describe, expect, it } from 'vitest';
import type { LedgerStore, UsageQuery, UsageRow } from '../../src/core/ledger.ts';
import type { SpendLimits } from '../../src/core/plan.ts';
import { chance } from './chance.ts';
import { booksAddUp } from './ledger-model.ts';
import { ARRIVED_MS, attempt, call, chanceCall } from './ledger-records.ts';

export interface LedgerUnderTest {
  /** One for each router that there can be on one ledger. */
  readonly stores: readonly LedgerStore[];
  /** Waits for an answer; a store on a clock of its own moves that clock. */
  settle<T>(answer: T | Promise<T>): Promise<T>;
  /** The store's clock, which is not the router's. */
  setClock(epochMs: number): void;
}

export const NOTHING: SpendLimits = { hour: null, day: null, month: null, warnAt: [], dryRun: false };
const ALL: UsageQuery = { by: [], fromMs: 0, toMs: 8e15, tenant: null, limit: 1_000 };
const NOON_MS = Date.UTC(2026, 10, 29, 12, 30);
const HOUR_MS = 3_600_000;

export function describeLedger(name: string, open: () => LedgerUnderTest | Promise<LedgerUnderTest>): void {
  describe(name, () => {
    let closing: (() => Promise<unknown>) | null = null;
    afterEach(() => closing?.());
    async function opened(): Promise<LedgerUnderTest & { readonly store: LedgerStore }> {
      const under = await open();
      closing = async () => {
        for (const each of under.stores) await under.settle(each.close());
      };
      under.setClock(NOON_MS);
      return { ...under, store: under.stores[0]! };
    }

    it('is empty at first, and in good health', async () => {
      const { store, settle } = await opened();
      expect(await settle(store.usage(ALL))).toEqual([]);
      expect(await settle(store.poolTime(0, 8e15))).toEqual([]);
      expect(store.health).toEqual({ ok: true, failingSinceMs: null, waiting: 0, lost: 0 });
    });

    it('adds up what calls used, cost and were charged, whole or not', async () => {
      const { store, settle } = await opened();
      const failed = attempt({ outcome: 'failed', cost: 70, usage: null, gpuMs: null });
      store.add(call({ attempts: [failed, attempt()], charge: 1_000 }));
      const long = { uncachedTokens: 1, cachedTokens: 2, outputTokens: 3, reasoningTokens: 4, cacheWriteTokens: 1 };
      store.add(call({ usage: long, degraded: 'slow', how: 'client_gone' }));
      store.add(call({ usage: null, attempts: [], how: 'failed' }));
      await settle(store.flush());
      expect(await settle(store.usage(ALL))).toEqual([
        {
          keys: [],
          calls: 3,
          complete: 1,
          degraded: 1,
          attempts: 3,
          uncachedTokens: 11,
          cachedTokens: 22,
          cacheWriteTokens: 1,
          outputTokens: 8,
          reasoningTokens: 5,
          gpuMs: 101,
          cost: 670,
          charge: 1_300,
          failedCost: 70,
        },
      ]);
    });

    it('groups by each key and by several, the dearest first, so many at most', async () => {
      const { store, settle } = await opened();
      const at = (cost: number, target = 'own') => [attempt({ cost, target })];
      store.add(call({ attempts: at(5), keyId: null, run: 'r-1', asked: 'small' }));
      store.add(call({ attempts: at(7, 'far'), tenant: 'beta', class: 'embed', arrivedMs: ARRIVED_MS + HOUR_MS }));
      store.add(call({ attempts: at(9), asked: 'large', arrivedMs: ARRIVED_MS + 24 * HOUR_MS }));
      store.add(call({ attempts: [attempt({ cost: 1, outcome: 'lost' })] }));
      await settle(store.flush());
      const costs = async (change: Partial<UsageQuery>) =>
        (await settle(store.usage({ ...ALL, ...change }))).map(({ keys, cost }) => [...keys, cost]);
      expect(await costs({ by: ['tenant'] })).toEqual([
        ['acme', 15],
        ['beta', 7],
      ]);
      expect(await costs({ by: ['model'] })).toEqual([
        ['small', 13],
        ['large', 9],
      ]);
      expect(await costs({ by: ['run'] })).toEqual([
        [null, 17],
        ['r-1', 5],
      ]);
      expect(await costs({ by: ['key'] })).toEqual([
        ['key_1', 17],
        [null, 5],
      ]);
      expect(await costs({ by: ['class'] })).toEqual([
        ['chat', 15],
        ['embed', 7],
      ]);
      expect(await costs({ by: ['target'] })).toEqual([
        ['own', 14],
        ['far', 7],
        [null, 1],
      ]);
      expect(await costs({ by: ['day'] })).toEqual([
        ['2026-11-29', 13],
        ['2026-11-30', 9],
      ]);
      const hours = [
        ['2026-11-30T15:00Z', 9],
        ['2026-11-29T16:00Z', 7],
        ['2026-11-29T15:00Z', 6],
      ];
      expect(await costs({ by: ['hour'] })).toEqual(hours);
      expect(await costs({ by: ['class', 'tenant'], limit: 1 })).toEqual([['chat', 'acme', 15]]);
      expect(await costs({ by: ['tenant'], tenant: 'beta' })).toEqual([['beta', 7]]);
      expect(await costs({ tenant: 'nobody' })).toEqual([]);
      const [fromMs, toMs] = [ARRIVED_MS + HOUR_MS, ARRIVED_MS + 24 * HOUR_MS];
      expect(await costs({ fromMs, toMs })).toEqual([[7]]);
      expect(await costs({ fromMs, toMs: toMs + 1 })).toEqual([[16]]);
    });

    it('adds up what became of workers’ time, by pool', async () => {
      const { store, settle } = await opened();
      const time = { fromMs: ARRIVED_MS, toMs: ARRIVED_MS + 60_000, pool: 'own', worker: 'a', cost: 10 };
      const parts = { usefulMs: 20.5, failedMs: 3, idleMs: 36, coldMs: 0.5 };
      store.addWorkerTime({ ...time, ...parts });
      store.addWorkerTime({ ...time, ...parts, worker: 'b', cost: 5 });
      store.addWorkerTime({ ...time, ...parts, pool: 'other', cost: 1 });
      store.addWorkerTime({ ...time, ...parts, fromMs: ARRIVED_MS + 60_000 });
      await settle(store.flush());
      expect(await settle(store.poolTime(ARRIVED_MS, ARRIVED_MS + 60_000))).toEqual([
        { pool: 'own', billedMs: 120, usefulMs: 41, failedMs: 6, idleMs: 72, coldMs: 1, cost: 15 },
        { pool: 'other', billedMs: 60, usefulMs: 20.5, failedMs: 3, idleMs: 36, coldMs: 0.5, cost: 1 },
      ]);
    });

    it('holds as much as the tightest limit leaves; what is asked is in all, and less gives back', async () => {
      const { store, settle } = await opened();
      const limits = { ...NOTHING, hour: 100, month: 1_000 };
      const hold = (amount: number) => settle(store.hold({ tenant: 'acme', amount, limits }));
      expect(await hold(60)).toEqual({
        held: 60,
        free: 40,
        windows: [
          { window: 'hour', limit: 100, spent: 0, startMs: NOON_MS - HOUR_MS / 2, resetsMs: NOON_MS + HOUR_MS / 2 },
          { window: 'month', limit: 1_000, spent: 0, startMs: Date.UTC(2026, 10), resetsMs: Date.UTC(2026, 11) },
        ],
      });
      expect(await hold(250)).toMatchObject({ held: 100, free: 0 });
      expect(await hold(30)).toMatchObject({ held: 30, free: 70 });
      store.add(call({ charge: 80 }));
      expect(await hold(30)).toMatchObject({ held: 20, free: 0, windows: [{ spent: 80 }, { spent: 80 }] });
      store.add(call({ charge: 80 }));
      expect(await hold(30)).toMatchObject({ held: 0, free: 0, windows: [{ spent: 160 }, { spent: 160 }] });
      const other = await settle(store.hold({ tenant: 'beta', amount: 30, limits }));
      expect(other).toMatchObject({ held: 30, free: 70 });
    });

    it('holds nothing where nothing is limited', async () => {
      const { store, settle } = await opened();
      const boundless = { held: 0, free: Number.MAX_SAFE_INTEGER, windows: [] };
      for (const limits of [null, NOTHING]) {
        expect(await settle(store.hold({ tenant: 'acme', amount: 30, limits }))).toEqual(boundless);
      }
    });

    it.each<[keyof typeof SPANS, number, number, number]>([
      ['hour', Date.UTC(2026, 10, 29, 12, 0), Date.UTC(2026, 10, 29, 12, 59, 50), Date.UTC(2026, 10, 29, 13, 0)],
      ['day', Date.UTC(2028, 1, 29, 0, 0), Date.UTC(2028, 1, 29, 23, 59, 50), Date.UTC(2028, 2, 1)],
      ['month', Date.UTC(2026, 11, 1), Date.UTC(2026, 11, 31, 23, 59, 50), Date.UTC(2027, 0, 1)],
    ])('F100 the %s begins and ends by the clock of the store, whatever the router’s says', async (...row) => {
      const [window, startMs, lastMs, nextMs] = row;
      const { store, settle, setClock } = await opened();
      const limits = { ...NOTHING, [window]: 100 };
      const spent = async () => (await settle(store.hold({ tenant: 'acme', amount: 0, limits }))).windows;
      setClock(startMs);
      for (const routerMs of [0, nextMs, nextMs + 400 * 86_400_000]) {
        store.add(call({ charge: 10, arrivedMs: routerMs }));
      }
      await settle(store.flush());
      setClock(lastMs);
      expect(await spent()).toEqual([{ window, limit: 100, spent: 30, startMs, resetsMs: nextMs }]);
      setClock(nextMs);
      expect(await spent()).toMatchObject([{ spent: 0, startMs: nextMs }]);
    });

    it('counts amounts that a number no longer holds exactly', async () => {
      const { store, settle } = await opened();
      const most = Number.MAX_SAFE_INTEGER;
      for (let at = 0; at < 3; at++) store.add(call({ cost: most, charge: most }));
      await settle(store.flush());
      const [row] = await settle(store.usage(ALL));
      expect([row!.cost, row!.charge]).toEqual([3 * most, 3 * most]);
      const limits = { ...NOTHING, day: 4 * most };
      const { held, windows } = await settle(store.hold({ tenant: 'acme', amount: 1_000, limits }));
      expect([held, windows[0]!.spent]).toEqual([1_000, 3 * most]);
    });

    it('S20 takes away a tenant’s records, and what is old; what was spent stays spent', async () => {
      const { store, settle } = await opened();
      for (let at = 0; at < 2_500; at++) store.add(call({ charge: 1, tenant: at % 5 === 0 ? 'beta' : 'acme' }));
      store.add(call({ arrivedMs: ARRIVED_MS - 1, charge: 1 }));
      expect(await settle(store.erase('acme'))).toBe(2_001);
      expect(await settle(store.erase('acme'))).toBe(0);
      const rows = await settle(store.usage({ ...ALL, by: ['tenant'] }));
      expect(rows.map(({ keys, calls }) => [...keys, calls])).toEqual([['beta', 500]]);
      const limits = { ...NOTHING, month: 10_000 };
      expect((await settle(store.hold({ tenant: 'acme', amount: 0, limits }))).windows[0]!.spent).toBe(2_001);
      store.add(call({ arrivedMs: ARRIVED_MS - 1, charge: 1 }));
      store.addWorkerTime({ ...WORKER, fromMs: ARRIVED_MS - 1 });
      store.addWorkerTime({ ...WORKER, fromMs: ARRIVED_MS });
      expect(await settle(store.expire(ARRIVED_MS))).toBe(1);
      expect(await settle(store.poolTime(0, 8e15))).toMatchObject([{ billedMs: 4 }]);
      expect((await settle(store.usage(ALL)))[0]!.calls).toBe(500);
      expect((await settle(store.hold({ tenant: 'acme', amount: 0, limits }))).windows[0]!.spent).toBe(2_002);
    });

    it('sums of records of chance are those of a plain count', async () => {
      const { store, settle } = await opened();
      const { random, seed } = chance();
      const records = Array.from({ length: 600 }, () => chanceCall(random));
      for (const record of records) store.add(record);
      await settle(store.flush());
      for (const by of [['tenant'], ['model', 'run'], ['day', 'class', 'key'], ['target', 'hour']] as const) {
        const rows = await settle(store.usage({ ...ALL, by, limit: 100_000 }));
        const sum = (key: 'calls' | 'cost' | 'charge' | 'attempts') =>
          rows.reduce((total: number, row: UsageRow) => total + row[key], 0);
        const said = `seed ${seed}, by ${by.join()}`;
        expect(sum('calls'), said).toBe(records.length);
        expect(sum('charge'), said).toBe(records.reduce((total, { charge }) => total + charge, 0));
        expect(sum('cost'), said).toBe(records.reduce((total, { cost }) => total + cost, 0));
        expect(sum('attempts'), said).toBe(records.reduce((total, { attempts }) => total + attempts.length, 0));
        expect(new Set(rows.map(({ keys }) => JSON.stringify(keys))).size, said).toBe(rows.length);
      }
    });

    it('F109 books add up, and no holds exceed a limit, after whatever order of calls, cancels and holds', async () => {
      const under = await opened();
      await booksAddUp(under, chance());
    });
  });
}

const SPANS = { hour: 0, day: 0, month: 0 };
const WORKER = {
  toMs: ARRIVED_MS + 1,
  pool: 'p',
  worker: 'w',
  usefulMs: 1,
  failedMs: 1,
  idleMs: 1,
  coldMs: 1,
  cost: 1,
};
