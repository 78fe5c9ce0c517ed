// Who waits for one of its own tenant's slots, in order of arrival, and until when. For admission.
import type { QuotaAnswer, QuotaRefusal, QuotaReservation } from '../core/quota.ts';
import type { Clock, Timer } from '../core/runtime.ts';
import type { CallSignal } from '../core/signal.ts';

/** Calls of one tenant that wait at most. */
export const MOST_WAITING = 256;
/** Slots may come free elsewhere, or by themselves, and nobody says so. */
const LOOK_MS = 250;
const NOTHING_USED = [0, 0, 0] as const;

export interface InLine {
  readonly signal: CallSignal;
  readonly maxWaitMs: number;
  ask(): QuotaAnswer | Promise<QuotaAnswer>;
  /** It is refused for want of a slot alone. */
  waitsOn(refusal: QuotaRefusal): boolean;
}

/** A refusal is for another reason than want of a slot. */
export type LineAnswer = QuotaReservation | QuotaRefusal | 'waited' | 'gone' | 'closed';

interface Waiter {
  readonly call: InLine;
  readonly tell: (answer: LineAnswer | Promise<never>) => void;
  readonly leave: () => void;
  timer: Timer | null;
}

/** One tenant's. */
class Line {
  readonly waiters: Waiter[] = [];
  readonly #clock: Clock;
  readonly #emptied: () => void;
  #timer: Timer | null = null;
  /** The first one's question is under way; and something has come free since. */
  #asking = false;
  #again = false;

  constructor(clock: Clock, emptied: () => void) {
    this.#clock = clock;
    this.#emptied = emptied;
  }

  join(call: InLine): Promise<LineAnswer> {
    return new Promise((tell) => {
      const waiter: Waiter = { call, tell, leave: () => this.tell(waiter, 'gone'), timer: null };
      this.waiters.push(waiter);
      waiter.timer = this.#clock.after(call.maxWaitMs, () => this.tell(waiter, 'waited'));
      if (this.#timer === null) this.#lookLater();
      call.signal.onAbort(waiter.leave);
    });
  }

  /** Whoever is told is out of the line. */
  tell(waiter: Waiter, answer: LineAnswer | Promise<never>): void {
    const at = this.waiters.indexOf(waiter);
    if (at < 0) return;
    this.waiters.splice(at, 1);
    waiter.timer?.cancel();
    waiter.call.signal.offAbort(waiter.leave);
    if (this.waiters.length === 0) {
      this.#timer?.cancel();
      this.#timer = null;
      this.#emptied();
    }
    waiter.tell(answer);
  }

  /** Asks for the first, then for the next, as long as there is room. */
  look(): void {
    if (this.#asking) {
      this.#again = true;
      return;
    }
    for (let first = this.waiters[0]; first !== undefined; first = this.waiters[0]) {
      const answer = this.#ask(first);
      if (answer instanceof Promise) {
        this.#asking = true;
        void this.#later(first, answer);
        return;
      }
      if (answer === null || this.#took(first, answer)) continue;
      return;
    }
  }

  async #later(first: Waiter, answer: Promise<QuotaAnswer>): Promise<void> {
    let goesOn = true;
    try {
      goesOn = this.#took(first, await answer);
    } catch (thrown) {
      this.tell(first, Promise.reject(thrown));
    }
    goesOn ||= this.#again;
    this.#asking = this.#again = false;
    if (goesOn) this.look();
  }

  #ask(first: Waiter): QuotaAnswer | Promise<QuotaAnswer> | null {
    try {
      return first.call.ask();
    } catch (thrown) {
      this.tell(first, Promise.reject(thrown));
      return null;
    }
  }

  /** Whether the next may be asked for. */
  #took(first: Waiter, answer: QuotaAnswer): boolean {
    if (!this.waiters.includes(first)) {
      // It has left meanwhile.
      if (answer.granted) void answer.settle(NOTHING_USED);
      return true;
    }
    if (!answer.granted && first.call.waitsOn(answer)) return false;
    this.tell(first, answer);
    return true;
  }

  #lookLater(): void {
    this.#timer = this.#clock.after(LOOK_MS, () => {
      this.#lookLater();
      this.look();
    });
  }
}

/** By the name of the bucket; a line that is empty is not kept. */
export class Lines {
  waiting = 0;
  readonly #clock: Clock;
  readonly #lines = new Map<string, Line>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls in line for slots of this bucket. */
  of(bucket: string): number {
    return this.#lines.size === 0 ? 0 : (this.#lines.get(bucket)?.waiters.length ?? 0);
  }

  /** For who was refused just now, or comes after others; fewer than may wait. */
  async join(bucket: string, call: InLine): Promise<LineAnswer> {
    let line = this.#lines.get(bucket);
    if (line === undefined) {
      line = new Line(this.#clock, () => this.#lines.delete(bucket));
      this.#lines.set(bucket, line);
    }
    this.waiting++;
    try {
      return await line.join(call);
    } finally {
      this.waiting--;
    }
  }

  /** A slot of this bucket has come free. */
  freed(bucket: string): void {
    if (this.#lines.size > 0) this.#lines.get(bucket)?.look();
  }

  /** Nobody waits on. */
  close(): void {
    for (const line of [...this.#lines.values()]) {
      for (const waiter of [...line.waiters]) line.tell(waiter, 'closed');
    }
  }
}
