// Keys that live as long as the process. For the library, where the host brings them along, and for tests.
import { assertTimes, type KeyRecord, type KeyStore, KeyStoreError } from '../../core/keys.ts';

export function createMemoryKeys(records: readonly KeyRecord[] = []): KeyStore {
  const keys = new Map<string, KeyRecord>();
  const hashes = new Set<string>();
  let version = 0;

  function add(record: KeyRecord): void {
    if (keys.has(record.id) || hashes.has(record.hash))
      throw new KeyStoreError('duplicate_key', 'A key with this id or hash is there already.');
    assertTimes(record);
    keys.set(record.id, copyOf(record));
    hashes.add(record.hash);
    version++;
  }

  for (const record of records) add(record);
  return {
    all: () => [...keys.values()].map(copyOf),
    version: () => version,
    add,
    end(id, change) {
      assertTimes(change);
      const record = keys.get(id);
      if (record === undefined) throw new KeyStoreError('unknown_key', 'No key has this id.');
      keys.set(id, {
        ...record,
        revokedMs: earlier(record.revokedMs, change.revokedMs),
        expiresMs: earlier(record.expiresMs, change.expiresMs),
      });
      version++;
    },
    close() {},
  };
}

/** What callers do to their lists later changes nothing in here. */
function copyOf(record: KeyRecord): KeyRecord {
  const { models, routes } = record;
  return { ...record, models: models && [...models], routes: routes && [...routes] };
}

function earlier(known: number | null, asked: number | undefined): number | null {
  if (asked === undefined) return known;
  return known === null ? asked : Math.min(known, asked);
}
