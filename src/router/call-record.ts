// What the ledger keeps of one call. For router/account.
import type { CallRecord } from '../core/ledger.ts';
import type { Disclosure, End } from '../core/reply.ts';
import type { Clock } from '../core/runtime.ts';
import type { CallAccount } from './account.ts';
import type { Progress } from './progress.ts';

/** Without prompt, completion, header values or query. */
export function callRecord(
  account: CallAccount,
  progress: Progress,
  said: Disclosure | null,
  { how, error }: End,
  totalMs: number,
  clock: Pick<Clock, 'wallMs'>,
): CallRecord {
  const { request, identity } = progress;
  const { caller, call, dialect } = request;
  return {
    id: request.id,
    traceId: request.traceId ?? null,
    arrivedMs: clock.wallMs() - totalMs,
    tenant: caller.tenant,
    keyId: caller.keyId,
    class: progress.rules.class,
    dialect: dialect.name,
    stream: call.stream,
    priority: progress.priority,
    step: progress.step,
    run: identity?.run ?? null,
    agent: identity?.agent ?? null,
    runSource: identity?.source ?? null,
    prefix: progress.prefix,
    asked: progress.asked,
    served: said?.served ?? null,
    rung: said?.rung ?? null,
    degraded: said?.degraded ?? null,
    how,
    code: error?.code ?? null,
    queueMs: progress.queueMs,
    coldMs: progress.coldMs,
    firstContentMs: progress.firstContentMs,
    totalMs,
    inputTokens: call.inputTokens,
    usage: account.usage,
    estimated: account.estimated,
    attempts: account.attempts,
    cost: account.cost,
    charge: account.charge,
  };
}
