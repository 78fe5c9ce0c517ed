// Who waits for one tenant's money: calls that the store is asked for, in order, and those that wait until others end. For spend-book.
import type { SpendHold, SpendRefusal, SpendWish } from '../core/spend.ts';
import { SpendAccount } from './spend-account.ts';
import type { SpendWarnings } from './spend-warnings.ts';

export interface WaitingWish {
  readonly wish: SpendWish;
  /** How often the store was asked for it. */
  asked: number;
  tell(answer: SpendHold | SpendRefusal): void;
}

export class SpendTenant {
  readonly account: SpendAccount;
  /** Made once there is something to warn of. */
  warnings: SpendWarnings | null = null;
  /** In order of arrival. */
  readonly line: WaitingWish[] = [];
  /** To be told when money comes free. */
  freed: (() => void)[] = [];
  /** Counts questions, so that an answer that comes after it was given up is known. */
  questions = 0;
  pending: Promise<void> | null = null;
  #telling = false;

  constructor(wish: SpendWish) {
    this.account = new SpendAccount(wish.tenant, wish.limits);
  }

  get idle(): boolean {
    return this.account.flight.size === 0 && this.line.length === 0;
  }

  /** Nothing would be lost but what the store said last. */
  get atRest(): boolean {
    const { account } = this;
    return this.idle && !account.asking && !account.holds && this.freed.length === 0;
  }

  /** In a turn of its own: a record that is added right after a call's end is then known to the store before it is asked. */
  tellFreed(): void {
    if (this.#telling || this.freed.length === 0) return;
    this.#telling = true;
    queueMicrotask(() => {
      this.#telling = false;
      const { freed } = this;
      this.freed = [];
      for (const tell of freed) tell();
    });
  }
}
