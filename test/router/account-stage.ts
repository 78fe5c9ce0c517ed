// Decides what tests of a call's account stand on: two pools with prices, a ledger and quotas whose books can be looked at. For its tests.
import { expect } from 'vitest';
import type { CallRecord } from '../../src/core/ledger.ts';
import { type Metrics, NO_METRICS } from '../../src/core/metrics.ts';
import { createMemoryLedger } from '../../src/stores/memory/ledger.ts';
import { createMemoryQuota } from '../../src/stores/memory/quota.ts';
import { CALLER } from '../fakes/call-parts.ts';
import type { VirtualClock } from '../fakes/virtual-clock.ts';
import { ladder, scriptedRouter } from './scripted-router.ts';

export const A = 'http://a1';
export const B = 'http://b1';
/** 12 prompt tokens at 2,000 nano-USD, 2 of the reply at 10,000. */
export const PRICE_A = 12 * 2_000 + 2 * 10_000;
export const PRICE_B = 12 * 100 + 2 * 500;
export const PRICES = `prices:
  models:
    a/a: { input: 2, output: 10, asOf: 2026-01-01 }
    b/b: { input: 0.1, output: 0.5, asOf: 2026-01-01 }`;

export const yaml = (tenant: string, rungs?: readonly string[]) =>
  ladder({ a: ['a1'], b: ['b1'] }, rungs, {
    perWorker: 4,
    more: `${PRICES}\ntenants: { "*": { ${tenant} } }`,
  });

export async function staged(text: string) {
  const records: CallRecord[] = [];
  let held = 0;
  const denied: string[] = [];
  const metrics: Metrics = {
    ...NO_METRICS,
    held: (tokens) => {
      held += tokens;
    },
    denied: (kind) => void denied.push(kind),
    overrun: (kind) => void denied.push(`dry ${kind}`),
  };
  let ledger!: ReturnType<typeof createMemoryLedger>;
  const r = await scriptedRouter(text, () => 0.5, {
    metrics,
    stores(clock: VirtualClock) {
      ledger = createMemoryLedger({ wallMs: () => clock.wallMs() });
      const add = (record: CallRecord) => {
        records.push(record);
        ledger.add(record);
      };
      const kept = { ...ledger, add };
      return { quota: createMemoryQuota({ clock }), ledger: kept };
    },
  });
  return {
    ...r,
    records,
    denied,
    /** What a budget of this size has left, after all that was charged. */
    spent: (limit: number) => {
      const limits = { hour: null, day: limit, month: null, warnAt: [], dryRun: false };
      const reply = ledger.hold({ tenant: CALLER.tenant, amount: 0, limits });
      return 'windows' in reply ? reply.windows[0]!.spent : Number.NaN;
    },
    async closed() {
      const { money } = r.router.status();
      await r.atRest();
      expect({ held, reserved: money?.reservedUsd, waiting: money?.waiting }).toEqual({
        held: 0,
        reserved: 0,
        waiting: 0,
      });
    },
  };
}
