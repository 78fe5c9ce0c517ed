// That a million tenants who come once leave no memory behind, whether they come slowly or all at once. For src/stores/memory.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import type { Claim } from '../../src/core/quota.ts';
import { createMemoryQuota, type MemoryQuota } from '../../src/stores/memory/quota.ts';

const TENANTS = 1_000_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapMb(): number {
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

function claims(tenant: string): Claim[] {
  const rate = { kind: 'rate', periodMs: 60_000, dryRun: false } as const;
  return [
    { limit: { ...rate, bucket: `${tenant} requests`, limit: 600, burst: 100 }, amount: 1 },
    { limit: { ...rate, bucket: `${tenant} tokens`, limit: 600_000, burst: 60_000 }, amount: 2_000 },
    { limit: { kind: 'slots', bucket: `${tenant} in flight`, limit: 8, dryRun: false }, amount: 1 },
  ];
}

function visit(store: MemoryQuota, tenant: string): void {
  const answer = store.reserve(claims(tenant), 60_000);
  if (answer.granted) answer.settle([1, 1_500, 0]);
}

it('a million tenants, a thousand a second: the heap grows by no more than a second’s worth of them', () => {
  const now = { ms: 0 };
  const store = createMemoryQuota({ clock: { nowMs: () => now.ms } });
  const before = heapMb();
  let most = 0;
  for (let tenant = 0; tenant < TENANTS; tenant++) {
    now.ms += 1;
    visit(store, `tenant-${tenant}`);
    most = Math.max(most, store.size);
  }
  const grown = heapMb() - before;
  expect(most).toBeLessThan(10_000);
  expect(grown).toBeLessThan(16);
});

it('a million tenants at once: what they leave goes while one other is served', () => {
  const now = { ms: 0 };
  const store = createMemoryQuota({ clock: { nowMs: () => now.ms } });
  const before = heapMb();
  for (let tenant = 0; tenant < TENANTS; tenant++) visit(store, `tenant-${tenant}`);
  expect(store.size).toBe(3 * TENANTS);
  for (let call = 0; call < 3 * TENANTS + 5_000; call++) {
    now.ms += 1;
    visit(store, 'steady');
  }
  const left = heapMb() - before;
  expect(store.size).toBeLessThan(10);
  expect(left).toBeLessThan(16);
});
