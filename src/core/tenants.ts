// Tenants that are kept in a store beside those of the policy. For tenants, stores, policy and the command line.

/** As `spillway tenants set` wrote it: one tenant's entry of a policy's `tenants:` section, as plain data, checked on use. */
export interface TenantRecord {
  readonly name: string;
  readonly entry: Readonly<Record<string, unknown>>;
  /** Unix epoch, ms. */
  readonly changedMs: number;
}

/** Several processes may use one at once. Rejects with a StoreFault. */
export interface TenantStore {
  /** In the order of their names. */
  all(): readonly TenantRecord[] | Promise<readonly TenantRecord[]>;
  /** Grows or changes whenever any process has written. */
  version(): number | Promise<number>;
  /** Makes or replaces; durable once it has answered. */
  set(record: TenantRecord): void | Promise<void>;
  /** False: there was none. */
  remove(name: string): boolean | Promise<boolean>;
  close(): void | Promise<void>;
}

/** What no store may hold is a fault of the caller's code: stores refuse it before they write. */
export function assertTenant({ name, entry, changedMs }: TenantRecord): void {
  if (name === '' || typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw new TypeError('A tenant has a name, and its entry is a mapping.');
  if (!(Number.isSafeInteger(changedMs) && changedMs >= 0))
    throw new TypeError('Times of tenants are whole milliseconds since 1970.');
}
