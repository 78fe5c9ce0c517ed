// One tenant's calls in one lane, and what the tenant is to the whole class. For the lines of a gate.
import type { Placed } from '../structures/heap.ts';
import { KeyedHeap } from '../structures/keyed-heap.ts';
import { Arrivals } from './arrivals.ts';
import { Correction } from './correction.ts';
import type { HeldCalls } from './held.ts';
import { Returns } from './returns.ts';
import { COUNTER, EACH, type Rows, TOKENS, WAITING } from './rows.ts';
import type { Waiter } from './waiter.ts';

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
  /** Its numbers among the lane's. */
  readonly row: number;
  readonly #numbers: number[];
  /** The first in order, and when it came: ties between tenants go by it. */
  head: Waiter | undefined = undefined;
  headOrder = 0;
  /** Who waits, in order; whoever was passed over is out of it until the look ends. */
  readonly calls = new KeyedHeap<Waiter>();
  readonly arrivals = new Arrivals<Waiter>(movedInFlow);
  /** The youngest run in line came then. */
  latestRunMs = Number.NEGATIVE_INFINITY;
  /** How true the forecasts of its waits were. */
  readonly correction = new Correction();
  readonly returns = new Returns();
  /** Passed over in the present look. */
  passed = 0;
  /** Of those who wait, how many are held for a worker and out of the order; by worker. */
  held = 0;
  readonly queues: HeldCalls[] = [];
  /** Among the lane's tenants in line, whether or not they may be asked. */
  standing = -1;

  constructor(share: Share, band: number, rows: Rows) {
    this.share = share;
    this.band = band;
    this.row = rows.take();
    this.#numbers = rows.numbers;
  }

  /** Virtual tokens that the tenant was served, for its weight. */
  get counter(): number {
    return this.#numbers[this.row + COUNTER]!;
  }

  set counter(counter: number) {
    this.#numbers[this.row + COUNTER] = counter;
  }

  get waiting(): number {
    return this.#numbers[this.row + WAITING]!;
  }

  set waiting(waiting: number) {
    this.#numbers[this.row + WAITING] = waiting;
  }

  /** Virtual tokens that its waiters expect to use. */
  get tokens(): number {
    return this.#numbers[this.row + TOKENS]!;
  }

  set tokens(tokens: number) {
    this.#numbers[this.row + TOKENS] = tokens;
  }

  /** What one of them moves the counter by, in the mean. */
  get each(): number {
    return this.#numbers[this.row + EACH]!;
  }

  set each(each: number) {
    this.#numbers[this.row + EACH] = each;
  }
}

const movedInFlow = (waiter: Waiter, place: number): void => {
  waiter.inFlow = place;
};
