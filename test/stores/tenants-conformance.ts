// What every store of tenants does alike, however it answers. For the tests of each store.
import { describe, expect, it } from 'vitest';
import type { TenantRecord, TenantStore } from '../../src/core/tenants.ts';
import { HOSTILE_TEXTS, NOW_MS } from '../tenants/sample-keys.ts';

export interface TenantStoreUnderTest {
  readonly store: TenantStore;
  /** Another view of the same tenants, as another process has it; the same store where there is no such thing. */
  readonly other: TenantStore;
  settle<T>(answer: T | Promise<T>): Promise<T>;
}

const record = (name: string, entry: TenantRecord['entry'] = {}, changedMs = NOW_MS): TenantRecord => ({
  name,
  entry,
  changedMs,
});

export function describeTenantStore(what: string, open: () => TenantStoreUnderTest): void {
  describe(what, () => {
    it('has no tenants at first, and the same version until something is written', async () => {
      const { store, settle } = open();
      expect(await settle(store.all())).toEqual([]);
      expect(await settle(store.version())).toBe(await settle(store.version()));
      expect(await settle(store.remove('nobody'))).toBe(false);
    });

    it('gives back what it was given, in the order of names, seen from everywhere', async () => {
      const { store, other, settle } = open();
      const entry = { plan: 'standard', usd: { perDay: 5, warnAt: ['80%', '95%'] }, models: ['a*'], weight: 0.5 };
      for (const name of ['beta', 'acme', 'Zeta', 'b-1'])
        await settle(store.set(record(name, name === 'acme' ? entry : { weight: 2 })));
      for (const view of [store, other]) {
        const all = await settle(view.all());
        expect(all.map(({ name }) => name)).toEqual(['Zeta', 'acme', 'b-1', 'beta']);
        expect(all[1]).toEqual(record('acme', entry));
      }
    });

    it('replaces a tenant whole, and removes it once', async () => {
      const { store, other, settle } = open();
      await settle(store.set(record('acme', { weight: 2, zones: ['eu'] }, 1)));
      await settle(store.set(record('beta')));
      await settle(other.set(record('acme', { plan: 'p' }, 2)));
      expect((await settle(store.all()))[0]).toEqual(record('acme', { plan: 'p' }, 2));
      expect(await settle(other.remove('acme'))).toBe(true);
      expect(await settle(store.remove('acme'))).toBe(false);
      expect((await settle(store.all())).map(({ name }) => name)).toEqual(['beta']);
    });

    it('has a new version after every write, seen from everywhere', async () => {
      const { store, other, settle } = open();
      const seen = [store, other].map(() => new Set<number>());
      const look = async () => {
        seen[0]!.add(await settle(store.version()));
        seen[1]!.add(await settle(other.version()));
      };
      await look();
      for (const write of [
        () => store.set(record('a')),
        () => other.set(record('b')),
        () => store.set(record('a', { weight: 3 })),
        () => other.remove('a'),
        () => store.remove('b'),
      ]) {
        await settle(write() as Promise<void>);
        await look();
      }
      expect(seen.map(({ size }) => size)).toEqual([6, 6]);
    });

    it('F031 takes any text for data, in names and entries', async () => {
      const { store, other, settle } = open();
      const names = new Set(HOSTILE_TEXTS.map((text, at) => `${at}${text}`));
      for (const name of names) await settle(store.set(record(name, { [name]: name })));
      const all = await settle(other.all());
      expect(new Set(all.map(({ name }) => name))).toEqual(names);
      for (const { name, entry } of all) expect(entry).toEqual({ [name]: name });
      for (const text of HOSTILE_TEXTS) expect(await settle(store.remove(text))).toBe(false);
      expect(await settle(other.all())).toHaveLength(names.size);
    });

    it('refuses what is no tenant, and changes nothing', async () => {
      const { store, settle } = open();
      await settle(store.set(record('acme')));
      const wrong = [
        record(''),
        record('a', [] as never),
        record('a', null as never),
        record('a', {}, 1.5),
        record('a', {}, -1),
      ];
      for (const one of wrong) await expect(settle((async () => store.set(one))())).rejects.toBeInstanceOf(TypeError);
      expect(await settle(store.all())).toEqual([record('acme')]);
    });

    it('keeps its own copy of what it was given, and gives copies away', async () => {
      const { store, settle } = open();
      const models = ['a'];
      await settle(store.set(record('acme', { models })));
      models.push('b');
      ((await settle(store.all()))[0]!.entry['models'] as string[]).push('c');
      expect((await settle(store.all()))[0]!.entry).toEqual({ models: ['a'] });
    });
  });
}
