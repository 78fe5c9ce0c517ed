// One pool of the router's own parts: fleet, workers, gate, candidates, scheduler. For the ledger and the decision bench.
import type { Gate } from '../../src/core/gate.ts';
import type { Clock, Log, Random } from '../../src/core/runtime.ts';
import type { Transport } from '../../src/core/transport.ts';
import type { WorkerEngine } from '../../src/core/worker.ts';
import { Fleet } from '../../src/fleet/fleet.ts';
import { Prober } from '../../src/fleet/probe.ts';
import type { PoolWorker } from '../../src/fleet/worker.ts';
import { FairGate } from '../../src/flow/gate.ts';
import { fixed } from '../../src/flow/limits/fixed.ts';
import type { Place } from '../../src/router/rung.ts';
import { nodeClock } from '../../src/runtime/node/machine.ts';
import { Candidates } from '../../src/scheduling/candidates.ts';
import { filters } from '../../src/scheduling/filters/index.ts';
import { pickers } from '../../src/scheduling/pickers/index.ts';
import { profiles } from '../../src/scheduling/profiles.ts';
import { createScheduler, type SchedulingParts } from '../../src/scheduling/scheduler.ts';
import { scorers } from '../../src/scheduling/scorers/index.ts';
import { Breaker, DEFAULT_BREAKER } from '../../src/upstream/breaker.ts';
import { MODEL } from '../workload.ts';

export interface StandOptions {
  readonly workers: number;
  /** Calls in flight at each. */
  readonly slots: number;
  /** Calls in line at most. */
  readonly maxWaiting: number;
  readonly random: Random;
  /** The machine's own where none is given. */
  readonly clock?: Clock;
}

export interface Stand {
  readonly name: string;
  readonly clock: Clock;
  readonly gate: Gate;
  readonly workers: readonly PoolWorker[];
  readonly choose: Place['choose'];
  close(): Promise<void>;
}

const NAME = 'bench';
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
/** Workers of this engine are asked nothing, and no call is sent. */
const ENGINE: WorkerEngine = {
  healthPath: null,
  stateOf: () => 'warm',
  loadPath: null,
  loadOf: () => null,
  memoryOf: () => null,
};
const transport: Transport = {
  send() {
    throw new Error('nothing is sent here');
  },
  connections: () => 0,
  close: async () => {},
};
/** What every worker has shown of its speed, often enough to be sure: 20 ms, and 8,000 tokens a second. */
const SEEN = [
  [500, 82.5],
  [4_000, 520],
  [12_000, 1_520],
] as const;
const SHOWN = 20;

export function openStand({ workers, slots, maxWaiting, random, clock = nodeClock }: StandOptions): Stand {
  const fleet = new Fleet({
    clock,
    log: silent,
    prober: new Prober({ transport, clock, random, log: silent }),
    createBreaker: () => new Breaker(DEFAULT_BREAKER, clock, random),
    createGate: (rules, capacity) => new FairGate({ clock, rules, capacity }),
    createIndex: () => new Candidates(random),
  });
  fleet.apply([
    {
      name: NAME,
      kind: 'pool',
      serves: MODEL,
      rules: {
        classes: { chat: { maxWaiting, maxBytes: 2 ** 40, longestWaitMs: 1e9, share: 1 } },
        reserved: { critical: 0, interactive: 0.2, batch: 0.05, background: 0.02 },
      },
      zone: null,
      contextTokens: 131_072,
      engine: ENGINE,
      workers: Array.from({ length: workers }, (_, at) => ({
        key: `worker ${at}`,
        url: `http://127.0.0.1:${1 + at}`,
        headers: [],
        limitKey: 'fixed',
        createLimit: () => fixed.create({ limit: slots }, { clock }),
        source: () => null,
      })),
    },
  ]);
  const pool = fleet.pools.get(NAME)!;
  for (const worker of pool.workers) {
    for (let time = 0; time < SHOWN; time++) for (const [tokens, ms] of SEEN) teach(worker, tokens, ms);
  }
  const parts = { filters, scorers, pickers } as unknown as SchedulingParts;
  const scheduler = createScheduler(profiles.sticky, parts, random);
  const index = pool.index as Candidates;
  return {
    name: NAME,
    clock,
    gate: pool.gate,
    workers: pool.workers,
    choose: (call, nowMs) => scheduler.pick(index, call, nowMs, pool.gate.waiting),
    close: () => fleet.close(),
  };
}

function teach(worker: PoolWorker, tokens: number, firstContentMs: number): void {
  worker.record({
    outcome: 'won',
    error: null,
    begun: 0,
    model: MODEL,
    firstContentMs,
    beganMs: null,
    wholeMs: null,
    outputTokens: 0,
    uncachedTokens: tokens,
    expectedTokens: 0,
    inFlight: 1,
    backlogTokens: tokens,
  });
}
