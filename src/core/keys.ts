// What a key is, who is behind a call, and where keys are kept. For tenants, stores, http and entries.

/** A key as it is stored: never the key itself, only its SHA-256. */
export interface KeyRecord {
  /** Names the key in lists and commands; not secret. */
  readonly id: string;
  readonly tenant: string;
  /** What the operator calls it; may be empty. */
  readonly name: string;
  /** The key's first characters, for recognising it. */
  readonly prefix: string;
  /** SHA-256 of the whole key, lower-case hex. */
  readonly hash: string;
  /** Unix epoch, ms. */
  readonly createdMs: number;
  /** Unix epoch, ms; null = it does not expire. */
  readonly expiresMs: number | null;
  readonly revokedMs: number | null;
  /** Names and patterns (with `*`) of models it may ask; null = all. */
  readonly models: readonly string[] | null;
  /** Paths it may call, under the base path; null = all. */
  readonly routes: readonly string[] | null;
}

/** What can be wrong with a store of keys; for logs and exit codes. */
export type KeyStoreFault =
  /** No key has this id. */
  | 'unknown_key'
  /** A key with this id or hash is there already. */
  | 'duplicate_key'
  /** Another process holds the store for too long. */
  | 'busy'
  /** It cannot be opened, read or written. */
  | 'unavailable'
  /** What is there is no store of keys, or no whole one. */
  | 'damaged'
  /** A later version of Spillway made it. */
  | 'too_new'
  /** It is not the one that was opened: somebody put another in its place, or took it away. */
  | 'replaced';

/** Its text is for operators: it names files and ids, never a key or a hash. */
export class KeyStoreError extends Error {
  readonly code: KeyStoreFault;

  constructor(code: KeyStoreFault, message: string) {
    super(message);
    this.name = 'KeyStoreError';
    this.code = code;
  }
}

/** When a key is to be over; Unix epoch, ms. */
export interface KeyEnd {
  readonly revokedMs?: number;
  readonly expiresMs?: number;
}

/** A time that is none would read as "never": stores refuse it, a fault of the caller's code, before they write. */
export function assertTimes(
  times: { readonly [key in 'createdMs' | 'expiresMs' | 'revokedMs']?: number | null },
): void {
  for (const timeMs of [times.createdMs, times.expiresMs, times.revokedMs]) {
    if (timeMs !== undefined && timeMs !== null && !(Number.isSafeInteger(timeMs) && timeMs >= 0))
      throw new TypeError('Times of keys are whole milliseconds since 1970.');
  }
}

/**
 * Where keys are kept. Reads are cheap enough to be repeated every second; writers may be other processes. Every failure
 * is a KeyStoreError. A store that cannot be read throws: it never answers that there are no keys.
 */
export interface KeyStore {
  /** All keys, revoked and expired ones included, in the order in which they were added. */
  all(): readonly KeyRecord[] | Promise<readonly KeyRecord[]>;
  /** Grows or changes whenever any process has written; equal values mean that `all` would answer the same. */
  version(): number | Promise<number>;
  /** In force for every later read, and durable, once it has answered. Ids and hashes are unique. */
  add(record: KeyRecord): void | Promise<void>;
  /**
   * Shortens a key's life; never makes it longer: of two times the earlier one stays. Unknown ids are an error. A key with
   * any `revokedMs` is over at once.
   */
  end(id: string, change: KeyEnd): void | Promise<void>;
  close(): void | Promise<void>;
}

/** Who is behind a call, as far as the router needs to know. */
export interface Caller {
  readonly tenant: string;
  /** Null: no key. */
  readonly keyId: string | null;
  /** May reach managed APIs, which cost money with every call. */
  readonly managed: boolean;
  /** Whether the key may ask this model; null = any. */
  readonly mayAsk: ((model: string) => boolean) | null;
  /** Paths it may call, under the base path; null = all. */
  readonly routes: ReadonlySet<string> | null;
}

/** Knows callers by their credential. A request is let in by this alone, before its body is read. */
export interface Doorkeeper {
  /**
   * Who calls with this credential; null = nobody that is let in, whatever the reason. `credential` is null when the
   * request carries none.
   */
  admit(credential: string | null): Caller | null | Promise<Caller | null>;
  /** No key has ever been made, so whoever reaches the router over loopback may use it. */
  readonly development: boolean;
}
