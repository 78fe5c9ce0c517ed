// That a million concurrent requests of many tenants overshoot no bound, on a virtual clock. For src/stores/memory and admission.
import { expect, it } from 'vitest';
import { Admission, type Admitted } from '../../src/admission/admission.ts';
import { RouterError } from '../../src/core/errors.ts';
import { type Metrics, NO_METRICS } from '../../src/core/metrics.ts';
import { NO_LIMITS, type TenantLimits } from '../../src/core/plan.ts';
import type { Clock } from '../../src/core/runtime.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { exponential, seeded } from '../../src/simulation/chance.ts';
import { createMemoryQuota } from '../../src/stores/memory/quota.ts';
import { IndexedHeap } from '../../src/structures/heap.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { faultsIn, History, watched } from '../stores/quota-history.ts';

const CALLS = 1_000_000;
const TENANTS = 400;
const MEAN_GAP_MS = 1;

interface Open {
  place: number;
  readonly untilMs: number;
  readonly usedTokens: number | null;
  readonly signal: CallSignal;
  readonly admitted: Admitted;
}

it('F104 lets nothing beyond the bound through in 1,000,000 requests, of which many are in flight at once', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = seeded(seed);
  const now = { ms: 0 };
  const history = new History(() => now.ms);
  const clock: Clock = {
    nowMs: () => now.ms,
    // The wall clock jumps about: nothing here goes by it.
    wallMs: () => random() * 1e13,
    after: () => ({ cancel() {} }),
  };
  const memory = createMemoryQuota({ clock });
  const held = { tokens: 0 };
  const metrics: Metrics = {
    ...NO_METRICS,
    held(tokens) {
      held.tokens += tokens;
    },
  };
  const admission = new Admission({ store: watched(memory, history), clock, random, metrics, log: recordingLog() });
  const limits = Array.from({ length: TENANTS }, (): TenantLimits => {
    const rate = (perMinute: number) => ({ perMinute, burst: Math.ceil(perMinute * (0.1 + random())), dryRun: false });
    const slots = 1 + Math.floor(random() * 40);
    return {
      ...NO_LIMITS,
      requests: rate(60 + Math.floor(random() * 600)),
      uncachedTokens: rate(20_000 + Math.floor(random() * 200_000)),
      inFlight: { limit: slots, dryRun: false },
    };
  });
  const open = new IndexedHeap<Open>((a, b) => a.untilMs < b.untilMs);
  let refused = 0;
  let most = 0;
  for (let call = 0; call < CALLS; call++) {
    now.ms += exponential(random, MEAN_GAP_MS);
    for (let next = open.first(); next !== undefined && next.untilMs <= now.ms; next = open.first()) {
      open.remove(next);
      next.admitted.settle(next.usedTokens);
      if (call % 3 === 0) next.admitted.settle(0);
    }
    // A few tenants make most of the calls.
    const tenant = Math.floor(TENANTS * random() ** 3);
    const tokens = Math.ceil(exponential(random, 1_500));
    const signal = new CallSignal();
    if (random() < 0.01) signal.abort();
    try {
      const admitted = admission.enter({
        tenant: `t${tenant}`,
        limits: limits[tenant]!,
        uncachedTokens: tokens / 2,
        outputTokens: tokens / 2,
        maxWaitMs: 0,
        leaseMs: 120_000,
        signal,
      });
      if (admitted instanceof Promise) throw new Error('It waits.');
      const chance = random();
      const usedTokens = chance < 0.1 ? 0 : chance < 0.2 ? null : Math.ceil(tokens * 1.3 * random());
      open.add({ place: -1, untilMs: now.ms + exponential(random, 8_000), usedTokens, signal, admitted });
      most = Math.max(most, open.size);
    } catch (thrown) {
      if (!(thrown instanceof RouterError)) throw thrown;
      refused++;
    }
  }
  while (open.size > 0) {
    const last = open.first()!;
    open.remove(last);
    last.admitted.settle(last.usedTokens);
  }
  expect(faultsIn(history), `seed ${seed}`).toEqual([]);
  expect(history.taken).toBeGreaterThan(100_000);
  expect(refused).toBeGreaterThan(100_000);
  expect(most).toBeGreaterThan(500);
  expect(held.tokens).toBe(0);
  now.ms += 3_600_000;
  for (let tenant = 0; tenant < TENANTS; tenant++) {
    const slots = { kind: 'slots', bucket: `t${tenant} in flight`, limit: 50, dryRun: false } as const;
    expect(memory.read(slots).remaining).toBe(50);
  }
});
