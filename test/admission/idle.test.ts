// That nothing is held once nothing is under way, whichever way each call went. For src/admission.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Admitted } from '../../src/admission/admission.ts';
import { RouterError } from '../../src/core/errors.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { seeded } from '../../src/simulation/chance.ts';
import { createMemoryQuota } from '../../src/stores/memory/quota.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { delayedQuota } from '../stores/delayed-quota.ts';
import { limits, perMinute, stage } from './stage.ts';

const TENANTS = ['a', 'b'];
const LIMIT = 2;
const rules = limits({
  requests: perMinute(600, 20),
  uncachedTokens: perMinute(6_000, 200),
  inFlight: { limit: LIMIT, dryRun: false },
});

interface Call {
  readonly tenant: string;
  readonly signal: CallSignal;
  told: number;
  admitted: Admitted | null;
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ enter: fc.nat(1), patienceMs: fc.constantFrom(0, 300, 5_000), tokens: fc.nat(250) }),
  },
  { weight: 3, arbitrary: fc.record({ settle: fc.nat(20), used: fc.constantFrom(null, 0, 5, 100, 400) }) },
  { weight: 1, arbitrary: fc.record({ abort: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ waitMs: fc.integer({ min: 1, max: 600 }) }) },
);

it.each(['at once', 'late'])(
  'F108 nothing stays held, with a store that answers %s: 150 random histories',
  async (when) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), fc.nat(), async (steps, seed) => {
        const clock = new VirtualClock();
        const memory = createMemoryQuota({ clock });
        const store = when === 'late' ? delayedQuota(memory, clock, seeded(seed)) : memory;
        const { admission, call, held } = stage({ clock, store });
        const calls: Call[] = [];
        const settled = new Set<Call>();
        const enter = async (one: Call, of: Parameters<typeof call>[0]) => {
          try {
            one.admitted = await admission.enter(call(of));
          } catch (thrown) {
            if (!(thrown instanceof RouterError)) throw thrown;
          }
          one.told++;
        };
        const open = () => calls.filter((one) => one.admitted !== null && !settled.has(one));
        for (const one of steps) {
          if ('enter' in one) {
            const begun: Call = { tenant: TENANTS[one.enter]!, signal: new CallSignal(), told: 0, admitted: null };
            calls.push(begun);
            void enter(begun, {
              tenant: begun.tenant,
              limits: rules,
              uncachedTokens: one.tokens,
              maxWaitMs: one.patienceMs,
              signal: begun.signal,
            });
          } else if ('settle' in one) {
            const some = open();
            const which = some[one.settle % some.length];
            if (which === undefined) continue;
            which.admitted!.settle(one.used);
            // A second time does nothing.
            which.admitted!.settle(0);
            settled.add(which);
          } else if ('abort' in one) calls[one.abort % calls.length]?.signal.abort();
          else await clock.advanceSettling(one.waitMs);
          for (const tenant of TENANTS)
            expect(open().filter((call) => call.tenant === tenant).length).toBeLessThanOrEqual(LIMIT);
        }
        for (let rounds = 0; rounds < 60; rounds++) {
          for (const one of open()) {
            one.admitted!.settle(null);
            settled.add(one);
          }
          await clock.advanceSettling(200);
        }
        expect(calls.map(({ told }) => told)).toEqual(calls.map(() => 1));
        expect([held.tokens, admission.waiting, clock.pending]).toEqual([0, 0, 0]);
        await clock.advanceSettling(10 * 60_000);
        for (const tenant of TENANTS) {
          const slots = { kind: 'slots', bucket: `${tenant} in flight`, limit: LIMIT, dryRun: false } as const;
          expect(memory.read(slots).remaining).toBe(LIMIT);
        }
      }),
      { numRuns: 150 },
    );
  },
);
