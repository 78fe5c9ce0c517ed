// Runs traffic through the router itself, on a clock that waits for nobody. For replay, scripts and tests.
import type { Metrics } from '../core/metrics.ts';
import type { Log, Runtime } from '../core/runtime.ts';
import type { Catalog } from '../policy/compile.ts';
import { createRouter, type RouterRegistries } from '../router/create.ts';
import type { RouterStatus } from '../router/status.ts';
import { createMemoryLedger } from '../stores/memory/ledger.ts';
import { createMemoryQuota } from '../stores/memory/quota.ts';
import type { Bodies } from './call.ts';
import { stream } from './chance.ts';
import { SimulatedClock, type Turn } from './clock.ts';
import { type LoadWindow, watchLoad } from './load-windows.ts';
import { Player, type PlayRules } from './player.ts';
import type { CallRecord } from './record.ts';
import type { Script } from './script.ts';
import { type Stage, stageWorkers } from './staging.ts';
import { simulatedTransport } from './transport.ts';

export interface SimulationOptions extends Stage, Partial<PlayRules> {
  readonly catalog: Catalog;
  readonly registries: RouterRegistries;
  /** One turn of the host's event loop. */
  readonly turn: Turn;
  /** In order of their start. */
  readonly scripts: Iterable<Script>;
  /** The same seed and scripts make the same records. Default 1. */
  readonly seed?: number;
  /** Stretches by which the workers' load is looked at. Default 10 s. */
  readonly windowMs?: number;
  readonly log?: Log;
  readonly metrics?: Metrics;
}

export interface Result {
  /** In the order in which the calls ended. */
  readonly records: readonly CallRecord[];
  /** `pool/n` of each worker, in the order of the windows' columns. */
  readonly workers: readonly string[];
  readonly windows: readonly LoadWindow[];
  /** Of gates and of the process itself, by reason. */
  readonly refusals: ReadonlyMap<string, number>;
  /** Simulated time at the end. */
  readonly endedMs: number;
  readonly timers: number;
  readonly status: RouterStatus;
}

const NO_LOG: Log = { debug() {}, info() {}, warn() {}, error() {} };
/** 2026-01-01, so that no simulation depends on the day it runs. */
const WALL_MS = 1_767_225_600_000;

export async function simulate(options: SimulationOptions): Promise<Result> {
  const { registries, turn, scripts, seed = 1, windowMs = 10_000 } = options;
  const clock = new SimulatedClock(WALL_MS);
  const { catalog, doors } = stageWorkers(options.catalog, options, clock);
  const bodies: Bodies = new WeakMap();
  const transport = simulatedTransport({ clock, bodies, doors });
  const refusals = new Map<string, number>();
  const metrics: Metrics = {
    call: (facts) => options.metrics?.call(facts),
    refused(reason, routeClass, target, tenant) {
      refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
      options.metrics?.refused(reason, routeClass, target, tenant);
    },
    denied: (kind, tenant) => options.metrics?.denied(kind, tenant),
    overrun: (kind, tenant) => options.metrics?.overrun(kind, tenant),
    storeFault: (store, op) => options.metrics?.storeFault(store, op),
    held: (tokens) => options.metrics?.held(tokens),
  };
  const router = createRouter({
    catalog,
    registries,
    metrics,
    // Where nobody is limited nothing has to be counted, which most simulations are too large for.
    ...(catalog.limits
      ? {
          stores: { quota: createMemoryQuota({ clock }), ledger: createMemoryLedger({ wallMs: () => clock.wallMs() }) },
        }
      : {}),
    runtime: runtimeOf(clock, transport, seed, options.log ?? NO_LOG),
  });
  const workers = [...doors.values()];
  const windows = watchLoad(workers, clock, windowMs);
  const records: CallRecord[] = [];
  const { untilMs = Number.POSITIVE_INFINITY, maxCalls = Number.POSITIVE_INFINITY } = options;
  const { retries = 0, asOneTenant = false } = options;
  const deps = { service: router.service, clock, random: stream(seed, 'callers'), bodies, records };
  const player = new Player(scripts, { untilMs, maxCalls, retries, asOneTenant }, deps);
  player.start();
  if (!(await clock.run(turn, () => player.done)))
    throw new Error('The simulation stands still: calls are open, and nothing is to come.');
  if (player.fault !== null) throw player.fault;
  const status = router.status();
  await router.close();
  return {
    records,
    workers: workers.map(({ id }) => id),
    windows,
    refusals,
    endedMs: clock.nowMs(),
    timers: clock.fired,
    status,
  };
}

function runtimeOf(clock: SimulatedClock, transport: Runtime['transport'], seed: number, log: Log): Runtime {
  let ids = 0;
  return {
    transport,
    clock,
    random: stream(seed, 'router'),
    newId: () => `sim_${++ids}`,
    digest() {
      throw new TypeError('No key is checked in a simulation.');
    },
    background: (task) => void clock.after(0, () => void task()),
    log,
  };
}
