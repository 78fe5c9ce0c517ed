// Decides what an admission under test stands on: a clock that the test moves, counted metrics, a log to look at. For its tests.
import { Admission, type AdmissionCall, type AdmissionOptions, type Admitted } from '../../src/admission/admission.ts';
import { RouterError } from '../../src/core/errors.ts';
import { type Metrics, NO_METRICS } from '../../src/core/metrics.ts';
import { type MinuteLimit, NO_LIMITS, type TenantLimits } from '../../src/core/plan.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { createMemoryQuota } from '../../src/stores/memory/quota.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';

export const perMinute = (limit: number, burst = limit, dryRun = false): MinuteLimit => ({
  perMinute: limit,
  burst,
  dryRun,
});
export const limits = (change: Partial<TenantLimits>): TenantLimits => ({ ...NO_LIMITS, ...change });
export const inFlight = (limit: number, dryRun = false) => limits({ inFlight: { limit, dryRun } });

export function stage(change: Partial<AdmissionOptions> & { readonly clock?: VirtualClock } = {}) {
  const clock = change.clock ?? new VirtualClock();
  const log = recordingLog();
  const counted: string[] = [];
  const held = { tokens: 0 };
  const metrics: Metrics = {
    ...NO_METRICS,
    denied: (kind, tenant) => void counted.push(`denied ${kind} ${tenant}`),
    overrun: (kind, tenant) => void counted.push(`overrun ${kind} ${tenant}`),
    storeFault: (store, op) => void counted.push(`fault ${store} ${op}`),
    held(tokens) {
      held.tokens += tokens;
    },
  };
  const store = createMemoryQuota({ clock });
  const admission = new Admission({ store, clock, random: () => 0.5, metrics, log, ...change });
  const call = (of: Partial<AdmissionCall> = {}): AdmissionCall => ({
    tenant: 'acme',
    limits: NO_LIMITS,
    uncachedTokens: 10,
    outputTokens: 5,
    maxWaitMs: 0,
    leaseMs: 60_000,
    signal: new CallSignal(),
    ...of,
  });
  /** Lets it in at once, or fails. */
  const enter = (of: Partial<AdmissionCall> = {}): Admitted => {
    const answer = admission.enter(call(of));
    if (answer instanceof Promise) throw new Error('It waits.');
    return answer;
  };
  const refusal = async (of: Partial<AdmissionCall> = {}): Promise<RouterError> => {
    try {
      await admission.enter(call(of));
    } catch (thrown) {
      if (thrown instanceof RouterError) return thrown;
      throw thrown;
    }
    throw new Error('It was let in.');
  };
  return { admission, clock, store, log, counted, held, call, enter, refusal };
}
