// One tenant's calls in one lane, and what the tenant is to the whole class. For the lines of a gate.
import type { SlotWorker } from '../core/worker.ts';
import { IndexedHeap, type Placed } from '../structures/heap.ts';
import { Arrivals } from './arrivals.ts';
import { Correction } from './correction.ts';
import type { HeldCalls } from './held.ts';
import { Returns } from './returns.ts';
import { goesBefore, type Waiter } from './waiter.ts';

/** A tenant in one class of a pool. */
export class Share implements Placed {
  /** Among the class's tenants by what they have in line. */
  place = -1;
  readonly tenant: string;
  weight: number;
  /** By band; null where it has never been. */
  readonly flows: [Flow | null, Flow | null, Flow | null, Flow | null] = [null, null, null, null];
  waiting = 0;
  bytes = 0;
  inFlight = 0;
  /** How much of the line it takes up, for its weight. */
  load = 0;
  /** The busy spell of its class that its counters belong to. */
  spell = 0;

  constructor(tenant: string, weight: number) {
    this.tenant = tenant;
    this.weight = weight;
  }
}

/** A tenant's calls of one class and band: its virtual counter there and who waits, in order. */
export class Flow implements Placed {
  /** Among the lane's tenants. */
  place = -1;
  readonly share: Share;
  readonly band: number;
  /** Virtual tokens that the tenant was served, for its weight. */
  counter = 0;
  /** When the first in order came: ties between tenants go by it. */
  headOrder = 0;
  /** Who waits, in order; whoever was passed over is out of it until the look ends. */
  readonly calls = new IndexedHeap<Waiter>(goesBefore);
  readonly arrivals = new Arrivals<Waiter>();
  waiting = 0;
  /** Virtual tokens that its waiters expect to use. */
  tokens = 0;
  /** What one of them moves the counter by, in the mean. */
  each = 0;
  /** The youngest run in line came then. */
  latestRunMs = Number.NEGATIVE_INFINITY;
  /** How true the forecasts of its waits were. */
  readonly correction = new Correction();
  readonly returns = new Returns();
  /** Passed over in the present look. */
  passed = 0;
  /** Of those who wait, how many are held for a worker and out of the order; by worker, null while there never was one. */
  held = 0;
  queues: Map<SlotWorker, HeldCalls> | null = null;
  /** Among the lane's tenants in line, whether or not they may be asked. */
  standing = -1;

  constructor(share: Share, band: number) {
    this.share = share;
    this.band = band;
  }
}
