// What becomes of agents whose prompts lie in their workers' caches, by the way in which workers are chosen. For tests and proof.
import { WORKER_PROFILES } from '../../../src/simulation/constants.ts';
import type { Run } from '../../../src/simulation/replay.ts';
import { type Group, type Report, report } from '../../../src/simulation/report.ts';
import type { AgentSession } from '../../../src/simulation/traces/forms.ts';
import { gathered } from '../../../src/simulation/traffic.ts';
import { balanceFloor, type Floor } from './balance-floor.ts';
import { oneRun } from './one-run.ts';

export const WINDOWS_MS = [60_000, 300_000, 600_000] as const;
export const LONGEST_WAIT_MS = 120_000;
const WORKERS = 4;
const WARM_UP = 0.2;

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
  readonly schedule: 'sticky' | 'sticky-even' | 'least-requests' | 'round-robin';
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
export async function agents(options: AgentOptions): Promise<AgentFigures> {
  const { capacityPerSecond, result, report: told } = await agentRun(options);
  const fromMs = WARM_UP * options.lastsMs;
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

/** By how many times the time of reading anew a run’s worker has to be behind before it is left; see balance-floor. */
export const FLOORS = {
  'one cache for all, soonest': 'free',
  'one cache for all, least work': 'even',
  'left at 0.5×': 0.5,
  'left at 1×': 1,
  'left at 2×': 2,
  'never left': Number.POSITIVE_INFINITY,
} as const;

/** What could have been had with the calls of such a run, known beforehand. */
export async function agentFloors(options: AgentOptions): Promise<ReadonlyMap<string, Floor>> {
  const { records } = (await agentRun(options)).result;
  const base = { records, workers: WORKERS, fromMs: WARM_UP * options.lastsMs, windowsMs: WINDOWS_MS };
  return new Map(Object.entries(FLOORS).map(([name, movesAfter]) => [name, balanceFloor({ ...base, movesAfter })]));
}

function agentRun({ sessions, schedule, load, lastsMs, seed }: AgentOptions): Promise<Run> {
  return oneRun(agentPolicy(schedule), load, {
    recorded: gathered([{ kind: 'sessions', sessions }]),
    workers: WORKERS,
    worker: WORKER_PROFILES['smg-mock-offload'],
    model: 'agent',
    lastsMs,
    maxThinkMs: 300_000,
    isUnderWay: true,
    retries: 4,
    warmUp: WARM_UP,
    seed,
  });
}
