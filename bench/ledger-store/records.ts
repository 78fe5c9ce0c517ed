// Records of calls as a router makes them: one attempt, ids that never repeat, names that do. For bench/ledger-store.
import { randomBytes } from 'node:crypto';
import type { CallRecord } from '../../src/core/ledger.ts';

export function sampleRecords(count: number, prefix = 'call'): readonly CallRecord[] {
  return Array.from({ length: count }, (_, at): CallRecord => {
    const usage = { uncachedTokens: 900 + at, cachedTokens: 4_000, outputTokens: 120, reasoningTokens: 0 };
    const run = `run-${Math.floor(at / 20)}-${prefix}`;
    const cost = 12_345_678 + at;
    const target = `pool-${at % 4}`;
    return {
      id: `${prefix}_${randomBytes(12).toString('hex')}`,
      traceId: randomBytes(16).toString('hex'),
      arrivedMs: 1_764_432_000_000 + at,
      tenant: `tenant-${at % 50}`,
      keyId: `key_${(at % 200).toString(16).padStart(16, '0')}`,
      class: 'chat',
      dialect: 'openai-chat',
      stream: at % 2 === 0,
      priority: 'interactive',
      step: at % 3 === 0 ? 'turn' : 'tool_loop',
      run,
      agent: null,
      runSource: 'declared',
      prefix: (at * 2_654_435_761) >>> 0,
      asked: `model-${at % 8}`,
      served: `${target}/model-${at % 8}`,
      rung: 1,
      degraded: null,
      how: 'complete',
      code: null,
      queueMs: 1.25,
      coldMs: 0,
      firstContentMs: 180.5,
      totalMs: 2_400.75,
      inputTokens: 4_900,
      usage,
      estimated: false,
      attempts: [
        {
          target,
          kind: 'pool',
          worker: `http://10.0.0.${at % 16}:8000`,
          model: `model-${at % 8}`,
          outcome: 'won',
          code: null,
          beganMs: 1.5,
          durationMs: 2_399,
          firstContentMs: 179,
          usage,
          estimated: false,
          gpuMs: 310.5,
          gpuSource: 'occupancy',
          cost,
        },
      ],
      cost,
      charge: cost * 2,
    };
  });
}
