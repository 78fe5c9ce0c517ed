// How one of several candidates is chosen by their costs. For policy's schema and scheduling.
import { least } from './least.ts';
import { p2c } from './p2c.ts';
import { roundRobin } from './round-robin.ts';

export const pickers = { least, p2c, 'round-robin': roundRobin } as const;
