// Decides what a ledger would answer that keeps money for several routers: in order, late, or not at all. For tests of spend.
import {
  type HoldReply,
  type HoldRequest,
  type LedgerHealth,
  SPEND_WINDOWS,
  type WindowSpend,
} from '../../src/core/ledger.ts';
import type { NanoUsd } from '../../src/core/money.ts';
import type { SpendLimits } from '../../src/core/plan.ts';
import type { Clock } from '../../src/core/runtime.ts';
import { StoreFault } from '../../src/core/store.ts';

interface Kept {
  /** Charges with their times by the store's clock. */
  readonly spent: { readonly atMs: number; readonly charge: NanoUsd }[];
  /** By router. */
  readonly held: Map<string, NanoUsd>;
}

/** What all routers share. */
export class HeldMoney {
  readonly tenants = new Map<string, Kept>();
  readonly clock: Clock;
  /** How far the store's clock is ahead of the routers'. */
  skewMs = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  of(tenant: string): Kept {
    let kept = this.tenants.get(tenant);
    if (kept === undefined) {
      kept = { spent: [], held: new Map() };
      this.tenants.set(tenant, kept);
    }
    return kept;
  }

  spent(tenant: string, fromMs = 0): NanoUsd {
    return this.of(tenant).spent.reduce((sum, { atMs, charge }) => sum + (atMs >= fromMs ? charge : 0), 0);
  }

  held(tenant: string): NanoUsd {
    return [...this.of(tenant).held.values()].reduce((sum, held) => sum + held, 0);
  }

  windows(tenant: string, limits: SpendLimits): WindowSpend[] {
    const now = new Date(this.clock.wallMs() + this.skewMs);
    return SPEND_WINDOWS.flatMap((window) => {
      const limit = limits[window];
      if (limit === null) return [];
      const [year, month, day, hour] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), now.getUTCHours()];
      const at = { hour: [day, hour], day: [day, 0], month: [1, 0] }[window] as [number, number];
      const next = { hour: [month, day, hour + 1], day: [month, day + 1, 0], month: [month + 1, 1, 0] }[window];
      const startMs = Date.UTC(year, month, ...at);
      const resetsMs = Date.UTC(year, ...(next as [number, number, number]));
      return [{ window, limit, spent: this.spent(tenant, startMs), startMs, resetsMs }];
    });
  }
}

export interface LedgerOptions {
  readonly router?: string;
  /** Until a question or a record is at work in the store, and until the answer is back; null: at once, without a promise. */
  readonly delayMs?: (() => number) | null;
}

/** One router's way to it: questions and records are worked off in the order in which they came. */
export class LedgerDouble {
  readonly #money: HeldMoney;
  readonly #router: string;
  readonly #delayMs: (() => number) | null;
  #freeMs = 0;
  readonly asked: HoldRequest[] = [];
  fails = false;
  hangs = false;
  health: LedgerHealth = { ok: true, failingSinceMs: null, waiting: 0, lost: 0 };

  constructor(money: HeldMoney, { router = 'one', delayMs = null }: LedgerOptions = {}) {
    this.#money = money;
    this.#router = router;
    this.#delayMs = delayMs;
  }

  add(tenant: string, charge: NanoUsd): void {
    this.#inOrder(() => {
      const kept = this.#money.of(tenant);
      kept.spent.push({ atMs: this.#money.clock.wallMs() + this.#money.skewMs, charge });
      kept.held.set(this.#router, Math.max(0, (kept.held.get(this.#router) ?? 0) - charge));
    });
  }

  hold(request: HoldRequest): HoldReply | Promise<HoldReply> {
    this.asked.push(request);
    if (this.hangs) return new Promise(() => {});
    if (this.fails) {
      const fault = new StoreFault('unavailable', 'no disk');
      if (this.#delayMs === null) throw fault;
      return Promise.reject(fault);
    }
    if (this.#delayMs === null) return this.#kept(request);
    return new Promise((tell) => {
      this.#inOrder(() => {
        const reply = this.#kept(request);
        this.#money.clock.after(this.#delayMs!(), () => tell(reply));
      });
    });
  }

  #inOrder(work: () => void): void {
    if (this.#delayMs === null) return work();
    const { clock } = this.#money;
    this.#freeMs = Math.max(this.#freeMs, clock.nowMs() + this.#delayMs());
    clock.after(this.#freeMs - clock.nowMs(), work);
  }

  #kept({ tenant, amount, limits }: HoldRequest): HoldReply {
    const { held } = this.#money.of(tenant);
    if (limits === null) return { held: 0, free: 0, windows: [] };
    const windows = this.#money.windows(tenant, limits);
    const before = held.get(this.#router) ?? 0;
    const left = Math.min(...windows.map(({ limit, spent }) => limit - spent)) - (this.#money.held(tenant) - before);
    const now = Math.max(0, Math.min(amount, left));
    held.set(this.#router, now);
    return { held: now, free: Math.max(0, left - now), windows };
  }
}
