// Decides how a key ring is set up in tests: on a clock that the test moves, over a store that can fail. For tests of tenants.
import { type KeyRecord, type KeyStore, KeyStoreError } from '../../src/core/keys.ts';
import type { Digest } from '../../src/core/runtime.ts';
import { createMemoryKeys } from '../../src/stores/memory/keys.ts';
import { KeyRing } from '../../src/tenants/key-ring.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { digest, NOW_MS } from './sample-keys.ts';

/** A store that counts calls, and throws or stays silent while it is told to. */
export function fragileKeys(records: readonly KeyRecord[] = []) {
  const inner = createMemoryKeys(records);
  const state = { calls: 0, fails: false, silent: false };
  function ask<T>(work: () => T | Promise<T>): T | Promise<T> {
    state.calls++;
    if (state.silent) return new Promise<T>(() => {});
    if (state.fails) throw new KeyStoreError('unavailable', 'it is away');
    return work();
  }
  const store: KeyStore = {
    all: () => ask(() => inner.all()),
    version: () => ask(() => inner.version()),
    add: (record) => inner.add(record),
    end: (id, change) => inner.end(id, change),
    close: () => inner.close(),
  };
  return { store, state };
}

export const newClock = () => new VirtualClock({ wallMs: NOW_MS });

export function ringOver(
  store: KeyStore,
  {
    required = false,
    hash = digest,
    clock = newClock(),
  }: { required?: boolean; hash?: Digest; clock?: VirtualClock } = {},
) {
  const log = recordingLog();
  const ring = new KeyRing({ store, digest: hash, clock, log, required });
  return { ring, clock, log };
}
