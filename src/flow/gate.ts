// Who gets which worker's slot next, and who waits no longer: a first-come gate with fixed limits. For router/dispatch.
import type { AttemptOutcome, Gate, GateCall, GateRefusal, Permit, Pick } from '../core/gate.ts';
import type { Clock, Timer } from '../core/runtime.ts';
import type { SlotWorker } from '../core/worker.ts';

export interface GateOptions {
  readonly clock: Clock;
  /** Calls in line at most. */
  readonly maxWaiting: number;
}

/** How many in line are looked at past a head whose eligible workers are full, so that one call cannot hold up a pool. */
const PASS_OVER = 8;
/** How often the line is looked at though no call has ended: a worker's pause ends by the clock alone. */
const LOOK_MS = 250;

interface Waiter {
  readonly call: GateCall;
  readonly pick: Pick;
  readonly sinceMs: number;
  readonly settle: (answer: Permit | GateRefusal) => void;
  timer: Timer | null;
  readonly leave: () => void;
}

class SlotPermit implements Permit {
  readonly worker: SlotWorker;
  readonly waitedMs: number;
  #closed = false;
  readonly #release: (worker: SlotWorker, outcome: AttemptOutcome) => void;

  constructor(worker: SlotWorker, waitedMs: number, release: (worker: SlotWorker, outcome: AttemptOutcome) => void) {
    this.worker = worker;
    this.waitedMs = waitedMs;
    this.#release = release;
  }

  close(outcome: AttemptOutcome): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#release(this.worker, outcome);
  }
}

/**
 * First come, first served. Invariants: `inFlight` is the sum of open permits; a worker's `inFlight` is changed here
 * alone; whoever is in line has a timer and a listener on its caller's signal; while there is a line, so has the gate.
 */
export class FifoGate implements Gate {
  inFlight = 0;
  #maxWaiting: number;
  readonly #clock: Clock;
  readonly #line = new Set<Waiter>();
  #look: Timer | null = null;
  #closed = false;

  constructor(options: GateOptions) {
    this.#clock = options.clock;
    this.#maxWaiting = options.maxWaiting;
  }

  get waiting(): number {
    return this.#line.size;
  }

  /** A reload changed the bound; who is in line already stays. */
  resize(maxWaiting: number): void {
    this.#maxWaiting = maxWaiting;
  }

  acquire(call: GateCall, pick: Pick): Permit | GateRefusal | Promise<Permit | GateRefusal> {
    if (this.#closed) return 'closed';
    if (call.signal.aborted) return 'client_gone';
    let picked = pick();
    if (picked !== 'full' && picked !== 'none' && this.#line.size > 0) {
      // A free slot belongs to the line; only what the line cannot use is a newcomer's.
      this.poke();
      picked = this.#line.size > PASS_OVER ? 'full' : pick();
    }
    if (picked === 'none') return 'none';
    if (picked !== 'full') return this.#grant(picked, 0);
    if (this.#line.size >= this.#maxWaiting) return 'queue_full';
    if (call.maxWaitMs <= 0) return 'waited';
    return this.#wait(call, pick);
  }

  poke(): void {
    let passed = 0;
    for (const waiter of this.#line) {
      const picked = waiter.pick();
      if (picked === 'full') {
        if (++passed > PASS_OVER) return;
        continue;
      }
      this.#remove(waiter);
      waiter.settle(picked === 'none' ? 'none' : this.#grant(picked, this.#clock.nowMs() - waiter.sinceMs));
    }
  }

  close(): void {
    this.#closed = true;
    for (const waiter of this.#line) {
      this.#remove(waiter);
      waiter.settle('closed');
    }
  }

  #wait(call: GateCall, pick: Pick): Promise<Permit | GateRefusal> {
    return new Promise((settle) => {
      const end = (answer: GateRefusal) => {
        this.#remove(waiter);
        settle(answer);
      };
      const waiter: Waiter = {
        call,
        pick,
        settle,
        sinceMs: this.#clock.nowMs(),
        timer: null,
        leave: () => end('client_gone'),
      };
      waiter.timer = this.#clock.after(call.maxWaitMs, () => end('waited'));
      this.#line.add(waiter);
      this.#look ??= this.#clock.after(LOOK_MS, this.#lookAgain);
      call.signal.onAbort(waiter.leave);
    });
  }

  #remove(waiter: Waiter): void {
    this.#line.delete(waiter);
    waiter.timer?.cancel();
    waiter.call.signal.offAbort(waiter.leave);
    if (this.#line.size > 0) return;
    this.#look?.cancel();
    this.#look = null;
  }

  readonly #lookAgain = (): void => {
    this.#look = this.#clock.after(LOOK_MS, this.#lookAgain);
    this.poke();
  };

  #grant(worker: SlotWorker, waitedMs: number): Permit {
    worker.inFlight++;
    this.inFlight++;
    return new SlotPermit(worker, waitedMs, this.#release);
  }

  readonly #release = (worker: SlotWorker): void => {
    worker.inFlight--;
    this.inFlight--;
    if (this.#line.size > 0) this.poke();
  };
}
