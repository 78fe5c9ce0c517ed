// The ledger in memory, answering at once and late, and its bounds. For src/stores/memory.
import { expect, it } from 'vitest';
import type { HoldReply, UsageRow } from '../../src/core/ledger.ts';
import { createMemoryLedger } from '../../src/stores/memory/ledger.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { chance } from './chance.ts';
import { settleOn } from './delayed-keys.ts';
import { delayedLedger } from './delayed-ledger.ts';
import { describeLedger, NOTHING } from './ledger-conformance.ts';
import { call } from './ledger-records.ts';

describeLedger('the ledger in memory', () => {
  let wallMs = 0;
  const store = createMemoryLedger({ wallMs: () => wallMs });
  const setClock = (epochMs: number) => {
    wallMs = epochMs;
  };
  return { stores: [store], settle: async (answer) => answer, setClock };
});

describeLedger('the ledger in memory, answering late', () => {
  const clock = new VirtualClock();
  let wallMs = 0;
  const { random } = chance();
  const store = delayedLedger(createMemoryLedger({ wallMs: () => wallMs }), clock, random);
  const setClock = (epochMs: number) => {
    wallMs = epochMs;
  };
  return { stores: [store], settle: (answer) => settleOn(clock, answer), setClock };
});

const limits = { ...NOTHING, month: 1_000_000 };
const usage = { by: [], fromMs: 0, toMs: 8e15, tenant: null, limit: 10 } as const;

it('keeps the newest records for usage, and sums of money of all', () => {
  const store = createMemoryLedger({ wallMs: () => 0, maxRecords: 100 });
  for (let at = 0; at < 1_050; at++) store.add(call({ charge: 1, arrivedMs: at }));
  expect(store.usage({ ...usage, by: [] }) as UsageRow[]).toMatchObject([{ calls: 100, charge: 100 }]);
  expect(store.usage({ ...usage, fromMs: 950 }) as UsageRow[]).toMatchObject([{ calls: 100 }]);
  const reply = store.hold({ tenant: 'acme', amount: 0, limits }) as HoldReply;
  expect(reply.windows[0]!.spent).toBe(1_050);
  expect(store.expire(1_000)).toBe(50);
  store.add(call({ charge: 1, arrivedMs: 2_000 }));
  expect(store.usage(usage) as UsageRow[]).toMatchObject([{ calls: 51 }]);
});

it('knows so many tenants at once; those with limits are forgotten last', () => {
  const store = createMemoryLedger({ wallMs: () => 0, maxTenants: 50 });
  const spent = (tenant: string) => (store.hold({ tenant, amount: 0, limits }) as HoldReply).windows[0]!.spent;
  store.add(call({ tenant: 'limited', charge: 7 }));
  expect(spent('limited')).toBe(7);
  for (let at = 0; at < 5_000; at++) store.add(call({ tenant: `t-${at}`, charge: 1 }));
  expect([spent('limited'), spent('t-4999'), spent('t-10')]).toEqual([7, 1, 0]);
});
