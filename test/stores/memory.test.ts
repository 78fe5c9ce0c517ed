// The store in memory, answering at once and late. For src/stores/memory.
import { expect, it } from 'vitest';
import { createMemoryKeys } from '../../src/stores/memory/keys.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { issued } from '../tenants/sample-keys.ts';
import { delayedKeys, settleOn } from './delayed-keys.ts';
import { describeKeyStore } from './keys-conformance.ts';

describeKeyStore('keys in memory', () => {
  const store = createMemoryKeys();
  return { store, other: store, settle: async (answer) => answer };
});

describeKeyStore('keys in memory, answering late', () => {
  const clock = new VirtualClock();
  let seed = 1;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const store = delayedKeys(createMemoryKeys(), clock, random);
  return { store, other: store, settle: (answer) => settleOn(clock, answer) };
});

it('keys in memory can be brought along', async () => {
  const { record } = await issued();
  expect(createMemoryKeys([record]).all()).toEqual([record]);
  expect(() => createMemoryKeys([record, record])).toThrow(/there already/);
});
