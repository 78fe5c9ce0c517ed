// Decides what a fleet is made of in tests: scripted probes, a virtual clock, sources that the test plays.
// For tests of src/fleet.
import type { GateRules } from '../../src/core/gate.ts';
import type { AttemptReport, WorkerSource } from '../../src/core/worker.ts';
import { engines } from '../../src/fleet/engines/index.ts';
import { Fleet, type PoolPlan, type WorkerPlan } from '../../src/fleet/fleet.ts';
import { Prober } from '../../src/fleet/probe.ts';
import { FairGate } from '../../src/flow/gate.ts';
import { fixed } from '../../src/flow/limits/fixed.ts';
import { Candidates } from '../../src/scheduling/candidates.ts';
import { Breaker, DEFAULT_BREAKER } from '../../src/upstream/breaker.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { scriptedProbes } from './scripted-probes.ts';

export function testFleet() {
  const clock = new VirtualClock();
  const probes = scriptedProbes();
  const log = recordingLog();
  const fleet = new Fleet({
    clock,
    log,
    prober: new Prober({ transport: probes, clock, log, random: () => 0.5 }),
    createBreaker: () => new Breaker(DEFAULT_BREAKER, clock, () => 0.5),
    createGate: (rules, capacity) => new FairGate({ clock, rules, capacity }),
    createIndex: () => new Candidates(() => 0.5),
  });
  return { clock, probes, log, fleet };
}

/** Always so many calls in flight. */
export const fixedLimit = (limit: number) => ({
  limitKey: `fixed ${limit}`,
  createLimit: () => fixed.create({ limit }, { clock: new VirtualClock() }),
});

export const urlWorker = (url: string, more: Partial<WorkerPlan> = {}): WorkerPlan => ({
  key: url,
  url,
  headers: [],
  ...fixedLimit(2),
  source: () => null,
  ...more,
});

export const gateRules = (maxWaiting = 10): GateRules => ({
  classes: { chat: { maxWaiting, maxBytes: 1e9, longestWaitMs: 10_000, share: 1 } },
  reserved: { critical: 0, interactive: 0, batch: 0, background: 0 },
});

/** What an attempt tells that was alone with its worker. */
export const report = (more: Partial<AttemptReport> = {}): AttemptReport => ({
  outcome: 'won',
  error: null,
  begun: 0,
  model: 'm',
  firstContentMs: null,
  beganMs: null,
  wholeMs: null,
  outputTokens: 100,
  uncachedTokens: 1_000,
  expectedTokens: 0,
  inFlight: 1,
  backlogTokens: 1_000,
  ...more,
});

/** A source that a test moves by hand. */
export function playedSource(expectedReadyMs = 400) {
  let tell: ((url: string | null) => void) | null = null;
  let stopped = 0;
  const source: WorkerSource = {
    expectedReadyMs,
    start(at) {
      tell = at;
    },
    stop() {
      stopped++;
      return Promise.resolve();
    },
  };
  return {
    source,
    at: (url: string | null) => tell!(url),
    get started() {
      return tell !== null;
    },
    get stopped() {
      return stopped;
    },
  };
}

export function poolPlan(
  workers: readonly WorkerPlan[],
  { name = 'p', engine = 'vllm' as keyof typeof engines, maxWaiting = 10, zone = null as string | null } = {},
): PoolPlan {
  return {
    name,
    kind: 'pool',
    serves: name,
    rules: gateRules(maxWaiting),
    zone,
    contextTokens: null,
    engine: engines[engine].create({}, undefined),
    workers,
  };
}
