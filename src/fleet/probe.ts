// Asks workers how they are, a few at a time, and says so to their pool. For fleet.
import PQueue from 'p-queue';
import type { Timer } from '../core/runtime.ts';
import type { WorkerEngine, WorkerState } from '../core/worker.ts';
import { type LoadDeps, LoadProbe } from './load.ts';
import { ask } from './question.ts';
import type { PoolWorker } from './worker.ts';

/** What a probe found; null: no answer at all. */
type Finding = WorkerState | null;

/** How soon to ask again, ms, by the state found. */
const AGAIN_MS: Partial<Record<WorkerState, number>> = { warm: 5_000, starting: 200, unhealthy: 1_000 };
const BOUNDS = { timeoutMs: 2_000, maxBytes: 0 };
/** One lost answer may be a busy worker; two in a row are a lost one. */
const MISSES = 2;

/** Probes are alike and unhurried, so a plain queue bounds how many run at once. */
export class Prober {
  readonly #deps: LoadDeps;
  readonly #queue = new PQueue({ concurrency: 8 });
  readonly #timers = new Map<PoolWorker, Timer>();
  readonly #open = new Set<() => void>();
  readonly #loads: LoadProbe;
  #closed = false;

  constructor(deps: LoadDeps) {
    this.#deps = deps;
    this.#loads = new LoadProbe(deps);
  }

  /** Begins to ask one worker; `changed` runs after each change of its state. */
  watch(worker: PoolWorker, engine: WorkerEngine, changed: () => void): void {
    if (engine.healthPath === null || this.#closed) return;
    this.#timers.get(worker)?.cancel();
    this.#schedule(worker, engine, changed, 0);
    this.#loads.watch(worker, engine);
  }

  forget(worker: PoolWorker): void {
    this.#timers.get(worker)?.cancel();
    this.#timers.delete(worker);
    this.#loads.forget(worker);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#queue.clear();
    for (const giveUp of this.#open) giveUp();
    this.#loads.close();
  }

  #schedule(worker: PoolWorker, engine: WorkerEngine, changed: () => void, delayMs: number): void {
    const timer = this.#deps.clock.after(delayMs, () => {
      void this.#queue.add(async () => {
        if (this.#timers.get(worker) !== timer) return;
        const found = worker.origin === '' ? null : await this.#ask(worker, engine);
        if (this.#timers.get(worker) !== timer) return;
        if (note(worker, found, this.#deps.clock.nowMs())) changed();
        this.#schedule(worker, engine, changed, AGAIN_MS[worker.state] ?? 1_000);
      });
    });
    this.#timers.set(worker, timer);
  }

  async #ask(worker: PoolWorker, engine: WorkerEngine): Promise<Finding> {
    const answer = await ask(worker, engine.healthPath ?? '', BOUNDS, this.#deps, this.#open);
    return answer === null ? null : engine.stateOf(answer.status);
  }
}

/** Moves the worker's state; says whether it moved. One that never answered is starting; one that did is unhealthy. */
function note(worker: PoolWorker, found: Finding, nowMs: number): boolean {
  const before = worker.state;
  worker.missedProbes = found === null ? worker.missedProbes + 1 : 0;
  if (found === 'warm') {
    if (before === 'starting') worker.expectedReadyMs = Math.max(1, nowMs - worker.startedMs);
    worker.state = 'warm';
  } else if (found !== null) worker.state = found;
  else if (before === 'unknown' || before === 'starting' || before === 'cold') worker.state = 'starting';
  else if (worker.missedProbes >= MISSES) worker.state = 'unhealthy';
  return worker.state !== before;
}
