// Who gets which worker's slot next, and who waits no longer: the fair, bounded gate of one pool. For fleet and router.
import type { Gate, GateCall, GateRefusal, GateRules, Hold, LineStatus, Permit, Pick } from '../core/gate.ts';
import { PRIORITIES } from '../core/names.ts';
import type { Clock } from '../core/runtime.ts';
import type { SlotWorker } from '../core/worker.ts';
import { Bands } from './bands.ts';
import { Deadlines } from './deadlines.ts';
import type { Flow } from './flow.ts';
import { cautiousMs, forecast, NEWEST } from './forecast.ts';
import { Held } from './held.ts';
import { hasItsPart, type Lane } from './lane.ts';
import type { Line } from './line.ts';
import { lineStatus } from './line-status.ts';
import { OpenSlots } from './open-slots.ts';
import { Waiter } from './waiter.ts';

export interface GateOptions {
  readonly clock: Clock;
  readonly rules: GateRules;
  /** Sum of the pool's worker limits. */
  capacity(): number;
}

/** How many in line are asked in vain at one look, so that calls whose workers are full cannot hold up a pool. */
const PASS_OVER = 8;
/** How many of them may be one tenant's while others wait. */
const PASS_OVER_TENANT = 4;
/** How often the line is looked at though no call has ended: a worker's pause ends by the clock alone. */
const LOOK_MS = 250;
/** How many that are held for a worker are asked in vain then whether they still are. */
const ASKED_AGAIN = 64;

/** Down to this band a line that never gets empty is kept short: people wait in it. */
const PEOPLE = PRIORITIES.indexOf('interactive');

const NONE: GateRefusal = { refused: 'none', waitMs: null };
const CLIENT_GONE: GateRefusal = { refused: 'client_gone', waitMs: null };
const CLOSED: GateRefusal = { refused: 'closed', waitMs: null };

/**
 * Invariants: whoever is in line has a deadline and a listener on its caller's signal, and is told exactly once; between
 * looks whoever is held is out of the order, and all others are in it.
 */
export class FairGate implements Gate {
  readonly #clock: Clock;
  readonly #capacity: () => number;
  readonly #bands = new Bands();
  readonly #slots: OpenSlots;
  readonly #deadlines: Deadlines;
  readonly #held = new Held();
  /** Whom the present look has passed over, and where it asks one who is held. */
  readonly #passed: Waiter[] = [];
  readonly #offering: Lane[] = [];
  readonly #askOne = (waiter: Waiter): void => this.#ask(waiter, this.#clock.nowMs());
  #arrivals = 0;
  #closed = false;

  constructor(options: GateOptions) {
    this.#clock = options.clock;
    this.#capacity = options.capacity;
    this.#slots = new OpenSlots(options.clock, this.#bands, options.capacity, (worker, nowMs) => {
      if (this.#bands.waiting > 0) this.#look(worker, nowMs);
    });
    this.#deadlines = new Deadlines(options.clock, LOOK_MS, this.#due, () => {
      this.poke();
      this.#held.askAgain(ASKED_AGAIN, this.#askOne);
    });
    this.resize(options.rules);
  }

  get waiting(): number {
    return this.#bands.waiting;
  }

  get inFlight(): number {
    return this.#slots.inFlight;
  }

  /** A reload changed bounds or weights; who is in line already stays. */
  resize(rules: GateRules): void {
    this.#bands.resize(rules);
  }

  acquire(call: GateCall, pick: Pick): Permit | GateRefusal | Promise<Permit | GateRefusal> {
    if (this.#closed) return CLOSED;
    if (call.signal.aborted) return CLIENT_GONE;
    const nowMs = this.#clock.nowMs();
    let picked = pick(nowMs);
    if (picked === 'none') return NONE;
    const line = this.#bands.lines[call.class];
    const flow = line.flowOf(line.shareOf(call.tenant, call.weight), PRIORITIES.indexOf(call.priority));
    if (picked === 'full') {
      const other = call.hold?.other ?? null;
      const hold = other === null ? null : this.#newHold(call, line, nowMs);
      if (other === null || hold !== null) return this.#wait(call, pick, line, flow, nowMs, hold);
      picked = other;
    }
    const contested = this.#bands.waiting > this.#held.size || this.#held.count(picked) > 0;
    if (!contested) return this.#slots.grant(call, picked, line, flow, false, nowMs, 0);
    // A free slot belongs to the line, the newcomer in its place; only what the line cannot use is a newcomer's.
    const waiter = this.#waiter(call, pick, flow, nowMs);
    this.#bands.enter(line, waiter);
    this.#look(picked, nowMs);
    // What the line took of that worker's room, others may have.
    if (!waiter.told && picked.inFlight >= picked.limit) this.#look(null, nowMs);
    if (waiter.fault !== null) throw waiter.fault.thrown;
    if (waiter.answer !== null) return waiter.answer;
    const { hold } = waiter;
    this.#held.drop(waiter);
    this.#bands.leave(line, waiter);
    return this.#wait(call, pick, line, flow, nowMs, hold);
  }

  forecastMs(call: GateCall): number {
    const band = PRIORITIES.indexOf(call.priority);
    const line = this.#bands.lines[call.class];
    const nowMs = this.#clock.nowMs();
    const waitMs = corrected(this.#forecast(call, NEWEST, line, band, nowMs), line.flowIfAny(call.tenant, band), nowMs);
    // While slots are free, whoever is in line waits for one of its own, and is passed over.
    const passable = this.#bands.waiting - this.#held.size <= PASS_OVER;
    if (waitMs === null || (this.inFlight < this.#capacity() && passable)) return 0;
    return waitMs;
  }

  returnMs(call: GateCall, waitMs: number): number {
    const line = this.#bands.lines[call.class];
    const flow = line.flowOf(line.shareOf(call.tenant, call.weight), PRIORITIES.indexOf(call.priority));
    // Those of all tenants in line come in turn.
    const tenants = Math.max(1, line.lanes[flow.band]!.standing.length);
    return flow.returns.next(this.#clock.nowMs(), waitMs, tenants * this.#slotMs());
  }

  poke(): void {
    if (this.#bands.waiting === 0) return;
    const nowMs = this.#clock.nowMs();
    for (const worker of this.#held.roomy()) this.#look(worker, nowMs);
    this.#look(null, nowMs);
  }

  close(): void {
    this.#closed = true;
    for (const { waiter } of this.#deadlines.all()) this.#refuse(waiter, CLOSED);
  }

  lines(): readonly LineStatus[] {
    return lineStatus(this.#bands, this.#clock.nowMs());
  }

  /** Whoever is held has room elsewhere, so neither a forecast nor a full line refuses it. */
  #wait(
    call: GateCall,
    pick: Pick,
    line: Line,
    flow: Flow,
    nowMs: number,
    hold: Hold | null,
  ): GateRefusal | Promise<Permit | GateRefusal> {
    const waiter = this.#waiter(call, pick, flow, nowMs);
    if (hold === null) {
      waiter.forecastMs = this.#forecast(call, NEWEST, line, flow.band, nowMs);
      const refusal = this.#turnedAway(call, line, flow, waiter.forecastMs, nowMs);
      if (refusal !== null) return refusal;
    }
    const kept = hold ?? this.#newAside(call, nowMs);
    this.#bands.enter(line, waiter, kept === null);
    if (kept !== null) this.#held.hold(waiter, kept, this.#laneOf(waiter));
    this.#deadlines.add(waiter, nowMs);
    waiter.leave = () => this.#refuse(waiter, CLIENT_GONE);
    call.signal.onAbort(waiter.leave);
    return waiter.later();
  }

  /** Why a newcomer may not wait; null: there is a place for it in line. */
  #turnedAway(call: GateCall, line: Line, flow: Flow, forecastMs: number | null, nowMs: number): GateRefusal | null {
    const waitMs = corrected(forecastMs, flow, nowMs);
    if (call.maxWaitMs <= 0) return { refused: 'waited', waitMs };
    const lane = line.lanes[flow.band]!;
    const { longestWaitMs } = line.rules;
    if (lane.waiting === lane.held) lane.crowding.begins(nowMs, longestWaitMs);
    const { reading } = this.#slots;
    if (forecastMs === null || waitMs === null) {
      // No call has ended yet, but how fast prompts are read may be known.
      const readMs = reading.leftMs(lane.tokens);
      if (readMs > call.maxWaitMs) return { refused: 'forecast', waitMs: readMs };
    } else {
      const slotMs = this.#slotMs();
      const short =
        flow.band <= PEOPLE && hasItsPart(flow, lane) && waitMs > lane.crowding.mayWaitMs(nowMs, longestWaitMs, slotMs);
      if (short || cautiousMs(Math.max(forecastMs, waitMs), slotMs, reading.leftMs()) > call.maxWaitMs) {
        lane.crowding.refused(nowMs, short);
        return { refused: 'forecast', waitMs };
      }
    }
    while (line.full(call.bytes)) {
      const loser = line.givesWay(call, flow.band);
      lane.crowding.refused(nowMs, false);
      if (loser === null) return { refused: 'queue_full', waitMs };
      // Whoever was set aside where nobody had room counts in line as all others do.
      if (loser.hold !== null && !loser.isAside) this.#ask(loser, nowMs, false);
      if (!loser.told) this.#refuseLater(loser, 'queue_full', nowMs);
    }
    return null;
  }

  /** Mean time between two slots that come free while all are taken, ms. */
  #slotMs(): number {
    return (this.#slots.holdTimes.ofAll() ?? 0) / Math.max(1, this.#capacity());
  }

  /** What a newcomer's pick has said, if there is a place in line for it and the wait is worth it. */
  #newHold(call: GateCall, line: Line, nowMs: number): Hold | null {
    const { hold } = call;
    if (hold === null || line.full(call.bytes)) return null;
    return this.#isWorth(hold, null, nowMs + call.maxWaitMs, nowMs) ? hold : null;
  }

  /** The same where nobody has room, so that it need not be asked only to say so when others have. */
  #newAside({ hold, maxWaitMs }: GateCall, nowMs: number): Hold | null {
    return hold?.other === null && this.#isWorth(hold, null, nowMs + maxWaitMs, nowMs) ? hold : null;
  }

  /** Whether a hold is worth its wait. Whoever is held for that worker already is so until the hold is over. */
  #isWorth({ worker, untilMs }: Hold, before: Hold | null, deadlineMs: number, nowMs: number): boolean {
    let waitMs = 0;
    const ahead = before?.worker === worker ? 0 : this.#held.count(worker);
    if (ahead > 0) waitMs = (ahead * this.#slots.holdTimes.at(worker)) / worker.limit;
    return nowMs + waitMs < Math.min(untilMs, deadlineMs);
  }

  #waiter(call: GateCall, pick: Pick, flow: Flow, nowMs: number): Waiter {
    const tokens = call.uncachedAt(null) + 2 * call.outputTokens;
    return new Waiter(call, pick, flow, nowMs, this.#arrivals++, tokens);
  }

  /** Asks those in line in order. With a worker given: those who are held for it, too, and until it has no more room. */
  #look(freed: SlotWorker | null, nowMs: number): void {
    const passed = this.#passed;
    if (freed !== null) this.#offer(freed);
    for (let waiter = this.#bands.first(); waiter !== undefined; waiter = this.#bands.first()) {
      const { hold } = waiter;
      this.#ask(waiter, nowMs);
      if (passed.length > PASS_OVER) break;
      if (freed === null) continue;
      const served = waiter.answer !== null && !('refused' in waiter.answer);
      if (served && freed.inFlight >= freed.limit) break;
      // Another may be first now.
      if (served || hold !== null) this.#offer(freed);
    }
    for (const waiter of passed) {
      waiter.flow.passed = 0;
      this.#laneOf(waiter).show(waiter);
    }
    passed.length = 0;
    this.#offer(null);
    // Nobody else wants the slot: perhaps one of those who would rather have another.
    if (freed !== null && freed.inFlight < freed.limit) this.#held.askAside(PASS_OVER, this.#askOne);
  }

  /** Lets those who are held for a worker that has room be asked in their turn: the first of each lane, for the others come after. */
  #offer(worker: SlotWorker | null): void {
    const offering = this.#offering;
    for (const lane of offering) lane.offered = null;
    offering.length = 0;
    if (worker !== null && worker.inFlight < worker.limit) this.#held.offer(worker, offering);
  }

  /** One whose turn it is, or that is held and may have another mind by now. */
  #ask(waiter: Waiter, nowMs: number, mayHold = true): void {
    try {
      const { call } = waiter;
      let picked = waiter.pick(nowMs);
      if (picked === 'full' && call.hold !== null) {
        // A newcomer has its place in line yet to find.
        const { hold } = call;
        const fits = waiter.due !== null || !this.#lineOf(waiter).full(call.bytes);
        // Whoever is in the order stays there while nobody has room.
        const may = mayHold && fits && (hold.other !== null || waiter.hold !== null);
        if (may && this.#isWorth(hold, waiter.hold, waiter.deadlineMs, nowMs)) return this.#hold(waiter, hold, nowMs);
        picked = hold.other ?? 'full';
      }
      if (picked === 'none') this.#refuse(waiter, NONE);
      else if (picked === 'full') this.#pass(waiter, nowMs);
      else this.#serve(waiter, picked, nowMs);
    } catch (thrown) {
      this.#remove(waiter);
      waiter.fail(thrown);
    }
  }

  #hold(waiter: Waiter, hold: Hold, nowMs: number): void {
    // From now on it waits by its own choice: that teaches nothing of the line.
    if (hold.other !== null) waiter.forecastMs = null;
    this.#held.hold(waiter, hold, this.#laneOf(waiter));
    this.#deadlines.move(waiter, nowMs);
  }

  #pass(waiter: Waiter, nowMs: number): void {
    const { call, flow } = waiter;
    if (call.overdue) return;
    const lane = this.#laneOf(waiter);
    if (waiter.hold !== null) {
      const stood = waiter.isAside;
      this.#held.drop(waiter);
      if (!stood) this.#bands.rejoin(this.#lineOf(waiter), waiter);
      this.#deadlines.move(waiter, nowMs);
      // Asked out of turn: it is in no look that would show it again.
      if (lane.offered !== waiter) return lane.show(waiter);
    } else lane.hide(waiter);
    this.#passed.push(waiter);
    if (++flow.passed >= PASS_OVER_TENANT && lane.flows.size > 1) lane.setAside(flow);
  }

  #serve(waiter: Waiter, worker: SlotWorker, nowMs: number): void {
    const { call, flow, raised, sinceMs } = waiter;
    // Charged while it still stands in line: its tenant has not been idle.
    const permit = this.#slots.grant(call, worker, this.#lineOf(waiter), flow, raised, nowMs, nowMs - sinceMs);
    this.#learn(waiter, nowMs);
    this.#remove(waiter);
    waiter.settle(permit);
  }

  /** Half its wait is over, or all of it, or what it was held for is no longer worth it. */
  readonly #due = (waiter: Waiter, nowMs: number): void => {
    if (nowMs >= waiter.deadlineMs) return this.#deadline(waiter, nowMs);
    if (nowMs >= waiter.raiseMs) this.#raise(waiter);
    if (waiter.hold !== null && nowMs >= waiter.hold.untilMs) this.#ask(waiter, nowMs);
    this.#deadlines.move(waiter, nowMs);
  };

  #deadline(waiter: Waiter, nowMs: number): void {
    const { call, order, flow } = waiter;
    if (waiter.hold !== null) this.#ask(waiter, nowMs, false);
    // Whose tenant is next takes no place from another's.
    call.overdue = !waiter.told && this.#bands.first()?.flow === flow;
    if (call.overdue) this.#ask(waiter, nowMs, false);
    if (waiter.told) return;
    this.#learn(waiter, nowMs, this.#forecast(call, order, this.#lineOf(waiter), flow.band, nowMs) ?? 0);
    this.#refuseLater(waiter, 'waited', nowMs);
  }

  #raise(waiter: Waiter): void {
    const line = this.#lineOf(waiter);
    this.#held.takeOut(waiter);
    this.#bands.leave(line, waiter);
    waiter.raised = true;
    waiter.flow = line.flowOf(waiter.flow.share, waiter.flow.band - 1);
    this.#bands.enter(line, waiter);
    this.#held.putBack(waiter, this.#laneOf(waiter));
  }

  /** Whoever waited in vain would have waited `restMs` more. */
  #learn({ forecastMs, home, sinceMs }: Waiter, nowMs: number, restMs = 0): void {
    if (forecastMs !== null) home.correction.add(forecastMs, nowMs - sinceMs + restMs, nowMs);
  }

  #refuse(waiter: Waiter, refusal: GateRefusal): void {
    this.#remove(waiter);
    waiter.settle(refusal);
  }

  /** With word of when it would be its turn if it came again. */
  #refuseLater(waiter: Waiter, refused: 'queue_full' | 'waited', nowMs: number): void {
    this.#remove(waiter);
    const { call, home } = waiter;
    const forecastMs = this.#forecast(call, NEWEST, this.#lineOf(waiter), home.band, nowMs);
    waiter.settle({ refused, waitMs: corrected(forecastMs, home, nowMs) });
  }

  #remove(waiter: Waiter): void {
    this.#held.drop(waiter);
    this.#bands.leave(this.#lineOf(waiter), waiter);
    this.#deadlines.remove(waiter);
    if (waiter.leave !== null) waiter.call.signal.offAbort(waiter.leave);
  }

  #lineOf(waiter: Waiter): Line {
    return this.#bands.lines[waiter.call.class];
  }

  #laneOf(waiter: Waiter): Lane {
    return this.#lineOf(waiter).lanes[waiter.flow.band]!;
  }

  #forecast(call: GateCall, order: number, line: Line, band: number, nowMs: number): number | null {
    return forecast(this.#bands, line, band, call, order, this.#slots.holdTimes, {
      capacity: this.#capacity(),
      inFlight: this.inFlight,
      nowMs,
      meanAgeMs: this.#slots.meanAgeMs(nowMs),
    });
  }
}

/** A forecast in the light of how true the tenant's last ones were. */
function corrected(forecastMs: number | null, flow: Flow | null, nowMs: number): number | null {
  return forecastMs === null || flow === null ? forecastMs : forecastMs * flow.correction.factor(nowMs);
}
