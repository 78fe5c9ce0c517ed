// What becomes of agents whose prompts lie in their workers' caches, by the way in which workers are chosen. For tests and proof.
import { WORKER_PROFILES } from '../../../src/simulation/constants.ts';
import { type Group, type Report, report } from '../../../src/simulation/report.ts';
import type { AgentSession } from '../../../src/simulation/traces/forms.ts';
import { gathered } from '../../../src/simulation/traffic.ts';
import { oneRun } from './one-run.ts';

export const WINDOWS_MS = [60_000, 300_000, 600_000] as const;
export const LONGEST_WAIT_MS = 120_000;

/** The time to first content is for reading 500,000 tokens, whose callers know that they are long. */
export const agentPolicy = (schedule: string) => `
version: 1
pools:
  agents:
    engine: vllm
    concurrencyPerWorker: 64
    schedule: ${schedule}
    workers: [ { url: "http://10.0.0.1:8000" } ]
models:
  agent: { ladder: [ { pool: agents } ] }
classes:
  chat: { queue: { max: 1000, wait: 2m }, timeouts: { firstContent: 10m, idle: 5m, total: 30m } }
`;

export interface AgentOptions {
  readonly sessions: readonly AgentSession[];
  readonly schedule: 'sticky' | 'least-requests' | 'round-robin';
  readonly load: number;
  readonly lastsMs: number;
  readonly seed: number;
}

export interface AgentFigures {
  readonly capacityPerSecond: number;
  readonly report: Report;
  readonly toolLoop: Group;
  readonly newTurns: Group;
  readonly longestWaitMs: number;
  /** Most loaded worker over the mean, 95th percentile, by the windows above. */
  readonly imbalance: readonly Report['imbalanceP95'][];
}

/** Four workers of 524,288 tokens of memory and sixteen times that behind it; sessions under way, of which the router knows nothing. */
export async function agents({ sessions, schedule, load, lastsMs, seed }: AgentOptions): Promise<AgentFigures> {
  const {
    capacityPerSecond,
    result,
    report: told,
  } = await oneRun(agentPolicy(schedule), load, {
    recorded: gathered([{ kind: 'sessions', sessions }]),
    workers: 4,
    worker: WORKER_PROFILES['smg-mock-offload'],
    model: 'agent',
    lastsMs,
    maxThinkMs: 300_000,
    isUnderWay: true,
    retries: 4,
    warmUp: 0.2,
    seed,
  });
  const fromMs = 0.2 * lastsMs;
  const over = (windowMs: number) =>
    report(result, { fromMs, windowMs, sloMs: () => null, weightOf: () => 1 }).imbalanceP95;
  return {
    capacityPerSecond,
    report: told,
    toolLoop: told.toolLoop,
    newTurns: told.newTurns,
    longestWaitMs: result.records.reduce((most, { queueMs }) => Math.max(most, queueMs), 0),
    imbalance: WINDOWS_MS.map(over),
  };
}
