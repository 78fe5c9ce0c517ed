// What rules a worker out for a call. For policy's schema and scheduling.
import { context } from './context.ts';
import { zone } from './zone.ts';

export const filters = { context, zone } as const;
