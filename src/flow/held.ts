// Calls that wait for one worker though others have room: out of the order until that worker has room. For the gate.
import type { Hold } from '../core/gate.ts';
import type { SlotWorker } from '../core/worker.ts';
import { IndexedHeap } from '../structures/heap.ts';
import type { Flow } from './flow.ts';
import type { Lane } from './lane.ts';
import { COUNTER } from './rows.ts';
import { goesBefore, turnKey, type Waiter } from './waiter.ts';

/** One flow's calls that are held for one worker: the first, and the others, if there are any, in order. */
export class HeldCalls {
  readonly flow: Flow;
  readonly home: HeldLane;
  head: Waiter;
  /** Its turn in numbers, so that others' can be told apart without a look at it. */
  headKey: number;
  headOrder: number;
  rest: IndexedHeap<Waiter> | null = null;
  /** Among its lane's for that worker, and among its flow's. */
  at: number;
  atFlow: number;

  constructor(flow: Flow, home: HeldLane, head: Waiter) {
    this.flow = flow;
    this.home = home;
    this.head = head;
    this.headKey = turnKey(head);
    this.headOrder = head.order;
    home.rows.push(flow.row);
    home.orders.push(head.order);
    this.at = home.queues.push(this) - 1;
    this.atFlow = flow.queues.push(this) - 1;
  }

  add(waiter: Waiter): void {
    const rest = this.rest ?? new IndexedHeap<Waiter>(goesBefore);
    this.rest = rest;
    if (goesBefore(waiter, this.head)) {
      rest.add(this.head);
      this.#lead(waiter);
    } else rest.add(waiter);
  }

  /** Where none is left, the queue itself goes. */
  remove(waiter: Waiter): void {
    if (waiter !== this.head) return this.rest!.remove(waiter);
    const next = this.rest?.first();
    if (next === undefined) return this.#leave();
    this.rest!.remove(next);
    this.#lead(next);
  }

  #lead(waiter: Waiter): void {
    this.head = waiter;
    this.headKey = turnKey(waiter);
    this.headOrder = waiter.order;
    this.home.orders[this.at] = waiter.order;
  }

  #leave(): void {
    const { queues, rows, orders } = this.home;
    const last = queues.pop()!;
    const lastRow = rows.pop()!;
    const lastOrder = orders.pop()!;
    if (last !== this) {
      last.at = this.at;
      queues[this.at] = last;
      rows[this.at] = lastRow;
      orders[this.at] = lastOrder;
    }
    const ofFlow = this.flow.queues;
    const lastOfFlow = ofFlow.pop()!;
    if (lastOfFlow === this) return;
    lastOfFlow.atFlow = this.atFlow;
    ofFlow[this.atFlow] = lastOfFlow;
  }
}

/** Of one lane those that are held for one worker. */
interface HeldLane {
  readonly lane: Lane;
  readonly queues: HeldCalls[];
  /** Their flows' rows, and when the first of each came, in the same order. */
  readonly rows: number[];
  readonly orders: number[];
}

/** All that are held for one worker. */
interface Group {
  /** Each knows its place, and whose turn it is to be asked again. */
  readonly calls: Waiter[];
  turn: number;
  readonly lanes: HeldLane[];
}

/**
 * Invariant: whoever has a `hold` is among the calls of its worker's group and in its `queue`, and in no order of its lane;
 * for a moment, while it moves, it is in neither queue nor order.
 */
export class Held {
  size = 0;
  /** Those held ahead of time. */
  readonly #aside: Waiter[] = [];
  #asideTurn = 0;
  readonly #groups = new Map<SlotWorker, Group>();

  /** How many are held for a worker. */
  count(worker: SlotWorker): number {
    return this.#groups.get(worker)?.calls.length ?? 0;
  }

  /** Takes a call that is in line out of the order. */
  hold(waiter: Waiter, hold: Hold, lane: Lane): void {
    if (waiter.hold?.worker !== hold.worker || waiter.isAside !== (hold.other === null)) this.drop(waiter);
    if (waiter.hold === null) {
      this.size++;
      waiter.heldAt = this.#group(hold.worker).calls.push(waiter) - 1;
    }
    if (hold.other === null && !waiter.isAside) waiter.asideAt = this.#aside.push(waiter) - 1;
    waiter.hold = hold;
    if (waiter.queue === null) this.putBack(waiter, lane);
  }

  /** Held no more. Whoever was out of the order is in none now. */
  drop(waiter: Waiter): void {
    if (waiter.hold === null) return;
    this.takeOut(waiter);
    const { worker } = waiter.hold;
    const { calls } = this.#groups.get(worker)!;
    const last = calls.pop()!;
    if (last !== waiter) {
      last.heldAt = waiter.heldAt;
      calls[waiter.heldAt] = last;
    } else if (calls.length === 0) this.#groups.delete(worker);
    if (waiter.isAside) {
      const lastAside = this.#aside.pop()!;
      if (lastAside !== waiter) {
        lastAside.asideAt = waiter.asideAt;
        this.#aside[waiter.asideAt] = lastAside;
      }
    }
    waiter.hold = null;
    this.size--;
  }

  /** Out of the order again, if it is held. */
  putBack(waiter: Waiter, lane: Lane): void {
    const { flow, hold } = waiter;
    if (hold === null || waiter.queue !== null) return;
    lane.hide(waiter);
    if (!waiter.isAside) {
      lane.held++;
      flow.held++;
    }
    const { lanes } = this.#group(hold.worker);
    let home = lanes.find((each) => each.lane === lane);
    if (home === undefined) {
      home = { lane, queues: [], rows: [], orders: [] };
      lanes.push(home);
    }
    const known = queueOf(flow, home);
    if (known !== null) known.add(waiter);
    waiter.queue = known ?? new HeldCalls(flow, home, waiter);
  }

  /** Leaves its queue, to be moved. */
  takeOut(waiter: Waiter): void {
    const { queue } = waiter;
    if (queue === null) return;
    waiter.queue = null;
    queue.remove(waiter);
    if (waiter.isAside) return;
    queue.home.lane.held--;
    queue.flow.held--;
  }

  /** Offers, in each lane, the first of those held for a worker: no other of them could be next. Adds the lanes to `into`. */
  offer(worker: SlotWorker, into: Lane[]): void {
    const group = this.#groups.get(worker);
    if (group === undefined) return;
    for (const home of group.lanes) {
      if (home.queues.length === 0) continue;
      home.lane.offered = firstOf(home);
      into.push(home.lane);
    }
  }

  /** Workers that calls are held for and that have room. */
  roomy(): SlotWorker[] {
    const workers: SlotWorker[] = [];
    for (const worker of this.#groups.keys()) if (worker.inFlight < worker.limit) workers.push(worker);
    return workers;
  }

  /**
   * Asks again, of as many workers' as it may be in vain, at least one each, and more as long as they go: who is held no
   * more for what has become of their worker is found at one look. Others' turn comes at the next.
   */
  askAgain(most: number, ask: (waiter: Waiter) => void): void {
    const workers: SlotWorker[] = [];
    for (const worker of this.#groups.keys()) if (workers.push(worker) === most) break;
    for (const worker of workers) {
      const group = this.#groups.get(worker);
      if (group === undefined) continue;
      this.#groups.delete(worker);
      this.#groups.set(worker, group);
      const { calls } = group;
      let vain = Math.floor(most / workers.length);
      for (let left = calls.length; left > 0 && vain > 0 && calls.length > 0; left--) {
        if (group.turn >= calls.length) group.turn = 0;
        const waiter = calls[group.turn]!;
        ask(waiter);
        if (waiter.hold?.worker !== worker) continue;
        group.turn++;
        vain--;
      }
    }
  }

  /** Asks so many of those held ahead of time, in turn, now that there is room. */
  askAside(most: number, ask: (waiter: Waiter) => void): void {
    const aside = this.#aside;
    for (let left = Math.min(most, aside.length); left > 0 && aside.length > 0; left--) {
      if (this.#asideTurn >= aside.length) this.#asideTurn = 0;
      const waiter = aside[this.#asideTurn]!;
      ask(waiter);
      // Whoever is so no more has left its place to another.
      if (aside[this.#asideTurn] === waiter) this.#asideTurn++;
    }
  }

  #group(worker: SlotWorker): Group {
    let group = this.#groups.get(worker);
    if (group === undefined) {
      group = { calls: [], turn: 0, lanes: [] };
      this.#groups.set(worker, group);
    }
    return group;
  }
}

/** Looks where there is less to look through. */
function queueOf({ queues }: Flow, home: HeldLane): HeldCalls | null {
  if (queues.length <= home.queues.length) {
    for (const queue of queues) if (queue.home === home) return queue;
  } else for (const queue of home.queues) if (queue.flow.queues === queues) return queue;
  return null;
}

/** Whose flow has had least for its weight, and of several the one whose call came first. */
function firstOf({ lane, queues, rows, orders }: HeldLane): Waiter {
  const { numbers } = lane.rows;
  let first = 0;
  let counter = numbers[rows[0]! + COUNTER]!;
  for (let at = 1; at < rows.length; at++) {
    const own = numbers[rows[at]! + COUNTER]!;
    if (own > counter || (own === counter && orders[at]! > orders[first]!)) continue;
    first = at;
    counter = own;
  }
  return queues[first]!.head;
}
