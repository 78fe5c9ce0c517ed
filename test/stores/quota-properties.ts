// Decides what must hold of any store of quotas over random histories, answers late or at once. For tests of stores.
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Claim, QuotaAnswer, QuotaLimit, QuotaReservation, QuotaStore } from '../../src/core/quota.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { faultsIn, History, watched } from './quota-history.ts';

/** `watch` goes around the store where its answers take effect. */
export type MakeStore = (clock: VirtualClock, watch: (store: QuotaStore) => QuotaStore) => QuotaStore;

export interface TenantQuota {
  readonly requests: Extract<QuotaLimit, { kind: 'rate' }>;
  readonly tokens: Extract<QuotaLimit, { kind: 'rate' }>;
  readonly slots: Extract<QuotaLimit, { kind: 'slots' }>;
}

export function tenantQuota(tenant: string, dryRun = false): TenantQuota {
  const rate = { kind: 'rate', periodMs: 1_000, dryRun } as const;
  return {
    requests: { ...rate, bucket: `${tenant} requests`, limit: 7, burst: 4 },
    tokens: { ...rate, bucket: `${tenant} tokens`, limit: 90, burst: 60 },
    slots: { kind: 'slots', bucket: `${tenant} in flight`, limit: 3, dryRun },
  };
}

export const claimsOf = ({ requests, tokens, slots }: TenantQuota, amount: number): Claim[] => [
  { limit: requests, amount: 1 },
  { limit: tokens, amount },
  { limit: slots, amount: 1 },
];

const TENANTS = [tenantQuota('a'), tenantQuota('b'), tenantQuota('c', true)];
export const LEASE_MS = 3_000;

export type Step =
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'claim'; readonly tenant: number; readonly tokens: number }
  | { readonly do: 'settle'; readonly which: number; readonly share: number; readonly again: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 900 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      tenant: fc.nat(TENANTS.length - 1),
      tokens: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 70 })),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which: fc.nat(20),
      share: fc.constantFrom(0, 0, 0.3, 1, 1.4),
      again: fc.boolean(),
    }),
  },
);

export const steps = fc.array(step, { minLength: 10, maxLength: 80 });

interface Open {
  readonly tokens: number;
  readonly answer: QuotaReservation;
}

/** No window has more than its bound, no slot is held twice, nothing that fits is refused, and at the end all is as at first. */
export function histories(makeStore: MakeStore) {
  return fc.asyncProperty(steps, async (all) => {
    const clock = new VirtualClock();
    const history = new History(() => clock.nowMs());
    let late = false;
    const store = makeStore(clock, (inner) => watched(inner, history));
    const open: Open[] = [];
    const keep = (answer: QuotaAnswer, tokens: number) => {
      if (answer.granted) open.push({ tokens, answer });
    };
    for (const one of all) {
      if (one.do === 'wait') {
        clock.stepWall(one.ms % 2 === 0 ? 3_600_000 : -3_600_000);
        if (late) await clock.advanceSettling(one.ms);
        else clock.advance(one.ms);
      } else if (one.do === 'claim') {
        const claims = claimsOf(TENANTS[one.tenant]!, one.tokens);
        const answer = store.reserve(claims, LEASE_MS);
        late ||= answer instanceof Promise;
        if (answer instanceof Promise) void answer.then((later) => keep(later, one.tokens));
        else keep(answer, one.tokens);
        // A store that reads them later reads this.
        claims.length = 0;
      } else if (open.length > 0) {
        const at = one.which % open.length;
        const { tokens, answer } = one.again ? open[at]! : open.splice(at, 1)[0]!;
        void answer.settle([1, Math.round(tokens * one.share), 0]);
      }
    }
    if (late) await clock.advanceSettling(1_000);
    for (const { answer, tokens } of open) {
      void answer.settle([1, tokens, 0]);
      void answer.settle([1, 0, 0]);
    }
    for (let rounds = 0; rounds < 10; rounds++) await clock.advanceSettling(1_000);
    const faults = faultsIn(history);
    if (faults.length > 0) throw new Error(faults.join('\n'));
    for (const limit of TENANTS.flatMap(({ requests, tokens, slots }) => [requests, tokens, slots])) {
      const read = store.read(limit);
      if (read instanceof Promise) void clock.advanceSettling(200);
      const full = limit.kind === 'rate' ? limit.burst : limit.limit;
      expect(await read).toEqual({ remaining: full, resetMs: 0 });
    }
  });
}

/** What others do is not seen in a tenant's answers. For stores that answer at once: else others' answers move the clock. */
export function isolation(makeStore: MakeStore) {
  return fc.property(steps, (all) => {
    expect(answersOf(makeStore, all, true)).toEqual(answersOf(makeStore, all, false));
  });
}

function answersOf(makeStore: MakeStore, all: readonly Step[], others: boolean): unknown[] {
  const clock = new VirtualClock();
  const store = makeStore(clock, (inner) => inner);
  const told: unknown[] = [];
  const open: Open[] = [];
  for (const one of all) {
    if (one.do === 'wait') clock.advance(one.ms);
    else if (one.do === 'settle') void open.shift()?.answer.settle([1, 0, 0]);
    else if (others || one.tenant === 0) {
      const answer = store.reserve(claimsOf(TENANTS[one.tenant]!, one.tokens), LEASE_MS) as QuotaAnswer;
      if (one.tenant !== 0) continue;
      const { granted, views, overruns } = answer;
      told.push({ granted, views, overruns, waitMs: answer.granted ? null : answer.waitMs });
      if (answer.granted) open.push({ tokens: one.tokens, answer });
    }
  }
  return told;
}
