// What each tenant has spent in the windows that run now, and what is held for it. For the ledger in memory.
import {
  type HoldReply,
  type HoldRequest,
  SPEND_WINDOWS,
  type SpendWindow,
  type WindowSpend,
} from '../../core/ledger.ts';
import type { NanoUsd } from '../../core/money.ts';
import { windowEndMs, windowStartMs } from '../../core/windows.ts';

interface Account {
  readonly starts: Record<SpendWindow, number>;
  readonly spent: Record<SpendWindow, NanoUsd>;
  held: NanoUsd;
  /** Some limit has been asked of it: its sums decide something. */
  limited: boolean;
}

/** In the order of last use, so that the tenant that is forgotten first is the one that was silent longest. */
export class SpentBook {
  readonly #wallMs: () => number;
  readonly #most: number;
  readonly #accounts = new Map<string, Account>();

  /** `most`: tenants known at once. Sums of limited ones are given up last. */
  constructor(wallMs: () => number, most: number) {
    this.#wallMs = wallMs;
    this.#most = most;
  }

  charge(tenant: string, amount: NanoUsd): void {
    if (amount <= 0) return;
    const account = this.#of(tenant);
    for (const window of SPEND_WINDOWS) account.spent[window] += amount;
    account.held = Math.max(0, account.held - amount);
  }

  hold({ tenant, amount, limits }: HoldRequest): HoldReply {
    const account = this.#of(tenant);
    const windows: WindowSpend[] = [];
    for (const window of SPEND_WINDOWS) {
      const limit = limits?.[window] ?? null;
      if (limit === null) continue;
      const startMs = account.starts[window];
      windows.push({ window, limit, spent: account.spent[window], startMs, resetsMs: windowEndMs(window, startMs) });
    }
    account.limited = windows.length > 0;
    if (windows.length === 0) {
      account.held = 0;
      return { held: 0, free: Number.MAX_SAFE_INTEGER, windows };
    }
    const room = Math.max(0, Math.min(...windows.map(({ limit, spent }) => limit - spent)));
    account.held = Math.min(Math.max(0, amount), room);
    return { held: account.held, free: room - account.held, windows };
  }

  #of(tenant: string): Account {
    const nowMs = this.#wallMs();
    const known = this.#accounts.get(tenant);
    const starts = {
      hour: windowStartMs('hour', nowMs),
      day: windowStartMs('day', nowMs),
      month: windowStartMs('month', nowMs),
    };
    const account = known ?? { starts, spent: { hour: 0, day: 0, month: 0 }, held: 0, limited: false };
    for (const window of SPEND_WINDOWS) {
      if (account.starts[window] === starts[window]) continue;
      account.starts[window] = starts[window];
      account.spent[window] = 0;
    }
    this.#accounts.delete(tenant);
    this.#accounts.set(tenant, account);
    if (known === undefined && this.#accounts.size > this.#most) this.#forgetOne(tenant);
    return account;
  }

  #forgetOne(newest: string): void {
    let oldest: string | null = null;
    for (const [tenant, { limited }] of this.#accounts) {
      if (tenant === newest) continue;
      oldest ??= tenant;
      if (!limited) {
        oldest = tenant;
        break;
      }
    }
    if (oldest !== null) this.#accounts.delete(oldest);
  }
}
