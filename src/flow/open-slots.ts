// What open slots were charged, what they give back, and how long they are held. For the gate.
import type { AttemptOutcome, GateCall } from '../core/gate.ts';
import type { Clock } from '../core/runtime.ts';
import type { SlotWorker } from '../core/worker.ts';
import type { Bands } from './bands.ts';
import type { Flow } from './flow.ts';
import { HoldTimes } from './hold-times.ts';
import type { Line } from './line.ts';
import { isBusy } from './pace.ts';
import { type Release, SlotPermit } from './permit.ts';
import { Reading } from './reading.ts';

/**
 * Invariants: `inFlight` is the number of open permits; a worker's `inFlight`, `backlogTokens` and `heldTokens` are moved
 * here and by permits alone; what a grant has moved, its end moves back or settles.
 */
export class OpenSlots {
  inFlight = 0;
  readonly holdTimes = new HoldTimes();
  readonly reading: Reading;
  readonly #clock: Clock;
  readonly #bands: Bands;
  readonly #capacity: () => number;
  readonly #freed: (worker: SlotWorker, nowMs: number) => void;
  /** Whether most slots are taken, and when they ceased to be: calls that end in the same moment have all run beside each other. */
  #busy = false;
  #quietSinceMs = Number.NEGATIVE_INFINITY;
  /** Virtual tokens of open permits, and the sum of when they were granted, ms. */
  #tokens = 0;
  #startedSumMs = 0;

  /** `freed` is told of a worker whose slot was given back. */
  constructor(clock: Clock, bands: Bands, capacity: () => number, freed: (worker: SlotWorker, nowMs: number) => void) {
    this.#clock = clock;
    this.reading = new Reading(clock);
    this.#capacity = capacity;
    this.#bands = bands;
    this.#freed = freed;
  }

  /** How long those in flight have held theirs, on the average, ms. */
  meanAgeMs(nowMs: number): number {
    return this.inFlight === 0 ? 0 : nowMs - this.#startedSumMs / this.inFlight;
  }

  grant(
    call: GateCall,
    worker: SlotWorker,
    line: Line,
    flow: Flow,
    raised: boolean,
    nowMs: number,
    waitedMs: number,
  ): SlotPermit {
    const { weight, outputTokens } = call;
    // First of all, since it may throw.
    const promptTokens = call.uncachedAt(worker);
    const tokens = promptTokens + 2 * outputTokens;
    const holdMs = this.holdTimes.of(line.class) ?? 1;
    const heldTokens = call.inputTokens + outputTokens;
    // Before `inFlight`, which tells those who watch for room.
    worker.heldTokens += heldTokens;
    worker.inFlight++;
    worker.backlogTokens += promptTokens;
    this.inFlight++;
    this.#tokens += tokens;
    this.#startedSumMs += nowMs;
    this.#bands.earn(flow.band, tokens, this.#tokens);
    const classBands = this.#bands.charge(line, flow, raised, holdMs);
    const tenantBands = line.charge(flow, raised, tokens / weight);
    line.inFlightTokens += tokens;
    this.#pace(line, nowMs);
    const { share } = flow;
    const reading = call.streams ? this.reading : null;
    reading?.sent(promptTokens, nowMs);
    const startedMs = nowMs;
    // Each by name: a spread here is a copy by the slow way, for every call.
    const charge = {
      line,
      share,
      promptTokens,
      heldTokens,
      tokens,
      weight,
      tenantBands,
      classBands,
      holdMs,
      startedMs,
      reading,
    };
    return new SlotPermit(worker, waitedMs, charge, this.#release);
  }

  readonly #release: Release = ({ worker, charge }, outcome: AttemptOutcome, usedTokens: number | null): void => {
    const { line, share, tokens, weight, startedMs } = charge;
    const nowMs = this.#clock.nowMs();
    const holdMs = nowMs - startedMs;
    worker.heldTokens = Math.max(0, worker.heldTokens - charge.heldTokens);
    worker.inFlight--;
    this.inFlight--;
    this.#tokens = this.inFlight === 0 ? 0 : this.#tokens - tokens;
    this.#startedSumMs = this.inFlight === 0 ? 0 : this.#startedSumMs - startedMs;
    this.holdTimes.add(line.class, worker, holdMs);
    const unknown = outcome === 'won' || outcome === 'lost' ? tokens : 0;
    this.#bands.settle(line, charge.classBands, holdMs - charge.holdMs);
    line.settle(share, charge.tenantBands, ((usedTokens ?? unknown) - tokens) / weight);
    line.inFlightTokens = line.inFlight === 0 ? 0 : line.inFlightTokens - tokens;
    const wasBusy = this.#busy || this.#quietSinceMs === nowMs;
    this.#pace(line, nowMs);
    if (wasBusy) line.pace.ended(tokens);
    this.#freed(worker, nowMs);
  };

  /** A class has another number in flight: its pace goes on from here, and all paces where the pool has become busy or quiet. */
  #pace(line: Line, nowMs: number): void {
    const busy = isBusy(this.inFlight, this.#capacity());
    if (busy === this.#busy) return line.pace.note(nowMs, line.inFlight, busy);
    this.#busy = busy;
    if (!busy) this.#quietSinceMs = nowMs;
    for (const each of this.#bands.all) each.pace.note(nowMs, each.inFlight, busy);
  }
}
