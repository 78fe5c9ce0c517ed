// The store of quotas in memory, at once and late, beside the plainest one; how much of it is kept. For src/stores/memory.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { QuotaAnswer, RateLimit } from '../../src/core/quota.ts';
import { seeded } from '../../src/simulation/chance.ts';
import { createMemoryQuota } from '../../src/stores/memory/quota.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { delayedQuota } from './delayed-quota.ts';
import { describeQuotaStore } from './quota-conformance.ts';
import { claimsOf, isolation, LEASE_MS, type MakeStore, steps, tenantQuota } from './quota-properties.ts';
import { referenceQuota } from './reference-quota.ts';

const memory: MakeStore = (clock, watch) => watch(createMemoryQuota({ clock }));

describeQuotaStore('quotas in memory', memory);
describeQuotaStore('quotas that answer late', (clock, watch) =>
  delayedQuota(watch(createMemoryQuota({ clock })), clock, seeded(1)),
);
describeQuotaStore('the reference for quotas', (clock, watch) => watch(referenceQuota(clock)));

describe('quotas in memory', () => {
  it('answer as the reference does, step by step: 500 random histories', () => {
    const tenants = [tenantQuota('a'), tenantQuota('b', true)];
    fc.assert(
      fc.property(steps, (all) => {
        const clock = new VirtualClock();
        const stores = [createMemoryQuota({ clock }), referenceQuota(clock)];
        const told: unknown[][] = [[], []];
        const open: { readonly tokens: number; readonly answers: readonly QuotaAnswer[] }[] = [];
        for (const one of all) {
          if (one.do === 'wait') clock.advance(one.ms);
          else if (one.do === 'claim') {
            const claims = claimsOf(tenants[one.tenant % 2]!, one.tokens);
            const answers = stores.map((store) => store.reserve(claims, LEASE_MS) as QuotaAnswer);
            for (const [at, answer] of answers.entries()) told[at]!.push(toldBy(answer));
            if (answers[0]!.granted) open.push({ tokens: one.tokens, answers });
          } else if (open.length > 0) {
            const [{ tokens, answers }] = open.splice(one.which % open.length, 1) as [(typeof open)[0]];
            for (const answer of answers)
              if (answer.granted) void answer.settle([1, Math.round(tokens * one.share), 0]);
          }
        }
        expect(told[0]).toEqual(told[1]);
      }),
      { numRuns: 500 },
    );
  });

  it('never throttle one tenant for another: 200 random histories', () => {
    fc.assert(isolation(memory), { numRuns: 200 });
  });

  it('give back under pressure what calls of long life did not use', () => {
    const clock = new VirtualClock();
    const store = createMemoryQuota({ clock });
    const limit: RateLimit = { kind: 'rate', bucket: 'a', limit: 60, periodMs: 60_000, burst: 10, dryRun: false };
    const open: { untilMs: number; answer: Extract<QuotaAnswer, { granted: true }> }[] = [];
    let used = 0;
    // Calls take twice as long as the burst lasts, claim 4 and use 3.
    for (let second = 0; second < 3_600; second++) {
      clock.advance(1_000);
      while (open.length > 0 && open[0]!.untilMs <= clock.nowMs()) open.shift()!.answer.settle([3]);
      for (;;) {
        const answer = store.reserve([{ limit, amount: 4 }], 60_000);
        if (!answer.granted) break;
        used += 3;
        open.push({ untilMs: clock.nowMs() + 20_000, answer });
      }
    }
    expect(used).toBeGreaterThan(0.97 * 3_600);
    expect(used).toBeLessThanOrEqual(3_600 + 10);
  });

  it('keep no bucket that is at rest: those of tenants that came once go as others come', () => {
    const clock = new VirtualClock();
    const store = createMemoryQuota({ clock });
    for (let tenant = 0; tenant < 20_000; tenant++) {
      const answer = store.reserve(claimsOf(tenantQuota(`t${tenant}`), 10), LEASE_MS);
      if (answer.granted && tenant % 10 > 0) answer.settle([1, 10, 0]);
      clock.advance(10);
    }
    // 100 tenants a second; a bucket is kept for a second after its last use, a slot nobody settled for its three.
    expect(store.size).toBeLessThan(1_500);
    for (let call = 0; call < 5_000; call++) {
      clock.advance(10);
      const answer = store.reserve(claimsOf(tenantQuota('steady'), 0), LEASE_MS);
      if (answer.granted) answer.settle([1, 0, 0]);
    }
    expect(store.size).toBeLessThanOrEqual(3);
  });
});

/** Without the last bits of sums of fractions. */
function toldBy(answer: QuotaAnswer): unknown {
  const { granted, views, overruns } = answer;
  const refusal = answer.granted ? null : [answer.claim, answer.waitMs === null ? null : Math.round(answer.waitMs)];
  return { granted, views: views.map(({ remaining, resetMs }) => [remaining, Math.round(resetMs)]), overruns, refusal };
}
