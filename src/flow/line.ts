// One class's waiting line at a pool: its tenants' fair shares, its bounds, and who gives way when it is full. For the gate.
import type { ClassLine, GateCall } from '../core/gate.ts';
import type { RouteClass } from '../core/names.ts';
import { KeyedHeap } from '../structures/keyed-heap.ts';
import { Flow, Share } from './flow.ts';
import { Lane } from './lane.ts';
import { Pace } from './pace.ts';
import type { Waiter } from './waiter.ts';

const BANDS = 4;
/** Tenants remembered before those that owe nothing are forgotten. */
const REMEMBERED = 1024;
const NO_LINE: ClassLine = { maxWaiting: 0, maxBytes: 0, longestWaitMs: 0, share: 1 };

export class Line {
  readonly class: RouteClass;
  /** By band. */
  readonly lanes: readonly Lane[] = Array.from({ length: BANDS }, () => new Lane());
  waiting = 0;
  inFlight = 0;
  /** Virtual tokens of its calls in flight, by estimate. */
  inFlightTokens = 0;
  readonly pace = new Pace();
  rules: ClassLine = NO_LINE;
  #bytes = 0;
  #spell = 0;
  #sweepAt = REMEMBERED;
  readonly #shares = new Map<string, Share>();
  /** Who takes up most comes first. */
  readonly #byLoad = new KeyedHeap<Share>();

  constructor(routeClass: RouteClass) {
    this.class = routeClass;
  }

  /** The bounds or weights have changed; who is in line stays. */
  resize(rules: ClassLine | undefined): void {
    this.rules = rules ?? NO_LINE;
    for (const share of [...this.#byLoad.items]) this.#weigh(share);
  }

  /** The tenant's part of this class, made when it is first seen. */
  shareOf(tenant: string, weight: number): Share {
    let share = this.#shares.get(tenant);
    if (share === undefined) {
      if (this.#shares.size >= this.#sweepAt) this.#sweep();
      share = new Share(tenant, weight);
      share.spell = this.#spell;
      this.#shares.set(tenant, share);
    } else if (share.spell !== this.#spell) {
      share.spell = this.#spell;
      for (const flow of share.flows) if (flow !== null) flow.counter = 0;
    }
    share.weight = weight;
    return share;
  }

  flowOf(share: Share, band: number): Flow {
    const known = share.flows[band as 0];
    if (known !== null) return known;
    const flow = new Flow(share, band, this.lanes[band]!.rows);
    share.flows[band as 0] = flow;
    return flow;
  }

  flowIfAny(tenant: string, band: number): Flow | null {
    const share = this.#shares.get(tenant);
    return share?.spell === this.#spell ? share.flows[band as 0] : null;
  }

  enter(waiter: Waiter, shown: boolean): void {
    const { share, band } = waiter.flow;
    this.lanes[band]!.enter(waiter, shown);
    this.waiting++;
    this.#bytes += waiter.call.bytes;
    share.waiting++;
    share.bytes += waiter.call.bytes;
    this.#weigh(share);
  }

  leave(waiter: Waiter): void {
    const { share, band } = waiter.flow;
    this.lanes[band]!.leave(waiter);
    this.waiting--;
    this.#bytes -= waiter.call.bytes;
    share.waiting--;
    share.bytes -= waiter.call.bytes;
    this.#weigh(share);
    this.#rest();
  }

  /** Whether so much more would be too much. */
  full(bytes: number): boolean {
    return this.waiting >= this.rules.maxWaiting || this.#bytes + bytes > this.rules.maxBytes;
  }

  /**
   * Who leaves so that the newcomer fits: the newest of the tenant that takes up most, unless the newcomer's would then
   * take up as much; else the newest of the lowest band below its own. Null: the newcomer itself.
   */
  givesWay(call: GateCall, band: number): Waiter | null {
    const most = this.#byLoad.first();
    if (most === undefined) return null;
    const own = this.#shares.get(call.tenant);
    const load = this.#load((own?.waiting ?? 0) + 1, (own?.bytes ?? 0) + call.bytes, call.weight);
    if (most !== own && load < most.load) {
      for (let at = BANDS - 1; at >= 0; at--) {
        const newest = most.flows[at as 0]?.arrivals.newest() ?? null;
        if (newest !== null) return newest;
      }
    }
    for (let at = BANDS - 1; at > band; at--) {
      const newest = this.lanes[at]!.arrivals.newest();
      if (newest !== null) return newest;
    }
    return null;
  }

  /**
   * A tenant got a slot: its counter moves in the call's band, in that which its age has taken it from, and wherever else
   * the tenant stands in line. Answers with those bands, for `settle`.
   */
  charge(flow: Flow, raised: boolean, amount: number): number {
    const { share, band } = flow;
    share.inFlight++;
    this.inFlight++;
    if (flow.waiting === 0) this.#lift(flow);
    let bands = this.#grant(flow);
    if (raised) bands |= this.#grant(this.flowOf(share, band + 1));
    if (share.waiting > 0)
      for (const other of share.flows) if (other !== null && other.waiting > 0) bands |= 1 << other.band;
    this.#move(share, bands, amount);
    return bands;
  }

  /** The slot is given back, and what it really cost is known. */
  settle(share: Share, bands: number, amount: number): void {
    share.inFlight--;
    this.inFlight--;
    if (amount !== 0) this.#move(share, bands, amount);
    this.#rest();
  }

  /** Tenants in line. */
  *shares(): Iterable<Share> {
    yield* this.#byLoad.items;
  }

  /** Bands in which anybody of the class waits. */
  bandsInLine(): number {
    let bands = 0;
    for (let at = 0; at < BANDS; at++) if (this.lanes[at]!.waiting > 0) bands |= 1 << at;
    return bands;
  }

  /** Its tenant was idle: that has earned it nothing. */
  #lift(flow: Flow): void {
    const { virtualTime } = this.lanes[flow.band]!;
    if (flow.counter < virtualTime) flow.counter = virtualTime;
  }

  #grant(flow: Flow): number {
    const lane = this.lanes[flow.band]!;
    if (flow.counter > lane.virtualTime) lane.virtualTime = flow.counter;
    return 1 << flow.band;
  }

  #move(share: Share, bands: number, amount: number): void {
    for (let at = 0; bands !== 0; at++, bands >>= 1) {
      if ((bands & 1) === 0) continue;
      const flow = share.flows[at as 0]!;
      flow.counter += amount;
      if (flow.place >= 0) this.lanes[at]!.flows.moved(flow, flow.counter, flow.headOrder);
    }
  }

  #load(waiting: number, bytes: number, weight: number): number {
    const { maxWaiting, maxBytes } = this.rules;
    return Math.max(waiting / Math.max(maxWaiting, 1), bytes / Math.max(maxBytes, 1)) / weight;
  }

  #weigh(share: Share): void {
    if (share.waiting === 0) {
      if (share.place >= 0) this.#byLoad.remove(share);
      return;
    }
    share.load = this.#load(share.waiting, share.bytes, share.weight);
    if (share.place < 0) this.#byLoad.add(share, -share.load);
    else this.#byLoad.moved(share, -share.load);
  }

  /** With nobody in line and nobody served there is nothing to share: all start anew. */
  #rest(): void {
    if (this.inFlight === 0 && this.waiting === 0) this.#spell++;
  }

  /** Forgets idle tenants whom coming back would lift anyway. */
  #sweep(): void {
    for (const [tenant, share] of this.#shares) {
      if (share.waiting > 0 || share.inFlight > 0) continue;
      const owes = share.flows.some((flow, at) => flow !== null && flow.counter > this.lanes[at]!.virtualTime);
      if (share.spell === this.#spell && owes) continue;
      this.#shares.delete(tenant);
      for (const flow of share.flows) if (flow !== null) this.lanes[flow.band]!.rows.give(flow.row);
    }
    this.#sweepAt = Math.max(REMEMBERED, this.#shares.size * 2);
  }
}
