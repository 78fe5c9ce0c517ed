// Calls that wait for one worker though others have room: out of the order until that worker has room. For the gate.
import type { Hold } from '../core/gate.ts';
import type { SlotWorker } from '../core/worker.ts';
import { IndexedHeap } from '../structures/heap.ts';
import type { Flow } from './flow.ts';
import type { Lane } from './lane.ts';
import { goesBefore, type Waiter } from './waiter.ts';

/** One flow's calls that are held for one worker, in order. */
export class HeldCalls {
  readonly worker: SlotWorker;
  readonly flow: Flow;
  readonly lane: Lane;
  readonly calls = new IndexedHeap<Waiter>(goesBefore);
  /** Among its lane's for that worker. */
  at = 0;

  constructor(worker: SlotWorker, flow: Flow, lane: Lane) {
    this.worker = worker;
    this.flow = flow;
    this.lane = lane;
  }
}

/** All that are held for one worker. */
interface Group {
  /** In the order in which they are asked again. */
  readonly turns: Set<Waiter>;
  readonly lanes: Map<Lane, HeldCalls[]>;
}

/**
 * Invariant: whoever has a `hold` is in the turns of its worker's group and in its `queue`, and in no order of its lane;
 * for a moment, while it moves, it is in none of them.
 */
export class Held {
  size = 0;
  readonly #groups = new Map<SlotWorker, Group>();

  /** How many are held for a worker. */
  count(worker: SlotWorker): number {
    return this.#groups.get(worker)?.turns.size ?? 0;
  }

  /** Takes a call that is in line out of the order. */
  hold(waiter: Waiter, hold: Hold, lane: Lane): void {
    if (waiter.hold?.worker !== hold.worker) this.drop(waiter);
    if (waiter.hold === null) this.size++;
    waiter.hold = hold;
    this.#group(hold.worker).turns.add(waiter);
    if (waiter.queue === null) this.putBack(waiter, lane);
  }

  /** Held no more. Whoever was out of the order is in none now. */
  drop(waiter: Waiter): void {
    if (waiter.hold === null) return;
    this.takeOut(waiter);
    const { worker } = waiter.hold;
    const group = this.#groups.get(worker)!;
    group.turns.delete(waiter);
    if (group.turns.size === 0) this.#groups.delete(worker);
    waiter.hold = null;
    this.size--;
  }

  /** Out of the order again, if it is held. */
  putBack(waiter: Waiter, lane: Lane): void {
    const { flow, hold } = waiter;
    if (hold === null || waiter.queue !== null) return;
    lane.hide(waiter);
    lane.held++;
    flow.held++;
    flow.queues ??= new Map();
    let queue = flow.queues.get(hold.worker);
    if (queue === undefined) {
      queue = new HeldCalls(hold.worker, flow, lane);
      flow.queues.set(hold.worker, queue);
      const { lanes } = this.#group(hold.worker);
      let queues = lanes.get(lane);
      if (queues === undefined) {
        queues = [];
        lanes.set(lane, queues);
      }
      queue.at = queues.push(queue) - 1;
    }
    queue.calls.add(waiter);
    waiter.queue = queue;
  }

  /** Leaves its queue, to be offered or moved. */
  takeOut(waiter: Waiter): void {
    const { queue } = waiter;
    if (queue === null) return;
    const { worker, flow, lane, calls } = queue;
    waiter.queue = null;
    calls.remove(waiter);
    lane.held--;
    flow.held--;
    if (calls.size > 0) return;
    flow.queues!.delete(worker);
    const queues = this.#groups.get(worker)!.lanes.get(lane)!;
    const last = queues.pop()!;
    if (last === queue) return;
    last.at = queue.at;
    queues[queue.at] = last;
  }

  /** Offers, in each lane, the first of those held for a worker: no other of them could be next. Adds the lanes to `into`. */
  offer(worker: SlotWorker, into: Lane[]): void {
    const group = this.#groups.get(worker);
    if (group === undefined) return;
    for (const [lane, queues] of group.lanes) {
      const first = firstOf(queues);
      if (first === null) continue;
      lane.offered = first.calls.first()!;
      into.push(lane);
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
      let vain = Math.floor(most / workers.length);
      let left = group.turns.size;
      for (const waiter of group.turns) {
        if (left-- === 0 || vain === 0) break;
        ask(waiter);
        if (waiter.hold?.worker !== worker) continue;
        group.turns.delete(waiter);
        group.turns.add(waiter);
        vain--;
      }
    }
  }

  #group(worker: SlotWorker): Group {
    let group = this.#groups.get(worker);
    if (group === undefined) {
      group = { turns: new Set(), lanes: new Map() };
      this.#groups.set(worker, group);
    }
    return group;
  }
}

/** Whose flow would come first in its lane, were all shown. */
function firstOf(queues: readonly HeldCalls[]): HeldCalls | null {
  let first: HeldCalls | null = null;
  let counter = Number.POSITIVE_INFINITY;
  // Of the first, once another ties with it.
  let order: number | null = null;
  for (const queue of queues) {
    const own = queue.flow.counter;
    if (own > counter) continue;
    let ownOrder: number | null = null;
    if (first !== null && own === counter) {
      order ??= headOrder(first);
      ownOrder = headOrder(queue);
      if (ownOrder >= order) continue;
    }
    first = queue;
    counter = own;
    order = ownOrder;
  }
  return first;
}

function headOrder({ calls, flow }: HeldCalls): number {
  const held = calls.first()!;
  const shown = flow.calls.first();
  return shown !== undefined && goesBefore(shown, held) ? shown.order : held.order;
}
