// A limit that the operator knows. For pools and providers whose servers are sized by hand.
import { z } from 'zod';
import type { Limit, LimitDeps } from '../../core/limit.ts';
import type { Plugin } from '../../core/plugin.ts';

const options = z.strictObject({
  limit: z.int().min(1).max(100_000).default(64).describe('Calls in flight.'),
});

type FixedOptions = z.output<typeof options>;

export const fixed: Plugin<FixedOptions, LimitDeps, Limit> = {
  name: 'fixed',
  options,
  create: ({ limit }) => ({ value: limit, sample() {} }),
};
