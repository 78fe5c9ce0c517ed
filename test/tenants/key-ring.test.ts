// When changes of keys come into force, and what holds while the store cannot be read. For src/tenants/key-ring.
import { describe, expect, it } from 'vitest';
import type { KeyStore } from '../../src/core/keys.ts';
import { createMemoryKeys } from '../../src/stores/memory/keys.ts';
import { delayedKeys, settleOn } from '../stores/delayed-keys.ts';
import { fragileKeys, newClock, ringOver } from './ring-under-test.ts';
import { issued, NOW_MS } from './sample-keys.ts';

describe('before its first look', () => {
  it('nobody is let in, and nothing is development', async () => {
    const { key, record } = await issued();
    const { ring } = ringOver(createMemoryKeys([record]));
    expect([ring.admit(null), ring.admit('x'), ring.admit(key), ring.development]).toEqual([null, null, null, false]);
  });

  it('a store that cannot be read stops the start', async () => {
    const { store, state } = fragileKeys();
    state.fails = true;
    const { ring, clock } = ringOver(store);
    await expect(ring.start()).rejects.toThrow('it is away');
    expect([ring.admit(null), ring.development, clock.pending]).toEqual([null, false, 0]);
  });

  it('a record whose hash is none stops the start', async () => {
    const { record } = await issued();
    const { ring } = ringOver(createMemoryKeys([{ ...record, hash: 'ff' }]));
    await expect(ring.start()).rejects.toMatchObject({ code: 'damaged' });
    expect([ring.admit(null), ring.development]).toEqual([null, false]);
  });
});

describe('development', () => {
  const nobody = { tenant: 'development', keyId: null, managed: false, mayAsk: null, routes: null };

  it('lasts while there are no keys: everybody is the development tenant, with any bearer also on managed APIs', async () => {
    const { ring, clock } = ringOver(createMemoryKeys());
    await ring.start();
    await clock.advanceSettling(3_600_000);
    expect(ring.development).toBe(true);
    expect(ring.admit(null)).toEqual(nobody);
    expect(ring.admit('')).toEqual(nobody);
    for (const bearer of ['x', 'sk-spw-', (await issued()).key, 'x'.repeat(1 << 20)])
      expect(ring.admit(bearer)).toEqual({ ...nobody, managed: true });
  });

  it('never is where keys are required', async () => {
    const { ring } = ringOver(createMemoryKeys(), { required: true });
    await ring.start();
    expect([ring.development, ring.admit(null), ring.admit('x')]).toEqual([false, null, null]);
  });

  it('ends within a second of the first key, also one that is over, and never comes back', async () => {
    for (const ended of [{}, { revokedMs: 1 }, { expiresMs: 1 }]) {
      let rows: KeyStore = createMemoryKeys();
      const store: KeyStore = {
        all: () => rows.all(),
        version: () => rows.version(),
        add: (record) => rows.add(record),
        end: (id, change) => rows.end(id, change),
        close: () => {},
      };
      const { ring, clock } = ringOver(store);
      await ring.start();
      const { key, record } = await issued();
      rows.add({ ...record, ...ended });
      await clock.advanceSettling(1_000);
      expect([ring.development, ring.admit(null), ring.admit('x')]).toEqual([false, null, null]);
      expect(ring.admit(key) === null).toBe(Object.keys(ended).length > 0);
      rows = createMemoryKeys();
      await clock.advanceSettling(5_000);
      expect([ring.size, ring.development, ring.admit(null), ring.admit(key)]).toEqual([0, false, null, null]);
    }
  });

  it('rests while the store cannot be read, which may hold a first key by now', async () => {
    const { store, state } = fragileKeys();
    const { ring, clock } = ringOver(store);
    await ring.start();
    state.fails = true;
    await clock.advanceSettling(1_000);
    expect([ring.development, ring.admit(null), ring.admit('x')]).toEqual([false, null, null]);
    state.fails = false;
    await clock.advanceSettling(1_000);
    expect(ring.development).toBe(true);
  });
});

describe('a change', () => {
  it('is in force one second later, with a store that answers late within five', async () => {
    const { key, record } = await issued();
    const direct = createMemoryKeys([record]);
    const { ring, clock } = ringOver(direct);
    await ring.start();
    expect(ring.admit(key)).toMatchObject({ keyId: record.id });
    direct.end(record.id, { revokedMs: NOW_MS });
    await clock.advanceSettling(999);
    expect(ring.admit(key)).not.toBe(null);
    await clock.advanceSettling(1);
    expect(ring.admit(key)).toBe(null);
  });

  it('is in force within five seconds when the store takes a second for every answer, whenever it is written', async () => {
    for (let offsetMs = 0; offsetMs <= 3_000; offsetMs += 125) {
      const { key, record } = await issued();
      const rows = createMemoryKeys([record]);
      const clock = newClock();
      const { ring } = ringOver(
        delayedKeys(rows, clock, () => 10),
        { clock },
      );
      await settleOn(clock, ring.start());
      await clock.advanceSettling(offsetMs);
      expect(ring.admit(key)).not.toBe(null);
      rows.end(record.id, { revokedMs: NOW_MS });
      await clock.advanceSettling(5_000);
      expect(ring.admit(key), `written after ${offsetMs} ms`).toBe(null);
    }
  });

  it('is in force once refreshNow has answered, whatever look was under way before', async () => {
    const clock = newClock();
    const rows = createMemoryKeys();
    const { ring } = ringOver(
      delayedKeys(rows, clock, () => 0.5),
      { clock },
    );
    await settleOn(clock, ring.start());
    const earlier = ring.refreshNow();
    const { key, record } = await issued();
    rows.add(record);
    expect(await settleOn(clock, ring.refreshNow())).toBe(true);
    expect(ring.admit(key)).toMatchObject({ keyId: record.id });
    expect(await earlier).toBe(true);
  });

  it('of an end by time needs no look at the store', async () => {
    const { key, record } = await issued({ expiresMs: NOW_MS + 60_000 });
    const { store, state } = fragileKeys([record]);
    const { ring, clock } = ringOver(store);
    await ring.start();
    state.fails = true;
    clock.stepWall(59_999);
    expect(ring.admit(key)).not.toBe(null);
    clock.stepWall(1);
    expect(ring.admit(key)).toBe(null);
  });

  it('is read only when the version is another', async () => {
    const { record } = await issued();
    const { store, state } = fragileKeys([record]);
    const { ring, clock } = ringOver(store);
    await ring.start();
    expect(state.calls).toBe(2);
    await clock.advanceSettling(100_000);
    expect(state.calls).toBe(102);
    ring.close();
    await clock.advanceSettling(100_000);
    expect([state.calls, clock.pending]).toEqual([102, 0]);
  });
});

describe('a store that fails', () => {
  it.each(['fails', 'silent'] as const)(
    'that %s leaves known keys in force, says so once, and alarms after a minute',
    async (how) => {
      const [known, coming] = [await issued(), await issued()];
      const { store, state } = fragileKeys([known.record]);
      const { ring, clock, log } = ringOver(store);
      await ring.start();
      await clock.advanceSettling(10_000);
      expect(ring.staleSinceMs).toBe(null);
      state[how] = true;
      store.add(coming.record);
      await clock.advanceSettling(4_000);
      expect(ring.admit(known.key)).not.toBe(null);
      expect(ring.admit(coming.key)).toBe(null);
      expect(ring.staleSinceMs).toBe(NOW_MS + 10_000);
      expect(log.of('keys_unreadable')).toMatchObject([
        { level: 'warn', fields: { why: how === 'fails' ? 'unavailable' : 'no_answer', keys: 1 } },
      ]);
      expect(log.of('keys_stale')).toEqual([]);
      await clock.advanceSettling(600_000);
      expect(log.of('keys_unreadable')).toHaveLength(1);
      expect(log.of('keys_stale')).toMatchObject([{ level: 'error', fields: { keys: 1 } }]);
      const { ageMs } = log.of('keys_stale')[0]!.fields;
      expect(ageMs).toBeGreaterThanOrEqual(60_000);
      expect(ageMs).toBeLessThan(63_000);
      expect(ring.admit(known.key)).not.toBe(null);
      if (how === 'silent') return;
      state[how] = false;
      await clock.advanceSettling(1_000);
      expect(log.of('keys_readable')).toHaveLength(1);
      expect([ring.staleSinceMs, ring.admit(coming.key)]).toEqual([null, expect.objectContaining({ tenant: 'acme' })]);
      state[how] = true;
      await clock.advanceSettling(1_000);
      expect(log.of('keys_unreadable')).toHaveLength(2);
    },
  );

  it('that is slow counts as failing after two seconds, and its answer is taken all the same', async () => {
    const [first, second] = [await issued(), await issued()];
    const rows = createMemoryKeys([first.record]);
    let release = () => {};
    let held = false;
    const store: KeyStore = {
      ...rows,
      async version() {
        if (held) await new Promise<void>((resolve) => (release = resolve));
        return rows.version();
      },
    };
    const { ring, clock, log } = ringOver(store);
    await ring.start();
    held = true;
    rows.add(second.record);
    await clock.advanceSettling(3_000);
    expect(log.of('keys_unreadable')).toHaveLength(1);
    held = false;
    release();
    await clock.advanceSettling(0);
    expect(log.of('keys_readable')).toHaveLength(1);
    expect(ring.admit(second.key)).not.toBe(null);
  });

  it('F037 no log line holds a key or a hash', async () => {
    const { key, record } = await issued({ name: 'canary-name' });
    const { store, state } = fragileKeys([record]);
    const { ring, clock, log } = ringOver(store);
    await ring.start();
    ring.admit(key);
    state.fails = true;
    await clock.advanceSettling(120_000);
    state.fails = false;
    await clock.advanceSettling(1_000);
    expect(log.entries.length).toBeGreaterThan(3);
    for (const secret of [key, key.slice(11, 30), record.hash, record.prefix, 'canary-name'])
      expect(log.text()).not.toContain(secret);
  });
});
