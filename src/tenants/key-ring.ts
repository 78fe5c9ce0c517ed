// Who is let in: the keys of a store, held in memory and brought up to date every second. For the routes of http.
import { type Caller, type Doorkeeper, type KeyStore, KeyStoreError } from '../core/keys.ts';
import type { Clock, Digest, Log, Timer } from '../core/runtime.ts';
import { keyBytes } from './key-format.ts';
import { indexKeys, type KeyIndex } from './key-index.ts';
import { DEVELOPMENT_TENANT } from './key-terms.ts';

/** A revocation is to be in force everywhere within 5 s; this leaves room for a store that answers late. */
const POLL_MS = 1_000;
/** A store that has not answered by then counts as failing, though its answer is still taken. */
const PATIENCE_MS = 2_000;
/** Keys this old are no longer a hiccup of the store. */
const ALARM_MS = 60_000;

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
  #index: KeyIndex = indexKeys([]);
  #version: number | null = null;
  /** Once there was a key there is no way back within this process, whatever becomes of the store. */
  #everHadKeys = false;
  #freshAtMs = 0;
  #freshAtWallMs = 0;
  #state: 'fresh' | 'stale' | 'alarming' = 'fresh';
  #looks: Promise<unknown> = Promise.resolve();
  #timer: Timer | null = null;
  #closed = false;

  constructor({ store, digest, clock, log, required = false }: KeyRingOptions) {
    this.#store = store;
    this.#digest = digest;
    this.#clock = clock;
    this.#log = log;
    this.#required = required;
  }

  /** Only while the store says so: one that cannot be read may hold a first key. */
  get development(): boolean {
    return this.#version !== null && !this.#everHadKeys && !this.#required && this.#state === 'fresh';
  }

  /** Keys ever made. */
  get size(): number {
    return this.#index.size;
  }

  /** When the store was last read, Unix epoch in ms, if it can no longer be read; else null. */
  get staleSinceMs(): number | null {
    return this.#state === 'fresh' ? null : this.#freshAtWallMs;
  }

  admit(credential: string | null): Caller | null | Promise<Caller | null> {
    if (this.development) return credential ? DEVELOPER : ANYBODY;
    const bytes = credential === null ? null : keyBytes(credential);
    if (bytes === null) return null;
    const digest = this.#digest(bytes);
    return 'then' in digest ? digest.then((late) => this.#find(late)) : this.#find(digest);
  }

  /** Reads the store for the first time. Rejects when it cannot be read: it may hold keys, so nobody is let in. */
  async start(): Promise<void> {
    await this.#inTurn(() => this.#look());
    this.#pollLater();
  }

  /** Sees all that was written before the call. False when the store could not be read; what is known stays. */
  refreshNow(): Promise<boolean> {
    return this.#inTurn(() => this.#watchedLook());
  }

  /** Ends the polling. The store is its owner's to close. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #find(digest: Uint8Array): Caller | null {
    return this.#index.find(digest, this.#clock.wallMs());
  }

  /** One after the other: of two looks the later one sees more. */
  #inTurn<T>(look: () => Promise<T>): Promise<T> {
    const next = this.#looks.then(look);
    this.#looks = next.catch(() => undefined);
    return next;
  }

  #pollLater(): void {
    if (this.#closed) return;
    this.#timer = this.#clock.after(POLL_MS, () => void this.refreshNow().then(() => this.#pollLater()));
  }

  async #watchedLook(): Promise<boolean> {
    let patience: Timer;
    const wait = () => {
      patience = this.#clock.after(PATIENCE_MS, () => {
        this.#cannotRead('no_answer');
        wait();
      });
    };
    wait();
    try {
      await this.#look();
      return true;
    } catch (thrown) {
      this.#cannotRead(thrown instanceof KeyStoreError ? thrown.code : 'unknown');
      return false;
    } finally {
      patience!.cancel();
    }
  }

  async #look(): Promise<void> {
    const askedAtMs = this.#clock.nowMs();
    const askedAtWallMs = this.#clock.wallMs();
    // The version goes first: what is written between the two is then read twice, not missed.
    const version = await this.#store.version();
    if (version !== this.#version) {
      this.#index = indexKeys(await this.#store.all());
      this.#version = version;
      this.#everHadKeys ||= this.#index.size > 0;
      this.#log.info('keys_loaded', { keys: this.#index.size, development: this.development });
    }
    this.#freshAtMs = askedAtMs;
    this.#freshAtWallMs = askedAtWallMs;
    if (this.#state === 'fresh') return;
    this.#state = 'fresh';
    this.#log.info('keys_readable', { keys: this.#index.size });
  }

  #cannotRead(why: string): void {
    const ageMs = Math.round(this.#clock.nowMs() - this.#freshAtMs);
    if (this.#state === 'fresh') {
      this.#state = 'stale';
      this.#log.warn('keys_unreadable', { why, ageMs, keys: this.#index.size });
    }
    if (this.#state === 'stale' && ageMs >= ALARM_MS) {
      this.#state = 'alarming';
      this.#log.error('keys_stale', { why, ageMs, keys: this.#index.size });
    }
  }
}
