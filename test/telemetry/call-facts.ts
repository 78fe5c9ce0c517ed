// Decides what an ordinary call looks like to metrics. For tests of telemetry.
import type { CallFacts } from '../../src/core/metrics.ts';

export const aCall = (more: Partial<CallFacts> = {}): CallFacts => ({
  class: 'chat',
  priority: 'interactive',
  tenant: 'acme',
  target: 'support-7b',
  how: 'complete',
  code: null,
  degraded: null,
  queueMs: 0,
  firstContentMs: 100,
  totalMs: 500,
  attempts: 1,
  uncachedTokens: 10,
  cachedTokens: 5,
  outputTokens: 20,
  cost: 0,
  charge: 0,
  ...more,
});
