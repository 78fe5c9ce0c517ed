// Whether the gate keeps what it promises to tenants, bands and classes, at random loads. For src/flow/gate.
import fc from 'fast-check';
import { it } from 'vitest';
import { FairGate } from '../../src/flow/gate.ts';
import {
  ageRaises,
  boundedGap,
  classesShare,
  isolation,
  noBurst,
  reservedShare,
  sharesByWeight,
} from './fair-properties.ts';
import type { MakeGate } from './histories.ts';

const fair: MakeGate = (options) => new FairGate(options);

it('what two always-busy tenants were served for their weights differs by the window in flight and one request at most', async () => {
  await fc.assert(boundedGap(fair), { numRuns: 60 });
});

it('always-busy tenants are served within 5 % of their weights', async () => {
  await fc.assert(sharesByWeight(fair), { numRuns: 15 });
});

it('whoever comes back from idle gets no burst', async () => {
  await fc.assert(noBurst(fair), { numRuns: 30 });
});

it('a lower band gets the share that is reserved for it, and no more while higher ones wait', async () => {
  await fc.assert(reservedShare(fair), { numRuns: 12 });
});

it('classes share slot time by weight, and none starves another', async () => {
  await fc.assert(classesShare(fair), { numRuns: 8 });
});

it('age raises a background call before its wait is over', async () => {
  await fc.assert(ageRaises(fair), { numRuns: 20 });
});

it('a tenant that goes from twice to ten times its share makes another wait 10 % or one service time longer at most', async () => {
  await fc.assert(isolation(fair), { numRuns: 4 });
});
