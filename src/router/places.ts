// The pools with the way in which their workers are chosen, by name, brought in line with each policy. For router/create.
import type { Random } from '../core/runtime.ts';
import type { ProfileSpec } from '../core/schedule.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Pool } from '../fleet/pool.ts';
import type { PoolWorker } from '../fleet/worker.ts';
import type { Catalog } from '../policy/compile.ts';
import type { Candidates } from '../scheduling/candidates.ts';
import { createScheduler, type Scheduler } from '../scheduling/scheduler.ts';
import type { RouterRegistries } from './create.ts';
import type { Place } from './rung.ts';

export class Places {
  readonly #fleet: Fleet;
  readonly #registries: RouterRegistries;
  readonly #random: Random;
  #places = new Map<string, Place>();

  constructor(fleet: Fleet, registries: RouterRegistries, random: Random) {
    this.#fleet = fleet;
    this.#registries = registries;
    this.#random = random;
  }

  get(name: string): Place | undefined {
    return this.#places.get(name);
  }

  /** After the fleet: pools that stay are the same objects. */
  apply(catalog: Catalog): void {
    const profiles = new Map<string, ProfileSpec>([
      ...catalog.pools.map((spec) => [spec.target.name, spec.profile] as const),
      ...catalog.providers.map((spec) => [spec.name, spec.profile] as const),
    ]);
    const places = new Map<string, Place>();
    for (const [name, profile] of profiles) {
      const pool = this.#fleet.pools.get(name);
      if (pool !== undefined) places.set(name, placeOf(pool, createScheduler(profile, this.#registries, this.#random)));
    }
    this.#places = places;
  }
}

function placeOf(pool: Pool, scheduler: Scheduler): Place {
  // The fleet was told to make these.
  const index = pool.index as Candidates;
  return {
    pool,
    worker: (id) => index.byId(id) as PoolWorker | null,
    choose: (call, nowMs) => scheduler.pick(index, call, nowMs, pool.gate.waiting),
  };
}
