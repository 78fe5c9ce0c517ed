// The kinds of concurrency limit a pool or provider may name. For policy's schema and router.
import { aimd } from './aimd.ts';
import { fixed } from './fixed.ts';
import { gradient2 } from './gradient2.ts';

export const limits = { fixed, aimd, gradient2 } as const;
