// Who is let in: the keys of a store, held in memory and brought up to date every second. For the routes of http.
import type { Caller, Doorkeeper, KeyStore } from '../core/keys.ts';
import type { Clock, Digest, Log } from '../core/runtime.ts';
import { keyBytes } from './key-format.ts';
import { indexKeys, type KeyIndex } from './key-index.ts';
import { DEVELOPMENT_TENANT } from './key-terms.ts';
import { StoreWatch } from './store-watch.ts';

const ANYBODY: Caller = { tenant: DEVELOPMENT_TENANT, keyId: null, managed: false, mayAsk: null, routes: null };
/** Who has set a key, be it any, means to use the router, so it may spend the operator's money on managed APIs. */
const DEVELOPER: Caller = { ...ANYBODY, managed: true };

export interface KeyRingOptions {
  readonly store: KeyStore;
  readonly digest: Digest;
  readonly clock: Clock;
  readonly log: Log;
  /** Never let anybody in without a key, even while none has been made. */
  readonly required?: boolean;
}

/**
 * Lets nobody in before `start`. A store that fails later changes nothing for the keys that are known: its log lines, and
 * `staleSinceMs`, say so.
 */
export class KeyRing implements Doorkeeper {
  readonly #store: KeyStore;
  readonly #digest: Digest;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #required: boolean;
  readonly #watch: StoreWatch;
  #index: KeyIndex = indexKeys([]);
  /** Once there was a key there is no way back within this process, whatever becomes of the store. */
  #everHadKeys = false;
  #loaded = false;

  constructor({ store, digest, clock, log, required = false }: KeyRingOptions) {
    this.#store = store;
    this.#digest = digest;
    this.#clock = clock;
    this.#log = log;
    this.#required = required;
    this.#watch = new StoreWatch({
      what: 'keys',
      clock,
      log,
      version: () => store.version(),
      load: () => this.#load(),
      count: () => this.#index.size,
    });
  }

  /** Only while the store says so: one that cannot be read may hold a first key. */
  get development(): boolean {
    return this.#loaded && !this.#everHadKeys && !this.#required && this.#watch.staleSinceMs === null;
  }

  /** Keys ever made. */
  get size(): number {
    return this.#index.size;
  }

  /** When the store was last read, Unix epoch in ms, if it can no longer be read; else null. */
  get staleSinceMs(): number | null {
    return this.#watch.staleSinceMs;
  }

  admit(credential: string | null): Caller | null | Promise<Caller | null> {
    if (this.development) return credential ? DEVELOPER : ANYBODY;
    const bytes = credential === null ? null : keyBytes(credential);
    if (bytes === null) return null;
    const digest = this.#digest(bytes);
    return 'then' in digest ? digest.then((late) => this.#find(late)) : this.#find(digest);
  }

  /** Reads the store for the first time. Rejects when it cannot be read: it may hold keys, so nobody is let in. */
  start(): Promise<void> {
    return this.#watch.start();
  }

  /** Sees all that was written before the call. False when the store could not be read; what is known stays. */
  refreshNow(): Promise<boolean> {
    return this.#watch.refreshNow();
  }

  /** Ends the polling. The store is its owner's to close. */
  close(): void {
    this.#watch.close();
  }

  #find(digest: Uint8Array): Caller | null {
    return this.#index.find(digest, this.#clock.wallMs());
  }

  async #load(): Promise<void> {
    this.#index = indexKeys(await this.#store.all());
    this.#everHadKeys ||= this.#index.size > 0;
    this.#loaded = true;
    this.#log.info('keys_loaded', { keys: this.#index.size, development: this.development });
  }
}
