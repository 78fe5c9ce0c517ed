// The waiting calls of one class and band, in the order of their tenants' counters. For the lines of a gate.

import { KeyedHeap } from '../structures/keyed-heap.ts';
import { Arrivals } from './arrivals.ts';
import type { Flow } from './flow.ts';
import { Rows } from './rows.ts';
import { Standing } from './standing.ts';
import { goesBefore, turnKey, type Waiter } from './waiter.ts';

/**
 * Invariant: a flow is in `flows` exactly while it has calls that may be asked. `virtualTime` never falls: it is the
 * highest counter that a call was granted at, and whoever comes back from idle starts no lower.
 */
export class Lane {
  /** First the tenant that has had least for its weight, and of several the one whose first call came first. */
  readonly flows = new KeyedHeap<Flow>();
  /** All tenants in line, in no order; and the rows of their numbers, in the same. */
  readonly standing: Flow[] = [];
  readonly standingRows: number[] = [];
  readonly rows = new Rows();
  readonly arrivals = new Arrivals<Waiter>(movedInLane);
  waiting = 0;
  /** Virtual tokens that they expect to use. */
  tokens = 0;
  /** Of them, those that are held for a worker. */
  held = 0;
  /** Of those that are held for the worker that has room now, the first: in the order as if it were shown. */
  offered: Waiter | null = null;
  readonly crowding = new Standing();
  virtualTime = 0;
  /** Slot time that the class was served, for its share, ms. */
  counter = 0;

  /** Nobody may be asked. */
  get isSilent(): boolean {
    return this.flows.size === 0 && this.offered === null;
  }

  /** Whoever is first of all here is the first of its tenant, too. */
  first(): Waiter | undefined {
    const shown = this.flows.first()?.head;
    if (this.offered === null) return shown;
    return shown === undefined || comesBefore(this.offered, shown) ? this.offered : shown;
  }

  /** `shown`: it may be asked; else it is in line, but not in the order. */
  enter(waiter: Waiter, shown: boolean): void {
    const { flow } = waiter;
    if (flow.waiting === 0) {
      flow.standing = this.standing.push(flow) - 1;
      this.standingRows.push(flow.row);
      flow.latestRunMs = Number.NEGATIVE_INFINITY;
    }
    if (flow.waiting === flow.held) this.lift(flow);
    flow.waiting++;
    flow.tokens += waiter.tokens;
    flow.each = flow.tokens / flow.waiting / flow.share.weight;
    if (waiter.runArrivedMs > flow.latestRunMs) flow.latestRunMs = waiter.runArrivedMs;
    waiter.inFlow = flow.arrivals.add(waiter, waiter.raised);
    waiter.inLane = this.arrivals.add(waiter, waiter.raised);
    this.waiting++;
    this.tokens += waiter.tokens;
    if (shown) this.show(waiter);
  }

  leave(waiter: Waiter): void {
    const { flow } = waiter;
    this.hide(waiter);
    flow.waiting--;
    flow.tokens = flow.waiting === 0 ? 0 : flow.tokens - waiter.tokens;
    flow.each = flow.waiting === 0 ? 0 : flow.tokens / flow.waiting / flow.share.weight;
    if (flow.waiting === 0) {
      const last = this.standing.pop()!;
      const lastRow = this.standingRows.pop()!;
      if (last !== flow) {
        last.standing = flow.standing;
        this.standing[flow.standing] = last;
        this.standingRows[flow.standing] = lastRow;
      }
      flow.standing = -1;
    }
    flow.arrivals.remove(waiter.inFlow, waiter.raised);
    this.arrivals.remove(waiter.inLane, waiter.raised);
    this.waiting--;
    this.tokens = this.waiting === 0 ? 0 : this.tokens - waiter.tokens;
  }

  /** Its tenant asked for no slot that others were given: that has earned it nothing. For a flow that is out of the order. */
  lift(flow: Flow): void {
    if (flow.counter < this.virtualTime) flow.counter = this.virtualTime;
  }

  /** Out of the order, but still in line. */
  hide(waiter: Waiter): void {
    if (waiter.place < 0) return;
    waiter.flow.calls.remove(waiter);
    this.#seat(waiter.flow);
  }

  /** Into the order. */
  show(waiter: Waiter): void {
    waiter.flow.calls.add(waiter, turnKey(waiter), waiter.order);
    this.#seat(waiter.flow);
  }

  /** Its tenant lets the others go first until one of its calls is shown again. */
  setAside(flow: Flow): void {
    if (flow.place >= 0) this.flows.remove(flow);
  }

  #seat(flow: Flow): void {
    const head = flow.calls.first();
    flow.head = head;
    if (head === undefined) {
      if (flow.place >= 0) this.flows.remove(flow);
      return;
    }
    const moved = flow.headOrder !== head.order;
    flow.headOrder = head.order;
    if (flow.place < 0) this.flows.add(flow, flow.counter, flow.headOrder);
    else if (moved) this.flows.moved(flow, flow.counter, flow.headOrder);
  }
}

/** Whether one who is out of the order would come before the first in it. */
function comesBefore(offered: Waiter, shown: Waiter): boolean {
  const { flow } = offered;
  if (flow === shown.flow) return goesBefore(offered, shown);
  if (flow.counter !== shown.flow.counter) return flow.counter < shown.flow.counter;
  const own = flow.head;
  const isFirst = own === undefined || goesBefore(offered, own);
  return isFirst && offered.order < shown.order;
}

/** Whether the tenant has as much in line as is its by weight: others' calls are not what keeps the line long. */
export function hasItsPart({ waiting, share }: Flow, lane: Lane): boolean {
  return (waiting * lane.standing.length) / share.weight >= lane.waiting;
}

const movedInLane = (waiter: Waiter, place: number): void => {
  waiter.inLane = place;
};
