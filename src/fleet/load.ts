// Asks the engines of workers in use how full they are, once a second each. For fleet/probe.
import PQueue from 'p-queue';
import type { Log, Random, Timer } from '../core/runtime.ts';
import type { WorkerEngine } from '../core/worker.ts';
import { ask, type QuestionDeps } from './question.ts';
import type { PoolWorker } from './worker.ts';

export interface LoadDeps extends QuestionDeps {
  readonly random: Random;
  readonly log: Log;
}

const AGAIN_MS = 1_000;
/** Share by which a pause is longer or shorter, so that routers and workers do not fall into step. */
const JITTER = 0.1;
/** Metrics pages are some hundred KB at most; what is larger is no page of load. */
const BOUNDS = { timeoutMs: 1_000, maxBytes: 1024 * 1024 };

/** A worker that has nothing of ours, and did not say that it is full, need not be asked. */
function inUse(worker: PoolWorker): boolean {
  const { state, inFlight, engineLoad, origin } = worker;
  return origin !== '' && (state === 'warm' || state === 'busy') && (inFlight > 0 || (engineLoad ?? 0) >= 1);
}

export class LoadProbe {
  readonly #deps: LoadDeps;
  readonly #queue = new PQueue({ concurrency: 8 });
  readonly #timers = new Map<PoolWorker, Timer>();
  readonly #open = new Set<() => void>();
  /** Those whose silence about their load is in the log already. */
  readonly #mute = new WeakSet<PoolWorker>();

  constructor(deps: LoadDeps) {
    this.#deps = deps;
  }

  watch(worker: PoolWorker, engine: WorkerEngine): void {
    this.forget(worker);
    if (engine.loadPath !== null) this.#schedule(worker, engine, engine.loadPath);
  }

  forget(worker: PoolWorker): void {
    this.#timers.get(worker)?.cancel();
    this.#timers.delete(worker);
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#queue.clear();
    for (const giveUp of this.#open) giveUp();
  }

  #schedule(worker: PoolWorker, engine: WorkerEngine, path: string): void {
    const { clock, random } = this.#deps;
    const timer = clock.after(AGAIN_MS * (1 + JITTER * (2 * random() - 1)), () => {
      if (!inUse(worker)) {
        worker.heard(null);
        this.#schedule(worker, engine, path);
        return;
      }
      void this.#queue.add(async () => {
        if (this.#timers.get(worker) !== timer) return;
        const answer = await ask(worker, path, BOUNDS, this.#deps, this.#open);
        if (this.#timers.get(worker) !== timer) return;
        const load = answer?.status === 200 ? engine.loadOf(answer.page) : null;
        if (answer !== null && load === null) this.#unread(worker, answer.status);
        worker.heard(load, load === null ? null : engine.memoryOf(answer!.page));
        this.#schedule(worker, engine, path);
      });
    });
    this.#timers.set(worker, timer);
  }

  /** An operator should know that a worker is judged by its calls alone; once is enough. */
  #unread(worker: PoolWorker, status: number): void {
    if (this.#mute.has(worker)) return;
    this.#mute.add(worker);
    this.#deps.log.warn('worker_load_unread', { worker: worker.id, status });
  }
}
