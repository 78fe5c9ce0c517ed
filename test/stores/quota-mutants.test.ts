// Whether the properties of a store of quotas can fail: each is broken by a store with the fault that it is about.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { histories, type MakeStore } from './quota-properties.ts';
import { type Fault, referenceQuota } from './reference-quota.ts';

const faulty =
  (fault: Fault): MakeStore =>
  (clock, watch) =>
    watch(referenceQuota(clock, fault));

it.each<[Fault, RegExp]>([
  ['looks first', /slots of 3 at|over a burst of/],
  ['settles twice', /slots of 3 at|over a burst of|refused/],
  ['no cap', /over a burst of|remaining: (?:[5-9]|[1-9]\d)/],
  ['gives back twice', /over a burst of/],
])('a store that has the fault "%s" breaks the bound that it is about', async (fault, broken) => {
  const { failed, errorInstance } = await fc.check(histories(faulty(fault)), { numRuns: 1_000, endOnFailure: true });
  expect(failed).toBe(true);
  expect(String(errorInstance)).toMatch(broken);
});

it('the same store without a fault keeps it', async () => {
  await fc.assert(histories(faulty('none')), { numRuns: 200 });
});
