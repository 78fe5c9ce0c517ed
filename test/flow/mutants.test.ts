// Whether the properties of a fair gate can fail: each is broken by a gate with the fault that it is about.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  ageRaises,
  boundedGap,
  classesShare,
  isolation,
  noBurst,
  reservedShare,
  sharesByWeight,
} from './fair-properties.ts';
import { histories, type MakeGate } from './histories.ts';
import { closesTwice, firstCome, neverRaises, neverSettles } from './mutants.ts';

type Property = (makeGate: MakeGate) => Parameters<typeof fc.check>[0];

const breaks: readonly (readonly [fault: string, mutant: MakeGate, property: string, Property])[] = [
  ['a first-come gate', firstCome, 'the bounded gap', boundedGap],
  ['a first-come gate', firstCome, 'the shares by weight', sharesByWeight],
  ['a first-come gate', firstCome, 'the reserved share', reservedShare],
  ['a first-come gate', firstCome, 'the shares of classes', classesShare],
  ['a first-come gate', firstCome, 'the wait of a quiet tenant', isolation],
  ['a permit that is released twice', closesTwice, 'what holds over histories', histories],
  ['no settlement', neverSettles, 'the bounded gap', boundedGap],
  ['no settlement', neverSettles, 'the shares by weight', sharesByWeight],
  ['no ageing', neverRaises, 'that age raises', ageRaises],
];

it.each(breaks)('%s%.0s breaks %s', async (_fault, mutant, _name, property) => {
  const { failed } = await fc.check(property(mutant), { numRuns: 100, endOnFailure: true });
  expect(failed).toBe(true);
});

it('the mutants keep what their fault is not about', async () => {
  await fc.assert(noBurst(neverSettles), { numRuns: 3 });
  await fc.assert(boundedGap(neverRaises), { numRuns: 3 });
  await fc.assert(boundedGap(closesTwice), { numRuns: 3 });
  await fc.assert(ageRaises(neverSettles), { numRuns: 3 });
});
