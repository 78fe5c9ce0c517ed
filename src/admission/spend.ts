// Whether a tenant's money allows a call, how long the call waits for money that may come back, and what it is told. For router/dispatch.
import { RouterError } from '../core/errors.ts';
import { type NanoUsd, usdText } from '../core/money.ts';
import type { SpendLimits } from '../core/plan.ts';
import { retryAfterSeconds } from '../core/retry-after.ts';
import type { Clock, Random, Timer } from '../core/runtime.ts';
import type { CallSignal } from '../core/signal.ts';
import type { SpendBook, SpendHold, SpendRefusal } from '../core/spend.ts';
import { spentText } from './spend-text.ts';

/** Calls of one tenant that may wait for its money, and of all tenants. */
const MOST_WAITING = 256;
const MOST_WAITING_IN_ALL = 10_000;
/** Weight of the newest wait in the running mean, and the first guess at it. */
const NEWEST = 0.1;
const FIRST_WAIT_MS = 5_000;
const STORE_HINT_SECONDS = 5;

export interface SpendCall {
  readonly tenant: string;
  readonly limits: SpendLimits;
  readonly likely: NanoUsd;
  readonly most: NanoUsd;
  /** How long it may wait for what other calls hold. */
  readonly maxWaitMs: number;
  readonly signal: CallSignal;
  /** It stops as soon as the store fails: batch work. */
  readonly defers?: boolean;
}

export interface SpendMetrics {
  /** A call was refused for its cost, or would have been where limits are in dry run. */
  spendRefused(reason: SpendRefusal['reason'], tenant: string, dryRun: boolean): void;
}

export interface SpendRuleDeps {
  readonly book: SpendBook;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: SpendMetrics;
}

interface Waiter {
  readonly call: SpendCall;
  readonly sinceMs: number;
  readonly tell: (hold: SpendHold) => void;
  readonly refuse: (error: RouterError) => void;
  readonly onAbort: () => void;
  patience: Timer | null;
  over: boolean;
}

/** Of one tenant, first come first served: only the head asks. */
interface Line {
  readonly waiters: Waiter[];
  /** The head's question is with the book. */
  asking: boolean;
  leave: (() => void) | null;
}

export class SpendRule {
  readonly #deps: SpendRuleDeps;
  readonly #lines = new Map<string, Line>();
  #waiting = 0;
  #waitMs = FIRST_WAIT_MS;

  constructor(deps: SpendRuleDeps) {
    this.#deps = deps;
  }

  /** Calls that wait for money now. */
  get waiting(): number {
    return this.#waiting;
  }

  reserve(call: SpendCall): SpendHold | Promise<SpendHold> {
    if (call.signal.aborted) throw gone();
    const line = this.#lines.get(call.tenant);
    if (line !== undefined) return this.#lineUp(call, line);
    const answer = this.#deps.book.reserve(call);
    return answer instanceof Promise ? answer.then((later) => this.#taken(call, later)) : this.#taken(call, answer);
  }

  #taken(call: SpendCall, answer: SpendHold | SpendRefusal): SpendHold | Promise<SpendHold> {
    if (!answer.granted) {
      if (answer.reason !== 'held') throw this.#refusal(call, answer);
      return this.#lineUp(call, this.#lines.get(call.tenant) ?? null);
    }
    if (call.signal.aborted) {
      answer.close(0);
      throw gone();
    }
    if (answer.overrun !== null) this.#deps.metrics.spendRefused(answer.overrun, call.tenant, true);
    return answer;
  }

  #lineUp(call: SpendCall, known: Line | null): Promise<SpendHold> {
    const full = (known?.waiters.length ?? 0) >= MOST_WAITING || this.#waiting >= MOST_WAITING_IN_ALL;
    if (call.maxWaitMs <= 0 || full) throw this.#refusal(call, null);
    const line = known ?? { waiters: [], asking: false, leave: null };
    if (known === null) this.#lines.set(call.tenant, line);
    const { clock } = this.#deps;
    return new Promise<SpendHold>((tell, refuse) => {
      const waiter: Waiter = {
        call,
        sinceMs: clock.nowMs(),
        tell,
        refuse,
        onAbort: () => this.#drop(line, waiter, gone()),
        patience: null,
        over: false,
      };
      line.waiters.push(waiter);
      this.#waiting++;
      waiter.patience = clock.after(call.maxWaitMs, () => this.#drop(line, waiter, this.#refusal(call, null)));
      call.signal.onAbort(waiter.onAbort);
      this.#attend(line);
    });
  }

  /** The head waits until money comes free. */
  #attend(line: Line): void {
    const head = line.waiters[0];
    if (head === undefined || line.asking || line.leave !== null) return;
    line.leave = this.#deps.book.awaits(head.call.tenant, () => {
      line.leave = null;
      void this.#askOn(line);
    });
  }

  /** One after the other, as long as there is enough. */
  async #askOn(line: Line): Promise<void> {
    if (line.asking) return;
    line.asking = true;
    for (let head = line.waiters[0]; head !== undefined; head = line.waiters[0]) {
      const reserved = this.#deps.book.reserve(head.call);
      const answer = reserved instanceof Promise ? await reserved : reserved;
      if (head.over) {
        // It left while the store was asked.
        if (answer.granted) answer.close(0);
        continue;
      }
      if (!answer.granted && answer.reason === 'held') break;
      this.#end(line, head);
      if (!answer.granted) head.refuse(this.#refusal(head.call, answer));
      else {
        this.#waitMs += NEWEST * (this.#deps.clock.nowMs() - head.sinceMs - this.#waitMs);
        head.tell(answer);
      }
    }
    line.asking = false;
    this.#attend(line);
  }

  #drop(line: Line, waiter: Waiter, error: RouterError): void {
    if (waiter.over) return;
    const wasHead = line.waiters[0] === waiter;
    this.#end(line, waiter);
    waiter.refuse(error);
    // Who comes next may need less than the head did.
    if (wasHead && !line.asking && line.waiters.length > 0) {
      line.leave?.();
      line.leave = null;
      void this.#askOn(line);
    }
  }

  #end(line: Line, waiter: Waiter): void {
    waiter.over = true;
    waiter.patience?.cancel();
    waiter.call.signal.offAbort(waiter.onAbort);
    line.waiters.splice(line.waiters.indexOf(waiter), 1);
    this.#waiting--;
    if (line.waiters.length > 0) return;
    line.leave?.();
    line.leave = null;
    this.#lines.delete(waiter.call.tenant);
  }

  /** `answer` null: it would have to wait longer than it may, or behind too many. */
  #refusal({ tenant, limits, likely }: SpendCall, answer: SpendRefusal | null): RouterError {
    const reason = answer?.reason ?? 'held';
    this.#deps.metrics.spendRefused(reason, tenant, false);
    const window = answer?.window ?? null;
    if (reason === 'above') {
      const none = Number.POSITIVE_INFINITY;
      const limit = Math.min(limits.hour ?? none, limits.day ?? none, limits.month ?? none);
      return new RouterError(
        'above_limit',
        `This call is likely to cost ${usdText(likely)}, more than the whole limit of ${usdText(limit)} of ${tenant}.`,
      );
    }
    if (reason === 'spent' && window !== null)
      return new RouterError('project_spend_limit_exceeded', spentText(tenant, window, likely), {
        reason: 'budget',
        resetsAtMs: window.resetsMs,
      });
    if (reason === 'held')
      return new RouterError('rate_limit_exceeded', `Calls in flight may need all that ${tenant} has left to spend.`, {
        // As long as calls have waited lately.
        retryAfterSeconds: retryAfterSeconds(this.#waitMs, this.#deps.random),
      });
    return new RouterError(
      'store_unavailable',
      `The ledger cannot be reached, so nobody can tell what ${tenant} may spend.`,
      {
        retryAfterSeconds: STORE_HINT_SECONDS,
      },
    );
  }
}

function gone(): RouterError {
  return new RouterError('client_gone', 'The caller left while it waited.');
}
