// How long calls hold a slot of a pool, learned from those that ended. For the forecast and the shares of classes.
import { ROUTE_CLASSES, type RouteClass } from '../core/names.ts';
import type { SlotWorker } from '../core/worker.ts';

/** Calls that a mean looks back on. */
const SPAN = 64;

interface Mean {
  value: number;
  samples: number;
}

const learn = (mean: Mean, value: number): void => {
  if (mean.samples < SPAN) mean.samples++;
  mean.value += (value - mean.value) / mean.samples;
};

export class HoldTimes {
  readonly #all: Mean = { value: 0, samples: 0 };
  readonly #byClass = Object.fromEntries(
    ROUTE_CLASSES.map((routeClass) => [routeClass, { value: 0, samples: 0 }]),
  ) as Record<RouteClass, Mean>;
  readonly #byWorker = new WeakMap<SlotWorker, Mean>();

  add(routeClass: RouteClass, worker: SlotWorker, holdMs: number): void {
    learn(this.#all, holdMs);
    learn(this.#byClass[routeClass], holdMs);
    let mean = this.#byWorker.get(worker);
    if (mean === undefined) {
      mean = { value: 0, samples: 0 };
      this.#byWorker.set(worker, mean);
    }
    learn(mean, holdMs);
  }

  /** Of a worker's calls, ms; of the pool's where it has ended none yet; 0: nothing is known. */
  at(worker: SlotWorker): number {
    return this.#byWorker.get(worker)?.value ?? this.#all.value;
  }

  /** Of a class's calls, ms; of the pool's where it has none yet; null: nothing is known. */
  of(routeClass: RouteClass): number | null {
    const mean = this.#byClass[routeClass];
    return mean.samples > 0 ? mean.value : this.ofAll();
  }

  ofAll(): number | null {
    return this.#all.samples > 0 ? this.#all.value : null;
  }
}
