// Which of all waiting calls goes first: bands by reserved share and priority, then classes, then tenants. For the gate.
import type { GateRules } from '../core/gate.ts';
import { PRIORITIES, ROUTE_CLASSES, type RouteClass } from '../core/names.ts';
import type { Flow } from './flow.ts';
import type { Lane } from './lane.ts';
import { Line } from './line.ts';
import type { Waiter } from './waiter.ts';

const BANDS = PRIORITIES.length;

interface Band {
  reserved: number;
  /** Virtual tokens that it may go first for. */
  credit: number;
  waiting: number;
  /** As a lane's, for the classes of the band. */
  virtualTime: number;
}

export class Bands {
  /** By class. */
  readonly lines: Readonly<Record<RouteClass, Line>>;
  readonly all: readonly Line[];
  readonly bands: readonly Band[];
  waiting = 0;

  constructor() {
    this.all = ROUTE_CLASSES.map((routeClass) => new Line(routeClass));
    this.lines = Object.fromEntries(this.all.map((line) => [line.class, line])) as Record<RouteClass, Line>;
    this.bands = PRIORITIES.map(() => ({ reserved: 0, credit: 0, waiting: 0, virtualTime: 0 }));
  }

  resize(rules: GateRules): void {
    for (const line of this.all) line.resize(rules.classes[line.class]);
    for (let at = 0; at < BANDS; at++) this.bands[at]!.reserved = rules.reserved[PRIORITIES[at]!];
  }

  /** Whose turn it is, among those who may be asked. */
  first(): Waiter | undefined {
    let next: Waiter | undefined;
    for (let at = 0; at < BANDS; at++) {
      const band = this.bands[at]!;
      if (band.waiting === 0 || (next !== undefined && band.credit <= 0)) continue;
      const head = this.#turn(at);
      if (head === undefined) continue;
      if (band.credit >= head.tokens && band.credit > 0) return head;
      next ??= head;
    }
    return next;
  }

  /** `shown`: it may be asked; else it is in line, but not in the order. */
  enter(line: Line, waiter: Waiter, shown = true): void {
    const at = waiter.flow.band;
    const band = this.bands[at]!;
    const lane = line.lanes[at]!;
    if (lane.waiting === lane.held) this.#lift(line, at);
    line.enter(waiter, shown);
    band.waiting++;
    this.waiting++;
  }

  /** A call that was held and is out of the order is one like all others from now on. */
  rejoin(line: Line, { flow }: Waiter): void {
    const lane = line.lanes[flow.band]!;
    if (lane.waiting === lane.held + 1) this.#lift(line, flow.band);
    if (flow.waiting === flow.held + 1) lane.lift(flow);
  }

  leave(line: Line, waiter: Waiter): void {
    const band = this.bands[waiter.flow.band]!;
    line.leave(waiter);
    this.waiting--;
    if (--band.waiting === 0) band.credit = 0;
  }

  /** Somebody got a slot worth so many virtual tokens: bands that stood in line meanwhile have earned their share of it. */
  earn(at: number, tokens: number, windowTokens: number): void {
    if (this.waiting === 0) return;
    for (let other = 0; other < BANDS; other++) {
      const band = this.bands[other]!;
      if (band.waiting === 0 || band.reserved === 0) continue;
      const most = windowTokens + (this.#lane(other)?.first()?.tokens ?? 0);
      band.credit = Math.min(band.credit + band.reserved * tokens, most);
      if (other === at) band.credit = Math.max(0, band.credit - tokens);
    }
  }

  /** A class got a slot for so long, by estimate. Answers with the bands whose counters moved, for `settle`. */
  charge(line: Line, flow: Flow, raised: boolean, holdMs: number): number {
    if (line.lanes[flow.band]!.waiting === 0) this.#lift(line, flow.band);
    let moved = this.#grant(line, flow.band);
    if (raised) moved |= this.#grant(line, flow.band + 1);
    if (line.waiting > 0) moved |= line.bandsInLine();
    this.settle(line, moved, holdMs);
    return moved;
  }

  settle(line: Line, moved: number, holdMs: number): void {
    const amount = holdMs / line.rules.share;
    for (let at = 0; moved !== 0; at++, moved >>= 1) if ((moved & 1) !== 0) line.lanes[at]!.counter += amount;
  }

  #lift(line: Line, at: number): void {
    const lane = line.lanes[at]!;
    const { virtualTime } = this.bands[at]!;
    if (lane.counter < virtualTime) lane.counter = virtualTime;
  }

  #grant(line: Line, at: number): number {
    const band = this.bands[at]!;
    const lane = line.lanes[at]!;
    if (lane.counter > band.virtualTime) band.virtualTime = lane.counter;
    return 1 << at;
  }

  /**
   * Whose turn it is in a band. Whoever came into it by age has earned a turn for the band it came from, and takes it only
   * if no class and no tenant there has had less: else a flood of old calls would be served before all that came after.
   */
  #turn(at: number): Waiter | undefined {
    const head = this.#lane(at)?.first();
    if (head === undefined || !head.raised) return head;
    const own = this.lines[head.call.class].lanes[at + 1]!;
    const best = this.#lane(at + 1);
    if (best === undefined) return head;
    const rival = best.first()!;
    const before =
      best === own ? rival.flow.counter < head.flow.share.flows[(at + 1) as 0]!.counter : best.counter < own.counter;
    return before ? rival : head;
  }

  /** The class that has had least for its share, among those of a band that may be asked. */
  #lane(at: number): Lane | undefined {
    let best: Lane | undefined;
    for (const line of this.all) {
      const lane = line.lanes[at]!;
      if (lane.isSilent) continue;
      if (best === undefined || lane.counter < best.counter) best = lane;
      else if (lane.counter === best.counter && lane.first()!.order < best.first()!.order) best = lane;
    }
    return best;
  }
}
