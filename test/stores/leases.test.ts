// Leases in memory, at once and late, and in SQLite: alike, bounded by the store's clock, told apart by their fence. For src/stores.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { LeaseStore } from '../../src/core/leases.ts';
import { createMemoryLeases } from '../../src/stores/memory/leases.ts';
import { SqliteLeases } from '../../src/stores/sqlite/leases.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { chance } from './chance.ts';
import { settleOn } from './delayed-keys.ts';

interface LeasesUnderTest {
  readonly store: LeaseStore;
  /** As another process has it; the same store where there is no such thing. */
  readonly other: LeaseStore;
  settle<T>(answer: T | Promise<T>): Promise<T>;
}

const base = mkdtempSync(join(tmpdir(), 'spillway-leases-'));
let count = 0;
let nowMs = 0;
const open: SqliteLeases[] = [];
afterEach(() => {
  for (const store of open.splice(0)) store.close();
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const inMemory = (): LeasesUnderTest => {
  const store = createMemoryLeases(() => nowMs);
  return { store, other: store, settle: async (answer) => answer };
};

const inMemoryLate = (): LeasesUnderTest => {
  const clock = new VirtualClock();
  const { random } = chance();
  const inner = createMemoryLeases(() => nowMs);
  const late = async <T>(work: () => T | Promise<T>): Promise<T> => {
    await new Promise<void>((resolve) => clock.after(random() * 50, resolve));
    return work();
  };
  const store: LeaseStore = {
    take: (request) => late(() => inner.take(request)),
    renew: (lease, ttlMs) => late(() => inner.renew(lease, ttlMs)),
    release: (lease) => late(() => inner.release(lease)),
    held: (name) => late(() => inner.held(name)),
  };
  return { store, other: store, settle: (answer) => settleOn(clock, answer) };
};

const inSqlite = (): LeasesUnderTest => {
  const folder = join(base, `data-${count++}`);
  const [store, other] = [1, 2].map(() => new SqliteLeases({ folder, busyMs: 1_000, wallMs: () => nowMs }));
  open.push(store!, other!);
  return { store: store!, other: other!, settle: async (answer) => answer };
};

describe.each<[string, () => LeasesUnderTest]>([
  ['in memory', inMemory],
  ['in memory, answering late', inMemoryLate],
  ['in SQLite', inSqlite],
])('leases %s', (_name, begin) => {
  const wish = (holder: string, change = {}) => ({ name: 'line 7', holder, most: 1, ttlMs: 1_000, ...change });

  it('go to as many as may hold them, and to nobody else', async () => {
    const { store, other, settle } = begin();
    const first = await settle(store.take(wish('a', { most: 2 })));
    expect(first).toEqual({ name: 'line 7', holder: 'a', fence: first!.fence, expiresMs: nowMs + 1_000 });
    const second = await settle(other.take(wish('b', { most: 2 })));
    expect(second!.fence).toBeGreaterThan(first!.fence);
    expect(await settle(store.take(wish('c', { most: 2 })))).toBeNull();
    expect(await settle(other.take(wish('c', { name: 'line 8' })))).toMatchObject({ holder: 'c' });
    expect(await settle(other.held('line 7'))).toEqual([first, second]);
    expect(await settle(store.held('nothing'))).toEqual([]);
  });

  it('are kept by who takes them again, with the fence they had and a new end', async () => {
    const { store, other, settle } = begin();
    const first = await settle(store.take(wish('a')));
    nowMs += 400;
    const again = await settle(other.take(wish('a', { ttlMs: 2_000 })));
    expect(again).toEqual({ ...first, expiresMs: nowMs + 2_000 });
    nowMs += 1_500;
    expect(await settle(store.renew(again!, 500))).toEqual({ ...first, expiresMs: nowMs + 500 });
    expect(await settle(store.held('line 7'))).toHaveLength(1);
  });

  it('F100 end by the store’s clock; who comes late is told by its fence and refused', async () => {
    const { store, other, settle } = begin();
    const old = await settle(store.take(wish('a')));
    nowMs += 999;
    expect(await settle(other.take(wish('b')))).toBeNull();
    nowMs += 1;
    expect(await settle(store.held('line 7'))).toEqual([]);
    const next = await settle(other.take(wish('b')));
    expect(next!.fence).toBeGreaterThan(old!.fence);
    expect(await settle(store.renew(old!, 1_000))).toBeNull();
    await settle(store.release(old!));
    expect(await settle(store.held('line 7'))).toEqual([next]);
    await settle(other.release(next!));
    await settle(other.release(next!));
    const third = await settle(store.take(wish('a')));
    expect(third!.fence).toBeGreaterThan(next!.fence);
    expect(await settle(store.renew({ ...third!, fence: old!.fence }, 1_000))).toBeNull();
  });

  it('never go to more than may hold them, whatever the order', async () => {
    const { store, other, settle } = begin();
    const { random, seed } = chance();
    const fences = new Map<string, number>();
    const most = 2;
    for (let step = 0; step < 300; step++) {
      const from = random() < 0.5 ? store : other;
      const holder = `h-${Math.floor(random() * 5)}`;
      const name = `n-${Math.floor(random() * 2)}`;
      const kind = random();
      if (kind < 0.5) {
        const lease = await settle(from.take({ name, holder, most, ttlMs: 1 + Math.floor(random() * 500) }));
        const known = fences.get(`${name} ${holder}`);
        if (lease !== null && lease.fence !== known) {
          const newest = Math.max(0, ...[...fences].flatMap(([of, fence]) => (of.startsWith(name) ? [fence] : [])));
          expect(lease.fence, `seed ${seed}, step ${step}`).toBeGreaterThan(newest);
          fences.set(`${name} ${holder}`, lease.fence);
        }
      } else if (kind < 0.7) {
        const [one] = await settle(from.held(name));
        if (one !== undefined) await settle(from.release(one));
      } else nowMs += Math.floor(random() * 200);
      const held = await settle(other.held(name));
      expect(held.length, `seed ${seed}, step ${step}`).toBeLessThanOrEqual(most);
      for (const { expiresMs } of held) expect(expiresMs).toBeGreaterThan(nowMs);
    }
  });
});

it('F100 leases in SQLite end within their time even when the clock goes back', () => {
  const { store, other } = inSqlite();
  const ahead = nowMs;
  nowMs += 3_600_000;
  const lease = { name: 'l', most: 1, ttlMs: 1_000 };
  expect(store.take({ ...lease, holder: 'a' })).not.toBeNull();
  nowMs = ahead;
  expect(other.take({ ...lease, holder: 'b' })).toBeNull();
  nowMs += 1_000;
  expect(other.take({ ...lease, holder: 'b' })).not.toBeNull();
});

it('leases in memory that are over are not kept for ever', () => {
  const store = createMemoryLeases(() => nowMs, 10);
  for (let at = 0; at < 1_000; at++) {
    store.take({ name: `n-${at}`, holder: 'a', most: 1, ttlMs: 10 });
    nowMs += 1;
  }
  expect(store.held('n-0')).toEqual([]);
  expect(store.held('n-999')).toHaveLength(1);
});
