// What operators do with tenants over the admin listener: look, set, remove, each write told to the log. For entry/node.
import { RouterError } from '../core/errors.ts';
import type { Clock, Digest, Log } from '../core/runtime.ts';
import { StoreFault } from '../core/store.ts';
import type { TenantRecord, TenantStore } from '../core/tenants.ts';
import type { TenantDesk, TenantView } from '../http/admin-tenants.ts';
import { tenantJson } from '../policy/check-money.ts';
import type { Catalog } from '../policy/compile.ts';
import type { Policy } from '../policy/policy.ts';
import { ANY_TENANT } from '../policy/tenants.ts';
import { DEVELOPMENT_TENANT, isTenantName, TENANT_RULE } from '../tenants/key-terms.ts';
import type { TenantRing } from '../tenants/tenant-ring.ts';

export interface TenantDeskOptions {
  readonly ring: TenantRing;
  readonly store: TenantStore;
  readonly clock: Clock;
  readonly digest: Digest;
  readonly log: Log;
  /** What is in force now. */
  policy(): Policy;
  catalog(): Catalog;
}

export function createTenantDesk(options: TenantDeskOptions): TenantDesk {
  const { ring, store, clock, digest, log } = options;

  function policyView(name: string): TenantView | null {
    const rules = options.policy().tenants.get(name);
    return rules === undefined ? null : { name, source: 'policy', rules: tenantJson(rules) };
  }

  function storeView({ record, rules, broken }: ReturnType<TenantRing['all']>[number]): TenantView {
    const { name, entry, changedMs } = record;
    const changedAt = new Date(changedMs).toISOString();
    return { name, source: 'store', entry, changedAt, broken, rules: tenantJson(rules) };
  }

  function get(name: string): TenantView | null {
    const found = ring.all().find(({ record }) => record.name === name);
    return policyView(name) ?? (found === undefined ? null : storeView(found));
  }

  async function known(name: string): Promise<TenantRecord | null> {
    return (await store.all()).find((record) => record.name === name) ?? null;
  }

  async function print(entry: unknown): Promise<string | null> {
    if (entry === undefined) return null;
    const hash = await digest(new TextEncoder().encode(JSON.stringify(sorted(entry))));
    return Array.from(hash.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  /** A warning, so that it is written whatever `telemetry.log` says. */
  async function audit(what: string, name: string, before: unknown, after: unknown, request: string): Promise<void> {
    const [was, is] = [await print(before), await print(after)];
    log.warn('audit', { who: 'operator', what, tenant: name, before: was, after: is, request });
  }

  return {
    list() {
      const policy = options.policy();
      const views = [
        ...[...policy.tenants.keys()].map((name) => policyView(name)!),
        ...ring.all().flatMap((one) => (policy.tenants.has(one.record.name) ? [] : [storeView(one)])),
      ];
      return views.sort((a, b) => (String(a['name']) < String(b['name']) ? -1 : 1));
    },
    get,
    set: (name, entry, request) =>
      explained(async () => {
        checkName(name, options.catalog());
        const reading = options.catalog().readTenant(entry);
        if ('faults' in reading) throw new RouterError('invalid_value', `${reading.faults.join('. ')}.`);
        const before = await known(name);
        await store.set({ name, entry: entry as TenantRecord['entry'], changedMs: clock.wallMs() });
        await audit('tenant.set', name, before?.entry, entry, request);
        await ring.refreshNow();
        return { ...get(name), warnings: reading.warnings };
      }),
    remove: (name, request) =>
      explained(async () => {
        const before = await known(name);
        if (before === null && options.catalog().namedTenant(name) !== null) throw ofPolicy(name);
        if (!(await store.remove(name))) return false;
        await audit('tenant.remove', name, before?.entry, undefined, request);
        await ring.refreshNow();
        return true;
      }),
  };
}

/** Why no entry of a store may have this name; null = it may. */
export function nameFault(name: string, catalog: Catalog): string | null {
  if (name === ANY_TENANT) return `"${ANY_TENANT}" is set by the policy alone, under tenants`;
  if (!isTenantName(name)) return `A tenant's name is ${TENANT_RULE}`;
  if (name === DEVELOPMENT_TENANT)
    return `${DEVELOPMENT_TENANT} is the tenant of calls without keys, and set by the policy alone`;
  return catalog.namedTenant(name) === null ? null : `${name} is set by the policy, which wins: change it there`;
}

function checkName(name: string, catalog: Catalog): void {
  if (catalog.namedTenant(name) !== null) throw ofPolicy(name);
  const fault = nameFault(name, catalog);
  if (fault !== null) throw new RouterError('invalid_value', `${fault}.`);
}

function ofPolicy(name: string): RouterError {
  return new RouterError('not_allowed', `${name} is set by the policy, which wins: change it there.`);
}

/** A store's own words are for operators, who read this. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw thrown instanceof StoreFault ? new RouterError('internal_error', thrown.message) : thrown;
  }
}

/** Equal entries have one print, in whatever order their keys were written. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
