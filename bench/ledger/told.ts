// What is told of a call that has ended: its line in the log, and what is counted of it. For parts.ts.
import { openSync } from 'node:fs';
import { createNodeLog } from '../../src/runtime/node/log.ts';
import { nodeClock } from '../../src/runtime/node/machine.ts';
import { CallCounts } from '../../src/telemetry/call-counts.ts';

const LINE = {
  id: 'req_0123456789abcdef0123456789abcdef',
  tenant: 'development',
  dialect: 'openai-chat',
  stream: false,
  priority: 'interactive',
  step: 'turn',
  asked: 'bench-model',
  served: 'bench/bench-model',
  rung: 1,
  degraded: null,
  attempts: 1,
  how: 'complete',
  code: undefined,
  queueMs: 0,
  ttftMs: 12,
  bytes: 1_024,
  uncachedTokens: 512,
  cachedTokens: 0,
  outputTokens: 128,
  cost: 0,
  charge: 0,
};
const FACTS = {
  class: 'chat',
  priority: 'interactive',
  target: 'bench',
  how: 'complete',
  code: null,
  degraded: null,
  queueMs: 0,
  firstContentMs: 12,
  attempts: 1,
  uncachedTokens: 512,
  cachedTokens: 0,
  outputTokens: 128,
} as const;
/** The line of a call, written to nowhere. */
export async function callLine() {
  const log = createNodeLog('summary', openSync('/dev/null', 'w'));
  let calls = 0;
  return () => {
    log.info('call', { ...LINE, totalMs: calls++ % 100 });
  };
}

/** What is counted of a call, of a hundred tenants in turn: as many as have a label of their own. */
export async function callCount() {
  const level = { firstContentMs: 2_000, totalMs: null, objective: 0.99 };
  const counts = new CallCounts(nodeClock, () => level);
  const tenants = Array.from({ length: 100 }, (_, at) => `tenant-${at}`);
  let calls = 0;
  return () => {
    counts.call({ ...FACTS, cost: 1_000, charge: 1_000, tenant: tenants[calls++ % 100]!, totalMs: calls % 100 });
    return counts;
  };
}

/** All that is written and counted of a call. */
export async function callTold() {
  const line = await callLine();
  const count = await callCount();
  return () => {
    line();
    return count();
  };
}
