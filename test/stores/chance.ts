// Chance that can be had again: the seed stands in what a test says. For tests of stores.
import type { Random } from '../../src/core/runtime.ts';
import { seeded } from '../../src/simulation/chance.ts';

export interface Chance {
  readonly random: Random;
  readonly seed: number;
}

/** `SPILLWAY_SEED` brings a run back. */
export function chance(): Chance {
  const asked = process.env['SPILLWAY_SEED'];
  const seed = asked === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(asked);
  return { random: seeded(seed), seed };
}
