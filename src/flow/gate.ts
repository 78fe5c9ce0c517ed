// Who gets which worker's slot next, and who waits no longer: the fair, bounded gate of one pool. For fleet and router.
import type { AttemptOutcome, Gate, GateCall, GateRefusal, GateRules, LineStatus, Permit, Pick } from '../core/gate.ts';
import { PRIORITIES } from '../core/names.ts';
import type { Clock } from '../core/runtime.ts';
import type { SlotWorker } from '../core/worker.ts';
import { Bands } from './bands.ts';
import { Deadlines } from './deadlines.ts';
import type { Flow } from './flow.ts';
import { forecast, NEWEST } from './forecast.ts';
import { HoldTimes } from './hold-times.ts';
import type { Line } from './line.ts';
import { lineStatus } from './line-status.ts';
import { type Release, SlotPermit } from './permit.ts';
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

/** A call may wait if even so much more than its forecast is within its longest wait: to wait in vain is worse than to go. */
const MARGIN = 1.2;

const NONE: GateRefusal = { refused: 'none', waitMs: null };
const CLIENT_GONE: GateRefusal = { refused: 'client_gone', waitMs: null };
const CLOSED: GateRefusal = { refused: 'closed', waitMs: null };

/**
 * Invariants: `inFlight` is the number of open permits; a worker's `inFlight` and `backlogTokens` are moved here alone;
 * whoever is in line has a deadline and a listener on its caller's signal, and is told exactly once.
 */
export class FairGate implements Gate {
  inFlight = 0;
  readonly #clock: Clock;
  readonly #capacity: () => number;
  readonly #bands = new Bands();
  readonly #holds = new HoldTimes();
  readonly #deadlines: Deadlines;
  /** Whom the present look has passed over. */
  readonly #passed: Waiter[] = [];
  #arrivals = 0;
  /** Virtual tokens of open permits, and the sum of when they were granted, ms. */
  #tokensInFlight = 0;
  #startedSumMs = 0;
  #closed = false;

  constructor(options: GateOptions) {
    this.#clock = options.clock;
    this.#capacity = options.capacity;
    this.#deadlines = new Deadlines(options.clock, LOOK_MS, this.#due, () => this.#look(null));
    this.resize(options.rules);
  }

  get waiting(): number {
    return this.#bands.waiting;
  }

  /** A reload changed bounds or weights; who is in line already stays. */
  resize(rules: GateRules): void {
    this.#bands.resize(rules);
  }

  acquire(call: GateCall, pick: Pick): Permit | GateRefusal | Promise<Permit | GateRefusal> {
    if (this.#closed) return CLOSED;
    if (call.signal.aborted) return CLIENT_GONE;
    const picked = pick();
    if (picked === 'none') return NONE;
    const line = this.#bands.lines[call.class];
    const band = PRIORITIES.indexOf(call.priority);
    const flow = line.flowOf(line.shareOf(call.tenant, call.weight), band);
    const nowMs = this.#clock.nowMs();
    if (picked === 'full') return this.#wait(call, pick, line, flow, nowMs);
    if (this.#bands.waiting === 0) return this.#grant(call, picked, line, flow, false, nowMs, 0);
    // A free slot belongs to the line, the newcomer in its place; only what the line cannot use is a newcomer's.
    const waiter = this.#waiter(call, pick, flow, nowMs);
    this.#bands.enter(line, waiter);
    this.#look(null);
    if (waiter.answer !== null) return waiter.answer;
    this.#bands.leave(line, waiter);
    return this.#wait(call, pick, line, flow, nowMs);
  }

  forecastMs(call: GateCall): number {
    const band = PRIORITIES.indexOf(call.priority);
    const line = this.#bands.lines[call.class];
    const nowMs = this.#clock.nowMs();
    const waitMs = corrected(this.#forecast(call, NEWEST, line, band, nowMs), line.flowIfAny(call.tenant, band), nowMs);
    // While slots are free, whoever is in line waits for one of its own, and is passed over.
    if (waitMs === null || (this.inFlight < this.#capacity() && this.#bands.waiting <= PASS_OVER)) return 0;
    return waitMs;
  }

  poke(): void {
    if (this.#bands.waiting > 0) this.#look(null);
  }

  close(): void {
    this.#closed = true;
    for (const { waiter } of this.#deadlines.all()) this.#refuse(waiter, CLOSED);
  }

  lines(): readonly LineStatus[] {
    return lineStatus(this.#bands, this.#clock.nowMs());
  }

  #wait(
    call: GateCall,
    pick: Pick,
    line: Line,
    flow: Flow,
    nowMs: number,
  ): Permit | GateRefusal | Promise<Permit | GateRefusal> {
    const forecastMs = this.#forecast(call, NEWEST, line, flow.band, nowMs);
    const waitMs = corrected(forecastMs, flow, nowMs);
    if (call.maxWaitMs <= 0) return { refused: 'waited', waitMs };
    if (waitMs !== null && waitMs * MARGIN > call.maxWaitMs) return { refused: 'forecast', waitMs };
    while (line.full(call.bytes)) {
      const loser = line.givesWay(call, flow.band);
      if (loser === null) return { refused: 'queue_full', waitMs };
      this.#refuseLater(loser, 'queue_full', nowMs);
    }
    const waiter = this.#waiter(call, pick, flow, nowMs);
    waiter.forecastMs = forecastMs;
    this.#bands.enter(line, waiter);
    // The highest band has none above it to rise to.
    this.#deadlines.add(waiter, nowMs + (flow.band === 0 ? call.maxWaitMs : call.maxWaitMs / 2), nowMs);
    waiter.leave = () => this.#refuse(waiter, CLIENT_GONE);
    call.signal.onAbort(waiter.leave);
    return waiter.later();
  }

  #waiter(call: GateCall, pick: Pick, flow: Flow, nowMs: number): Waiter {
    const tokens = call.uncachedAt(null) + 2 * call.outputTokens;
    return new Waiter(call, pick, flow, nowMs, this.#arrivals++, tokens);
  }

  /** Asks those in line in order. With a worker given: until it has no more room, as only its room is new. */
  #look(freed: SlotWorker | null): void {
    const passed = this.#passed;
    for (let waiter = this.#bands.first(); waiter !== undefined; waiter = this.#bands.first()) {
      const picked = waiter.pick();
      if (picked === 'full') {
        this.#pass(waiter);
        if (passed.length > PASS_OVER) break;
      } else if (picked === 'none') this.#refuse(waiter, NONE);
      else {
        this.#serve(waiter, picked);
        if (freed !== null && freed.inFlight >= freed.limit) break;
      }
    }
    for (const waiter of passed) {
      waiter.flow.passed = 0;
      this.#lineOf(waiter).lanes[waiter.flow.band]!.show(waiter);
    }
    passed.length = 0;
  }

  #pass(waiter: Waiter): void {
    const { flow } = waiter;
    const lane = this.#lineOf(waiter).lanes[flow.band]!;
    lane.hide(waiter);
    this.#passed.push(waiter);
    if (++flow.passed >= PASS_OVER_TENANT && lane.flows.size > 1) lane.setAside(flow);
  }

  #serve(waiter: Waiter, worker: SlotWorker): void {
    const nowMs = this.#clock.nowMs();
    const { call, flow, raised, sinceMs } = waiter;
    // Charged while it still stands in line: its tenant has not been idle.
    const permit = this.#grant(call, worker, this.#lineOf(waiter), flow, raised, nowMs, nowMs - sinceMs);
    this.#learn(waiter, nowMs);
    this.#remove(waiter);
    waiter.settle(permit);
  }

  #grant(
    call: GateCall,
    worker: SlotWorker,
    line: Line,
    flow: Flow,
    raised: boolean,
    nowMs: number,
    waitedMs: number,
  ): SlotPermit {
    const { weight, outputTokens } = call;
    const promptTokens = call.uncachedAt(worker);
    const tokens = promptTokens + 2 * outputTokens;
    const holdMs = this.#holds.of(line.class) ?? 1;
    worker.inFlight++;
    worker.backlogTokens += promptTokens;
    this.inFlight++;
    this.#tokensInFlight += tokens;
    this.#startedSumMs += nowMs;
    this.#bands.earn(flow.band, tokens, this.#tokensInFlight);
    const classBands = this.#bands.charge(line, flow, raised, holdMs);
    const tenantBands = line.charge(flow, raised, tokens / weight);
    const { share } = flow;
    const charge = { line, share, promptTokens, tokens, weight, tenantBands, classBands, holdMs, startedMs: nowMs };
    return new SlotPermit(worker, waitedMs, charge, this.#release);
  }

  readonly #release: Release = ({ worker, charge }, outcome: AttemptOutcome, usedTokens: number | null): void => {
    const { line, share, tokens, weight, startedMs } = charge;
    const holdMs = this.#clock.nowMs() - startedMs;
    worker.inFlight--;
    this.inFlight--;
    this.#tokensInFlight = this.inFlight === 0 ? 0 : this.#tokensInFlight - tokens;
    this.#startedSumMs = this.inFlight === 0 ? 0 : this.#startedSumMs - startedMs;
    this.#holds.add(line.class, holdMs);
    const unknown = outcome === 'won' || outcome === 'lost' ? tokens : 0;
    this.#bands.settle(line, charge.classBands, holdMs - charge.holdMs);
    line.settle(share, charge.tenantBands, ((usedTokens ?? unknown) - tokens) / weight);
    if (this.#bands.waiting > 0) this.#look(worker);
  };

  /** Half its wait is over, or all of it. */
  readonly #due = (waiter: Waiter, nowMs: number): void => {
    const untilMs = waiter.sinceMs + waiter.call.maxWaitMs;
    const line = this.#lineOf(waiter);
    if (nowMs >= untilMs) {
      const { call, order, flow } = waiter;
      this.#learn(waiter, nowMs, this.#forecast(call, order, line, flow.band, nowMs) ?? 0);
      this.#refuseLater(waiter, 'waited', nowMs);
      return;
    }
    this.#bands.leave(line, waiter);
    waiter.raised = true;
    waiter.flow = line.flowOf(waiter.flow.share, waiter.flow.band - 1);
    this.#bands.enter(line, waiter);
    this.#deadlines.postpone(waiter, untilMs);
  };

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
    this.#bands.leave(this.#lineOf(waiter), waiter);
    this.#deadlines.remove(waiter);
    if (waiter.leave !== null) waiter.call.signal.offAbort(waiter.leave);
  }

  #lineOf(waiter: Waiter): Line {
    return this.#bands.lines[waiter.call.class];
  }

  #forecast(call: GateCall, order: number, line: Line, band: number, nowMs: number): number | null {
    const meanAgeMs = this.inFlight === 0 ? 0 : nowMs - this.#startedSumMs / this.inFlight;
    return forecast(this.#bands, line, band, call, order, this.#holds, {
      capacity: this.#capacity(),
      inFlight: this.inFlight,
      meanAgeMs,
    });
  }
}

/** A forecast in the light of how true the tenant's last ones were. */
function corrected(forecastMs: number | null, flow: Flow | null, nowMs: number): number | null {
  return forecastMs === null || flow === null ? forecastMs : forecastMs * flow.correction.factor(nowMs);
}
