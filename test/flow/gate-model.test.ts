// What holds of a gate at every step of random histories. For src/flow/gate.
import fc from 'fast-check';
import { it } from 'vitest';
import { FairGate } from '../../src/flow/gate.ts';
import { histories, LONG } from './histories.ts';

const fair = (options: ConstructorParameters<typeof FairGate>[0]) => new FairGate(options);

it('tells every caller exactly once and in time, keeps its bounds, and counts what is open: 150 random histories', async () => {
  await fc.assert(histories(fair), { numRuns: 150 });
});

it('in long lines too, no slot stays free for longer than a look that somebody held would take: 150 random histories', async () => {
  await fc.assert(histories(fair, LONG), { numRuns: 150 });
});
