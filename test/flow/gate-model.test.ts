// What holds of a gate at every step of random histories. For src/flow/gate.
import fc from 'fast-check';
import { it } from 'vitest';
import { FairGate } from '../../src/flow/gate.ts';
import { histories } from './histories.ts';

it('tells every caller exactly once and in time, keeps its bounds, and counts what is open: 150 random histories', async () => {
  await fc.assert(
    histories((options) => new FairGate(options)),
    { numRuns: 150 },
  );
});
