// Tenants that live as long as the process. For the library, where the host brings them along, and for tests.
import { assertTenant, type TenantRecord, type TenantStore } from '../../core/tenants.ts';

export function createMemoryTenants(records: readonly TenantRecord[] = []): TenantStore {
  const tenants = new Map<string, TenantRecord>();
  let version = 0;

  function set(record: TenantRecord): void {
    assertTenant(record);
    tenants.set(record.name, copyOf(record));
    version++;
  }

  for (const record of records) set(record);
  return {
    all: () => [...tenants.values()].map(copyOf).sort((a, b) => (a.name < b.name ? -1 : 1)),
    version: () => version,
    set,
    remove(name) {
      const was = tenants.delete(name);
      if (was) version++;
      return was;
    },
    close() {},
  };
}

/** What callers do to their entries later changes nothing in here. */
function copyOf({ name, entry, changedMs }: TenantRecord): TenantRecord {
  return { name, entry: JSON.parse(JSON.stringify(entry)) as TenantRecord['entry'], changedMs };
}
