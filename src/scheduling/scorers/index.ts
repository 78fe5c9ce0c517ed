// What choosing a worker costs a call, each in ms. For policy's schema and scheduling.
import { prefixAffinity, runAffinity } from './affinity.ts';
import { firstContent } from './first-content.ts';
import { latency } from './latency.ts';
import { load } from './load.ts';
import { queue } from './queue.ts';
import { recentWork } from './recent-work.ts';

export const scorers = {
  'first-content': firstContent,
  queue,
  'run-affinity': runAffinity,
  'prefix-affinity': prefixAffinity,
  load,
  'recent-work': recentWork,
  latency,
} as const;
