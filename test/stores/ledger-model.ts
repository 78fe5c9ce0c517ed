// A ledger's money as plain sums, beside which a real one is held. For tests of ledgers.
import { expect } from 'vitest';
import type { HoldReply } from '../../src/core/ledger.ts';
import { SPEND_WINDOWS } from '../../src/core/ledger.ts';
import type { SpendLimits } from '../../src/core/plan.ts';
import { windowStartMs } from '../../src/core/windows.ts';
import type { Chance } from './chance.ts';
import type { LedgerUnderTest } from './ledger-conformance.ts';
import { call } from './ledger-records.ts';

const TENANTS = ['acme', 'beta', 'gamma'];
const LIMITS: SpendLimits = { hour: 500, day: 1_000, month: 3_000, warnAt: [], dryRun: false };
const STEPS = 250;

interface Charge {
  readonly tenant: string;
  readonly amount: number;
  readonly atMs: number;
}

/** Routers hold and charge by chance while hours pass; each answer must be the one that the sums give. */
export async function booksAddUp(under: LedgerUnderTest, { random, seed }: Chance): Promise<void> {
  const { stores, settle, setClock } = under;
  const charges: Charge[] = [];
  const holds = TENANTS.map(() => stores.map(() => 0));
  const upTo = (most: number) => Math.floor(random() * (most + 1));
  let nowMs = Date.UTC(2026, 10, 29, 20, 10);
  setClock(nowMs);
  const spent = (tenant: string, window: (typeof SPEND_WINDOWS)[number]) => {
    const fromMs = windowStartMs(window, nowMs);
    return charges.reduce((sum, one) => (one.tenant === tenant && one.atMs >= fromMs ? sum + one.amount : sum), 0);
  };
  const expected = (tenant: number, router: number, amount: number): Partial<HoldReply> => {
    const others = holds[tenant]!.reduce((sum, held, at) => (at === router ? sum : sum + held), 0);
    const left = SPEND_WINDOWS.map((window) => LIMITS[window]! - spent(TENANTS[tenant]!, window) - others);
    const room = Math.max(0, Math.min(...left));
    const held = Math.min(amount, room);
    return { held, free: room - held };
  };
  for (let step = 0; step < STEPS; step++) {
    const said = `seed ${seed}, step ${step}`;
    const [tenant, router] = [upTo(TENANTS.length - 1), upTo(stores.length - 1)];
    const name = TENANTS[tenant]!;
    const kind = random();
    if (kind < 0.45) {
      // A call costs what was held for it, now and then nothing, seldom more than that.
      const held = holds[tenant]![router]!;
      const amount = kind < 0.05 ? 0 : kind < 0.08 ? held + upTo(20) : upTo(held);
      stores[router]!.add(call({ tenant: name, charge: amount, cost: amount }));
      await settle(stores[router]!.flush());
      charges.push({ tenant: name, amount, atMs: nowMs });
      holds[tenant]![router] = Math.max(0, held - amount);
    } else if (kind < 0.95) {
      const amount = upTo(400);
      const want = expected(tenant, router, amount);
      const reply = await settle(stores[router]!.hold({ tenant: name, amount, limits: LIMITS }));
      expect(reply, said).toMatchObject(want);
      for (const { window, spent: told } of reply.windows) expect(told, said).toBe(spent(name, window));
      holds[tenant]![router] = reply.held;
      const all = holds[tenant]!.reduce((sum, one) => sum + one, 0);
      for (const window of SPEND_WINDOWS) {
        if (reply.held > 0) expect(spent(name, window) + all, said).toBeLessThanOrEqual(LIMITS[window]!);
      }
    } else {
      nowMs += upTo(5) * 1_800_000;
      setClock(nowMs);
    }
  }
  const rows = await settle(
    stores[0]!.usage({ by: ['tenant'], fromMs: 0, toMs: 8e15, tenant: null, limit: TENANTS.length }),
  );
  for (const { keys, charge } of rows) {
    const sum = charges.reduce((total, { tenant, amount }) => (tenant === keys[0] ? total + amount : total), 0);
    expect(charge, `seed ${seed}`).toBe(sum);
  }
}
