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
import { histories, LONG, type MakeGate } from './histories.ts';
import { closesTwice, firstCome, holdsUp, neverRaises, neverSettles } from './mutants.ts';

type Property = (makeGate: MakeGate) => Parameters<typeof fc.check>[0];

const breaks: readonly { fault: string; mutant: MakeGate; broken: string; property: Property }[] = [
  { fault: 'a first-come gate', mutant: firstCome, broken: 'the bounded gap', property: boundedGap },
  { fault: 'a first-come gate', mutant: firstCome, broken: 'the shares by weight', property: sharesByWeight },
  { fault: 'a first-come gate', mutant: firstCome, broken: 'the reserved share', property: reservedShare },
  { fault: 'a first-come gate', mutant: firstCome, broken: 'the shares of classes', property: classesShare },
  { fault: 'a first-come gate', mutant: firstCome, broken: 'the wait of a quiet tenant', property: isolation },
  { fault: 'a permit released twice', mutant: closesTwice, broken: 'what holds over histories', property: histories },
  {
    fault: 'a call that holds up the line',
    mutant: holdsUp,
    broken: 'what holds over long histories',
    property: (makeGate) => histories(makeGate, LONG),
  },
  { fault: 'no settlement', mutant: neverSettles, broken: 'the bounded gap', property: boundedGap },
  { fault: 'no settlement', mutant: neverSettles, broken: 'the shares by weight', property: sharesByWeight },
  { fault: 'no ageing', mutant: neverRaises, broken: 'that age raises', property: ageRaises },
];

it.each(breaks)('$fault breaks $broken', async ({ mutant, property }) => {
  const { failed } = await fc.check(property(mutant), { numRuns: 400, endOnFailure: true });
  expect(failed).toBe(true);
});

it('the mutants keep what their fault is not about', async () => {
  await fc.assert(noBurst(neverSettles), { numRuns: 3 });
  await fc.assert(boundedGap(neverRaises), { numRuns: 3 });
  await fc.assert(boundedGap(closesTwice), { numRuns: 3 });
  await fc.assert(ageRaises(neverSettles), { numRuns: 3 });
});
