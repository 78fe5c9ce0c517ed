// Decides what a fleet is made of in tests: scripted probes, a virtual clock, sources that the test plays.
// For tests of src/fleet.
import type { WorkerSource } from '../../src/core/worker.ts';
import { engines } from '../../src/fleet/engines/index.ts';
import { Fleet, type PoolPlan, type WorkerPlan } from '../../src/fleet/fleet.ts';
import { Prober } from '../../src/fleet/probe.ts';
import { FifoGate } from '../../src/flow/gate.ts';
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
    prober: new Prober({ transport: probes, clock }),
    createBreaker: () => new Breaker(DEFAULT_BREAKER, clock, () => 0.5),
    createGate: (maxWaiting) => new FifoGate({ clock, maxWaiting }),
  });
  return { clock, probes, log, fleet };
}

export const urlWorker = (url: string, more: Partial<WorkerPlan> = {}): WorkerPlan => ({
  key: url,
  url,
  headers: [],
  limit: 2,
  source: () => null,
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
  { name = 'p', engine = 'vllm' as keyof typeof engines, maxWaiting = 10 } = {},
): PoolPlan {
  return {
    name,
    kind: 'pool',
    serves: name,
    maxWaiting,
    engine: engines[engine].create({}, undefined),
    workers,
  };
}
