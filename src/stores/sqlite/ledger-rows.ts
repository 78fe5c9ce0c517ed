// A record as the values of its rows, in the order of the statements that write them. For the ledger's book.
import type { SQLInputValue } from 'node:sqlite';
import type { Usage } from '../../core/dialect.ts';
import { type AttemptRecord, type CallRecord, failedCostOf, targetOf } from '../../core/ledger.ts';

type Values = readonly SQLInputValue[];

export function bindCall(record: CallRecord, writtenMs: number): Values {
  const { attempts } = record;
  const gpuMs = attempts.reduce((sum, attempt) => sum + (attempt.gpuMs ?? 0), 0);
  return [
    record.id,
    record.traceId,
    record.arrivedMs,
    writtenMs,
    record.tenant,
    record.keyId,
    record.class,
    record.dialect,
    record.stream ? 1 : 0,
    record.priority,
    record.step,
    record.run,
    record.agent,
    record.runSource,
    record.prefix,
    record.asked,
    record.served,
    targetOf(record),
    record.rung,
    record.degraded,
    record.how,
    record.code,
    record.queueMs,
    record.coldMs,
    record.firstContentMs,
    record.totalMs,
    record.inputTokens,
    ...bindUsage(record.usage),
    record.estimated ? 1 : 0,
    attempts.length,
    gpuMs,
    failedCostOf(record),
    record.cost,
    record.charge,
  ];
}

export function bindAttempt(call: number | bigint, place: number, attempt: AttemptRecord): Values {
  return [
    call,
    place,
    attempt.target,
    attempt.kind,
    attempt.worker,
    attempt.model,
    attempt.outcome,
    attempt.code,
    attempt.beganMs,
    attempt.durationMs,
    attempt.firstContentMs,
    ...bindUsage(attempt.usage),
    attempt.estimated ? 1 : 0,
    attempt.gpuMs,
    attempt.gpuSource,
    attempt.cost,
  ];
}

const NO_USAGE: Values = [null, null, null, null, null, null, null];

function bindUsage(usage: Usage | null): Values {
  if (usage === null) return NO_USAGE;
  return [
    usage.uncachedTokens,
    usage.cachedTokens,
    usage.cacheWriteTokens ?? 0,
    usage.cacheWriteLongTokens ?? 0,
    usage.outputTokens,
    usage.reasoningTokens,
    usage.serviceTier ?? null,
  ];
}
