// What every store of keys does alike, however it answers. For the tests of each store.
import { describe, expect, it } from 'vitest';
import type { KeyEnd, KeyRecord, KeyStore } from '../../src/core/keys.ts';
import { HOSTILE_TEXTS, issued, NOW_MS } from '../tenants/sample-keys.ts';

export interface StoreUnderTest {
  readonly store: KeyStore;
  /** Another view of the same keys, as another process has it; the same store where there is no such thing. */
  readonly other: KeyStore;
  /** Waits for an answer; a store on a clock of its own moves that clock. */
  settle<T>(answer: T | Promise<T>): Promise<T>;
}

const record = async (change: Partial<KeyRecord> = {}): Promise<KeyRecord> => ({
  ...(await issued()).record,
  ...change,
});

export function describeKeyStore(name: string, open: () => StoreUnderTest | Promise<StoreUnderTest>): void {
  describe(name, () => {
    it('has no keys at first, and the same version until something is written', async () => {
      const { store, settle } = await open();
      expect(await settle(store.all())).toEqual([]);
      expect(await settle(store.version())).toBe(await settle(store.version()));
    });

    it('gives back what it was given, field by field, in the order of adding', async () => {
      const { store, other, settle } = await open();
      const added = [
        await record({ models: ['a', 'b*'], routes: ['/v1/embeddings'], createdMs: NOW_MS }),
        await record({ name: 'second', expiresMs: NOW_MS + 1, createdMs: NOW_MS - 5 }),
        await record({ models: [], routes: [], revokedMs: 0, createdMs: 0 }),
      ];
      for (const one of added) await settle(store.add(one));
      expect(await settle(store.all())).toEqual(added);
      expect(await settle(other.all())).toEqual(added);
    });

    it('has a new version after every write, seen from everywhere', async () => {
      const { store, other, settle } = await open();
      const one = await record();
      const seen = [store, other].map(() => new Set<number>());
      const look = async () => {
        seen[0]!.add(await settle(store.version()));
        seen[1]!.add(await settle(other.version()));
      };
      await look();
      await settle(store.add(one));
      await look();
      await settle(other.add(await record()));
      await look();
      await settle(store.end(one.id, { revokedMs: NOW_MS }));
      await look();
      await settle(other.end(one.id, { expiresMs: NOW_MS }));
      await look();
      expect(seen.map(({ size }) => size)).toEqual([5, 5]);
    });

    it('keeps ids and hashes unique, and what is refused changes nothing', async () => {
      const { store, other, settle } = await open();
      const one = await record();
      await settle(store.add(one));
      const sameId = settleFailure(settle, async () => other.add(await record({ id: one.id })));
      await expect(sameId).resolves.toMatchObject({ name: 'KeyStoreError', code: 'duplicate_key' });
      const sameHash = settleFailure(settle, async () => store.add(await record({ hash: one.hash })));
      await expect(sameHash).resolves.toMatchObject({ code: 'duplicate_key' });
      expect(await settle(store.all())).toEqual([one]);
    });

    it.each<[string, Partial<KeyRecord>, KeyEnd, Partial<KeyRecord>]>([
      ['revokes', {}, { revokedMs: 5 }, { revokedMs: 5 }],
      ['gives an end to one without', {}, { expiresMs: 5 }, { expiresMs: 5 }],
      ['brings an end forward', { expiresMs: 9 }, { expiresMs: 5 }, { expiresMs: 5 }],
      ['does not put an end off', { expiresMs: 5 }, { expiresMs: 9 }, { expiresMs: 5 }],
      ['keeps the first revocation', { revokedMs: 5 }, { revokedMs: 9 }, { revokedMs: 5 }],
      ['does both at once', { expiresMs: 9 }, { expiresMs: 3, revokedMs: 2 }, { expiresMs: 3, revokedMs: 2 }],
      ['does nothing when nothing is asked', { expiresMs: 9, revokedMs: 4 }, {}, { expiresMs: 9, revokedMs: 4 }],
    ])('%s, and only of the key that is named', async (_what, before, change, after) => {
      const { store, other, settle } = await open();
      const one = await record(before);
      const bystander = await record();
      await settle(store.add(one));
      await settle(store.add(bystander));
      await settle(other.end(one.id, change));
      expect(await settle(store.all())).toEqual([{ ...one, ...after }, bystander]);
    });

    it('says of an unknown id that it is none, with keys and without', async () => {
      const { store, settle } = await open();
      for (const add of [null, await record()]) {
        if (add !== null) await settle(store.add(add));
        for (const id of ['key_none', '', '%', '*']) {
          const failure = settleFailure(settle, () => store.end(id, { revokedMs: 1 }));
          await expect(failure).resolves.toMatchObject({ name: 'KeyStoreError', code: 'unknown_key' });
        }
      }
    });

    it('refuses times that are none: they would read as never', async () => {
      const { store, settle } = await open();
      const one = await record();
      await settle(store.add(one));
      for (const timeMs of [Number.NaN, Number.POSITIVE_INFINITY, 1.5, -1, 2 ** 60]) {
        const added = settleFailure(settle, async () => store.add(await record({ expiresMs: timeMs })));
        await expect(added).resolves.toBeInstanceOf(TypeError);
        const ended = settleFailure(settle, () => store.end(one.id, { expiresMs: timeMs }));
        await expect(ended).resolves.toBeInstanceOf(TypeError);
      }
      expect(await settle(store.all())).toEqual([one]);
    });

    it('F031 takes any text for data, in every field', async () => {
      const { store, other, settle } = await open();
      const added: KeyRecord[] = [];
      for (const [at, text] of HOSTILE_TEXTS.entries()) {
        const one = await record({
          id: `${at}${text}`,
          tenant: text,
          name: text,
          prefix: text,
          models: [text, text],
          routes: [text],
        });
        await settle(store.add(one));
        added.push(one);
      }
      expect(await settle(other.all())).toEqual(added);
      for (const text of HOSTILE_TEXTS) {
        const failure = settleFailure(settle, () => other.end(text, { revokedMs: 1 }));
        await expect(failure).resolves.toMatchObject({ code: 'unknown_key' });
      }
      const hit = added[3]!;
      await settle(other.end(hit.id, { revokedMs: 1 }));
      const expected = added.map((one) => (one === hit ? { ...one, revokedMs: 1 } : one));
      expect(await settle(store.all())).toEqual(expected);
    });

    it('keeps its own copy of what it was given, and gives copies away', async () => {
      const { store, settle } = await open();
      const models = ['a'];
      const one = await record({ models });
      await settle(store.add(one));
      models.push('b');
      ((await settle(store.all())) as KeyRecord[]).length = 0;
      ((await settle(store.all()))[0]!.models as string[]).push('c');
      expect((await settle(store.all()))[0]!.models).toEqual(['a']);
    });
  });
}

async function settleFailure(settle: StoreUnderTest['settle'], write: () => void | Promise<void>): Promise<unknown> {
  try {
    await settle((async () => write())());
  } catch (thrown) {
    return thrown;
  }
  throw new Error('it was not refused');
}
