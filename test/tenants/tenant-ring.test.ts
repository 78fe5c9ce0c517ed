// What a store of tenants means to a router: up to date, broken entries set aside, no other tenant touched. For src/tenants.
import { describe, expect, it } from 'vitest';
import { DEFAULT_TENANT } from '../../src/core/plan.ts';
import { StoreFault } from '../../src/core/store.ts';
import type { TenantRecord, TenantStore } from '../../src/core/tenants.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { createMemoryTenants } from '../../src/stores/memory/tenants.ts';
import { CLOSED_TENANT, TenantRing } from '../../src/tenants/tenant-ring.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { policyOf } from '../policy/load-texts.ts';
import { NOW_MS } from './sample-keys.ts';

const POLICY = `version: 1
pools: { a: { workers: [ { url: "http://a" } ] } }
models: { m: { ladder: [ { pool: a } ] } }
`;
const catalogOf = async (more: string) => compilePolicy(await policyOf(`${POLICY}${more}\n`));
const record = (name: string, entry: TenantRecord['entry']): TenantRecord => ({ name, entry, changedMs: NOW_MS });

async function ringOver(records: readonly TenantRecord[], more = 'plans: { p: { weight: 3 }, q: { weight: 7 } }') {
  const inner = createMemoryTenants(records);
  const state = { fails: false, reads: 0 };
  const ask = <T>(work: () => T): T => {
    if (state.fails) throw new StoreFault('unavailable', 'it is away');
    return work();
  };
  const store: TenantStore = { ...inner, all: () => ask(() => inner.all()), version: () => ask(() => inner.version()) };
  const policy = { catalog: await catalogOf(more) };
  const clock = new VirtualClock({ wallMs: NOW_MS });
  const log = recordingLog();
  const read = (entry: unknown) => {
    state.reads++;
    return policy.catalog.readTenant(entry);
  };
  const ring = new TenantRing({ store, clock, log, read });
  const said = (event: string) => log.of(event).map(({ fields }) => fields);
  return { ring, store, state, policy, clock, said };
}

describe('what the store says', () => {
  it('holds from the start; who is not in it has nothing', async () => {
    const { ring } = await ringOver([record('acme', { plan: 'p', inFlight: 4 })]);
    expect(ring.rules('acme')).toBeNull();
    await ring.start();
    expect(ring.rules('acme')).toMatchObject({ plan: 'p', weight: 3, limits: { inFlight: { limit: 4 } } });
    for (const name of ['nobody', '__proto__', 'constructor']) expect(ring.rules(name)).toBeNull();
    ring.close();
  });

  it('is in force within five seconds of a write, made, changed and removed', async () => {
    const { ring, store, clock } = await ringOver([]);
    await ring.start();
    const after5s = () => clock.advanceSettling(5_000);
    store.set(record('acme', { weight: 5 }));
    await after5s();
    expect(ring.rules('acme')).toMatchObject({ weight: 5 });
    store.set(record('acme', { weight: 6 }));
    await after5s();
    expect(ring.rules('acme')).toMatchObject({ weight: 6 });
    store.remove('acme');
    await after5s();
    expect(ring.rules('acme')).toBeNull();
    ring.close();
  });

  it('of many tenants only the changed one is read again', async () => {
    const { ring, store, state } = await ringOver(
      Array.from({ length: 50 }, (_, at) => record(`t${at}`, { weight: 2 })),
    );
    await ring.start();
    expect(state.reads).toBe(50);
    store.set(record('t7', { weight: 9 }));
    expect(await ring.refreshNow()).toBe(true);
    expect(await ring.refreshNow()).toBe(true);
    expect([state.reads, ring.rules('t7')?.weight, ring.rules('t8')?.weight]).toEqual([51, 9, 2]);
    ring.close();
  });
});

describe('an entry that cannot be used', () => {
  it('leaves its tenant the last good rules, is logged once, and touches nobody else', async () => {
    const { ring, store, said } = await ringOver([record('acme', { weight: 2 }), record('beta', { weight: 3 })]);
    await ring.start();
    store.set(record('acme', { wieght: 9 }));
    await ring.refreshNow();
    store.set(record('beta', { weight: 4 }));
    await ring.refreshNow();
    expect([ring.rules('acme')?.weight, ring.rules('beta')?.weight]).toEqual([2, 4]);
    expect(ring.all().map(({ broken }) => broken)).toEqual([true, false]);
    expect(said('tenant_refused')).toEqual([
      expect.objectContaining({
        tenant: 'acme',
        faults: 1,
        first: expect.stringMatching(/^wieght: unknown key/),
        inForce: 'last good',
      }),
    ]);
    store.set(record('acme', { weight: 8 }));
    await ring.refreshNow();
    expect([ring.rules('acme')?.weight, ring.all()[0]!.broken]).toEqual([8, false]);
    ring.close();
  });

  it('and never was good may ask nothing: it may have kept its tenant to zones or money', async () => {
    const { ring, store, said } = await ringOver([record('acme', { plan: 'gold', zones: ['eu'] })]);
    await ring.start();
    expect(ring.rules('acme')).toBe(CLOSED_TENANT);
    expect(CLOSED_TENANT).toEqual({ ...DEFAULT_TENANT, zones: new Set(), models: [], expiresMs: 0 });
    expect(said('tenant_refused')[0]).toMatchObject({ inForce: 'nothing may be asked' });
    store.set(record('acme', { plan: 'silver' }));
    await ring.refreshNow();
    expect(ring.rules('acme')).toBe(CLOSED_TENANT);
    ring.close();
  });
});

describe('another policy', () => {
  it('is what entries mean from then on', async () => {
    const { ring, policy } = await ringOver([record('acme', { plan: 'p' })]);
    await ring.start();
    policy.catalog = await catalogOf('plans: { p: { weight: 11 } }');
    expect(ring.rules('acme')?.weight).toBe(3);
    ring.policyChanged();
    expect(ring.rules('acme')?.weight).toBe(11);
    ring.close();
  });

  it('without the plan that an entry names leaves the last good rules, until it is back', async () => {
    const { ring, policy, said } = await ringOver([record('acme', { plan: 'p' }), record('beta', { plan: 'q' })]);
    await ring.start();
    policy.catalog = await catalogOf('plans: { q: { weight: 8 } }');
    ring.policyChanged();
    expect([ring.rules('acme')?.weight, ring.rules('beta')?.weight]).toEqual([3, 8]);
    expect(said('tenant_refused')[0]).toMatchObject({ tenant: 'acme', first: 'plan: unknown plan "p". Valid: q.' });
    policy.catalog = await catalogOf('plans: { p: { weight: 4 }, q: {} }');
    ring.policyChanged();
    expect([ring.rules('acme')?.weight, ring.all()[0]!.broken]).toEqual([4, false]);
    ring.close();
  });
});

describe('a store that fails', () => {
  it('at the start is no empty store', async () => {
    const { ring, state } = await ringOver([record('acme', {})]);
    state.fails = true;
    await expect(ring.start()).rejects.toBeInstanceOf(StoreFault);
    ring.close();
  });

  it('later changes nothing that is known; it is logged, then alarmed, then over', async () => {
    const { ring, state, clock, said, store } = await ringOver([record('acme', { weight: 2 })]);
    await ring.start();
    state.fails = true;
    await clock.advanceSettling(65_000);
    expect(ring.rules('acme')?.weight).toBe(2);
    expect(ring.staleSinceMs).not.toBeNull();
    expect(said('tenants_unreadable')).toEqual([expect.objectContaining({ why: 'unavailable', tenants: 1 })]);
    expect(said('tenants_stale')).toHaveLength(1);
    state.fails = false;
    store.set(record('acme', { weight: 5 }));
    await clock.advanceSettling(2_000);
    expect([ring.rules('acme')?.weight, ring.staleSinceMs]).toEqual([5, null]);
    ring.close();
  });
});
