// What a store says of tenants, held in memory and brought up to date every second. For the router and the admin routes.
import { DEFAULT_TENANT, type TenantRules } from '../core/plan.ts';
import type { Clock, Log } from '../core/runtime.ts';
import type { TenantRecord, TenantStore } from '../core/tenants.ts';
import { StoreWatch } from './store-watch.ts';

/**
 * What holds for a tenant whose entry never meant anything to this process. It may ask nothing: its entry may have kept it
 * to zones, models or money that no other rules would.
 */
export const CLOSED_TENANT: TenantRules = { ...DEFAULT_TENANT, zones: new Set(), models: [], expiresMs: 0 };

export interface TenantRingOptions {
  readonly store: TenantStore;
  readonly clock: Clock;
  readonly log: Log;
  /** What an entry means under the policy in force, or all that is wrong with it. */
  read(entry: unknown): { readonly rules: TenantRules } | { readonly faults: readonly string[] };
}

interface Held {
  readonly record: TenantRecord;
  /** The entry as text, by which a changed one is told. */
  readonly text: string;
  readonly rules: TenantRules;
  /** It is of an earlier entry or policy, or `CLOSED_TENANT`: the newest entry cannot be used. */
  readonly broken: boolean;
}

/** An entry that cannot be used changes nothing for its tenant, and nothing for any other. */
export class TenantRing {
  readonly #options: TenantRingOptions;
  readonly #watch: StoreWatch;
  #held: ReadonlyMap<string, Held> = new Map();

  constructor(options: TenantRingOptions) {
    const { store, clock, log } = options;
    this.#options = options;
    this.#watch = new StoreWatch({
      what: 'tenants',
      clock,
      log,
      version: () => store.version(),
      load: () => this.#load(),
      count: () => this.#held.size,
    });
  }

  /** Null: the store has no such tenant. */
  rules(name: string): TenantRules | null {
    return this.#held.get(name)?.rules ?? null;
  }

  /** Tenants of the store, in the order of their names. */
  all(): readonly { readonly record: TenantRecord; readonly rules: TenantRules; readonly broken: boolean }[] {
    return [...this.#held.values()];
  }

  /** When the store was last read, Unix epoch in ms, if it can no longer be read; else null. */
  get staleSinceMs(): number | null {
    return this.#watch.staleSinceMs;
  }

  /** Reads the store for the first time. Rejects when it cannot be read: what it says may bound somebody. */
  start(): Promise<void> {
    return this.#watch.start();
  }

  /** Sees all that was written before the call. False when the store could not be read; what is known stays. */
  refreshNow(): Promise<boolean> {
    return this.#watch.refreshNow();
  }

  /** The policy is another one: entries may mean something else now. */
  policyChanged(): void {
    this.#held = new Map([...this.#held].map(([name, held]) => [name, this.#read(held.record, held.text, held)]));
  }

  /** Ends the polling. The store is its owner's to close. */
  close(): void {
    this.#watch.close();
  }

  async #load(): Promise<void> {
    const records = await this.#options.store.all();
    const before = this.#held;
    const next = new Map<string, Held>();
    for (const record of records) {
      const text = JSON.stringify(record.entry);
      const known = before.get(record.name);
      // Reading is cheap for one entry, and not for thousands of which one has changed.
      const same = known !== undefined && known.text === text;
      next.set(record.name, same ? { ...known, record } : this.#read(record, text, known));
    }
    this.#held = next;
    this.#options.log.info('tenants_loaded', { tenants: next.size });
  }

  #read(record: TenantRecord, text: string, known: Held | undefined): Held {
    const reading = this.#options.read(record.entry);
    if ('rules' in reading) return { record, text, rules: reading.rules, broken: false };
    const { faults } = reading;
    const keeps = known !== undefined && known.rules !== CLOSED_TENANT;
    this.#options.log.error('tenant_refused', {
      tenant: record.name,
      faults: faults.length,
      first: faults[0],
      inForce: keeps ? 'last good' : 'nothing may be asked',
    });
    return { record, text, rules: keeps ? known.rules : CLOSED_TENANT, broken: true };
  }
}
