// Decides whether a call may spend: one account per tenant, slices of money held in the store before they are spent. For router/create.
import type { HoldReply, LedgerStore, WindowSpend } from '../core/ledger.ts';
import type { NanoUsd } from '../core/money.ts';
import type { Clock, Log, Timer } from '../core/runtime.ts';
import type { SpendBook, SpendHold, SpendRefusal, SpendWish } from '../core/spend.ts';
import { RecentMap } from '../structures/recent-map.ts';
import { type StoreState, tightestOf, type Verdict } from './spend-account.ts';
import type { Backed } from './spend-in-flight.ts';
import { SpendTenant } from './spend-tenant.ts';
import { SpendWarnings } from './spend-warnings.ts';

/** One timer looks after all accounts; it runs only while there is something to look after. */
const SWEEP_MS = 1_000;
/** A slice that nobody uses goes back after so many sweeps. */
const QUIET_SWEEPS = 10;
/** How long calls go on within what is held once the store fails. */
const GRACE_MS = 60_000;
/** A store that has not answered by then counts as failing. */
const ANSWER_MS = 5_000;
const RETRY_MS = 1_000;
/** Once it raises what is held, and once more where money turned out to be short. */
const MOST_QUESTIONS = 2;
/** Accounts at rest that are remembered, and those with idle slices. */
const MOST_AT_REST = 10_000;
const MOST_LIVE = 10_000;
/** How many are looked at for each that is new while there are too many. */
const LOOK_AT = 4;

export interface SpendDeps {
  readonly ledger: Pick<LedgerStore, 'hold' | 'health'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** For calls that cost nothing or have no limit. */
const UNLIMITED: SpendHold = { granted: true, overrun: null, close() {} };

class Held implements SpendHold, Backed {
  readonly granted = true;
  place = -1;
  readonly likely: NanoUsd;
  readonly most: NanoUsd;
  readonly gap: NanoUsd;
  readonly overrun: SpendHold['overrun'];
  readonly tenant: SpendTenant;
  readonly #book: SpendAccounts;

  constructor(book: SpendAccounts, tenant: SpendTenant, { likely, most }: SpendWish, overrun: SpendHold['overrun']) {
    this.#book = book;
    this.tenant = tenant;
    this.likely = likely;
    this.most = most;
    this.gap = most - likely;
    this.overrun = overrun;
  }

  close(charge: NanoUsd): void {
    if (this.place >= 0) this.#book.end(this, charge);
  }
}

export class SpendAccounts implements SpendBook {
  readonly #deps: SpendDeps;
  /** With something in flight or held. */
  readonly #live = new Map<string, SpendTenant>();
  /** Goes round through them, so that each is looked at in turn. */
  #looking = this.#live.entries();
  readonly #atRest = new RecentMap<SpendTenant>(MOST_AT_REST);
  #timer: Timer | null = null;
  #failingMs: number | null = null;
  #closed = false;
  reserved: NanoUsd = 0;

  constructor(deps: SpendDeps) {
    this.#deps = deps;
  }

  reserve(wish: SpendWish): SpendHold | SpendRefusal | Promise<SpendHold | SpendRefusal> {
    let tenant = this.#live.get(wish.tenant);
    if (tenant === undefined || tenant.account.limits !== wish.limits) {
      if (tightestOf(wish.limits) === Number.POSITIVE_INFINITY) return UNLIMITED;
      tenant ??= this.#wake(wish);
      tenant.account.limitBy(wish.limits);
    }
    if (wish.most <= 0) return UNLIMITED;
    const { account } = tenant;
    if (this.#closed) return account.refusal('store', wish.likely);
    const nowMs = this.#deps.clock.nowMs();
    if (wish.limits.dryRun) return this.#counted(tenant, wish, nowMs);
    const state = this.#stateAt(nowMs);
    if (state !== 'answers' && wish.defers === true) return account.refusal('store', wish.likely);
    // While the store fails nobody stands behind a question that may never be answered.
    if (tenant.line.length > 0 && state === 'answers') return this.#lineUp(tenant, wish, 0);
    const mayAsk = state === 'answers' || (!account.asking && nowMs - account.askedMs >= RETRY_MS);
    let verdict = account.judge(wish, nowMs, state, mayAsk);
    let asked = 0;
    while (verdict === 'ask') {
      // A question under way may be about less than this call needs.
      if (!account.asking) {
        asked++;
        this.#ask(tenant, nowMs, wish);
      }
      if (account.asking) return this.#lineUp(tenant, wish, asked);
      verdict = account.judge(wish, nowMs, this.#stateAt(nowMs), asked < MOST_QUESTIONS && this.#failingMs === null);
    }
    return this.#answer(tenant, wish, verdict, nowMs);
  }

  awaits(name: string, freed: () => void): () => void {
    const tenant = this.#live.get(name);
    if (tenant === undefined) {
      // Nothing of it is held here, so nothing comes free here; other routers may have given back.
      const timer = this.#deps.clock.after(SWEEP_MS, freed);
      return () => timer.cancel();
    }
    tenant.freed.push(freed);
    return () => {
      const at = tenant.freed.indexOf(freed);
      if (at >= 0) tenant.freed.splice(at, 1);
    };
  }

  windows(name: string): readonly WindowSpend[] | null {
    return (this.#live.get(name) ?? this.#atRest.get(name))?.account.spending() ?? null;
  }

  /** Accounts that are known, for tests of what memory they take. */
  get size(): number {
    return this.#live.size + this.#atRest.size;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = null;
    await Promise.all([...this.#live.values()].map((tenant) => this.#giveUp(tenant)));
  }

  async #giveUp(tenant: SpendTenant): Promise<void> {
    const { account, line } = tenant;
    for (const { wish, tell } of line.splice(0)) tell(account.refusal('store', wish.likely));
    await tenant.pending;
    if (!account.holds) return;
    this.#ask(tenant, this.#deps.clock.nowMs(), null, account.flight.likely);
    await tenant.pending;
  }

  /** A call ended: `Held` alone calls this. */
  end(held: Held, charge: NanoUsd): void {
    this.reserved -= held.likely;
    held.tenant.account.give(held, charge);
    held.tenant.tellFreed();
  }

  #wake(wish: SpendWish): SpendTenant {
    const known = this.#atRest.get(wish.tenant);
    if (known !== undefined) this.#atRest.delete(wish.tenant);
    const tenant = known ?? new SpendTenant(wish);
    this.#live.set(wish.tenant, tenant);
    this.#timer ??= this.#closed ? null : this.#deps.clock.after(SWEEP_MS, () => this.#sweep());
    if (this.#live.size > MOST_LIVE) this.#thinOut();
    return tenant;
  }

  #thinOut(): void {
    for (let looked = 0; looked < LOOK_AT; looked++) {
      let next = this.#looking.next();
      if (next.done === true) {
        this.#looking = this.#live.entries();
        next = this.#looking.next();
      }
      if (next.done === true) return;
      const [name, tenant] = next.value;
      if (tenant.idle && tenant.account.holds && !tenant.account.asking)
        this.#ask(tenant, this.#deps.clock.nowMs(), null, 0);
      if (tenant.atRest) this.#rest(name, tenant);
    }
  }

  #rest(name: string, tenant: SpendTenant): void {
    this.#live.delete(name);
    this.#atRest.set(name, tenant);
  }

  #stateAt(nowMs: number): StoreState {
    if (this.#failingMs === null) return 'answers';
    return nowMs - this.#failingMs < GRACE_MS ? 'fails' : 'lost';
  }

  #counted(tenant: SpendTenant, wish: SpendWish, nowMs: number): SpendHold {
    const { account } = tenant;
    if (!account.asking && nowMs - account.askedMs >= RETRY_MS) this.#ask(tenant, nowMs, null);
    const verdict = account.judgeDry(wish);
    return this.#grant(tenant, wish, verdict === 'granted' || verdict === 'ask' ? null : verdict);
  }

  #answer(tenant: SpendTenant, wish: SpendWish, verdict: Verdict, nowMs: number): SpendHold | SpendRefusal {
    if (verdict !== 'granted') return tenant.account.refusal(verdict === 'ask' ? 'store' : verdict, wish.likely);
    const hold = this.#grant(tenant, wish, null);
    if (this.#failingMs === null && tenant.account.wantsAhead(nowMs)) this.#ask(tenant, nowMs, null);
    return hold;
  }

  #grant(tenant: SpendTenant, wish: SpendWish, overrun: SpendHold['overrun']): SpendHold {
    const held = new Held(this, tenant, wish, overrun);
    this.reserved += wish.likely;
    tenant.account.take(held);
    return held;
  }

  #lineUp(tenant: SpendTenant, wish: SpendWish, asked: number): Promise<SpendHold | SpendRefusal> {
    return new Promise((tell) => tenant.line.push({ wish, asked, tell }));
  }

  /** Asks for what is in flight, in line, and `wish`; or for `amount`, which gives back. */
  #ask(tenant: SpendTenant, nowMs: number, wish: SpendWish | null, amount: NanoUsd | null = null): void {
    const { account } = tenant;
    let likely = wish?.likely ?? 0;
    let most = wish?.most ?? 0;
    for (const waiting of tenant.line) {
      waiting.asked++;
      likely += waiting.wish.likely;
      most += waiting.wish.most;
    }
    const wanted = Math.ceil(amount ?? account.target(likely, most));
    account.asked(wanted, nowMs);
    const question = ++tenant.questions;
    const { limits } = account;
    const answered = (reply: HoldReply) => {
      if (question !== tenant.questions || !account.asking) return;
      if (limits === account.limits) this.#learn(tenant, reply);
      else account.failed();
      if (tenant.pending !== null) this.#goOn(tenant);
    };
    const failed = () => {
      if (question !== tenant.questions || !account.asking) return;
      account.failed();
      this.#fails();
      if (tenant.pending !== null) this.#goOn(tenant);
    };
    tenant.pending = null;
    try {
      const reply = this.#deps.ledger.hold({ tenant: account.tenant, amount: wanted, limits });
      if (reply instanceof Promise) tenant.pending = reply.then(answered, failed);
      else answered(reply);
    } catch {
      failed();
    }
  }

  #learn(tenant: SpendTenant, reply: HoldReply): void {
    const { account } = tenant;
    const { clock, log, ledger } = this.#deps;
    account.answered(reply, clock.nowMs(), clock.wallMs());
    const { warnAt } = account.limits;
    if (warnAt.length > 0) {
      tenant.warnings ??= new SpendWarnings();
      tenant.warnings.check(account.tenant, reply.windows, warnAt, log);
    }
    if (this.#failingMs !== null && ledger.health.ok) {
      this.#failingMs = null;
      log.info('spend_store_answers');
    }
  }

  #fails(sinceMs = this.#deps.clock.nowMs()): void {
    if (this.#failingMs !== null) return;
    this.#failingMs = sinceMs;
    this.#deps.log.warn('spend_store_fails', { goesOnMs: GRACE_MS });
  }

  /** The store has answered, or failed: those in line are let in or refused in their order. */
  #goOn(tenant: SpendTenant): void {
    const { account, line } = tenant;
    const nowMs = this.#deps.clock.nowMs();
    let short = false;
    while (line.length > 0) {
      const { wish, asked, tell } = line[0]!;
      const mayAsk = asked < MOST_QUESTIONS && this.#failingMs === null && !this.#closed;
      const verdict = account.judge(wish, nowMs, this.#stateAt(nowMs), mayAsk);
      if (verdict === 'ask') {
        this.#ask(tenant, nowMs, null);
        if (account.asking) return;
        continue;
      }
      line.shift();
      short ||= verdict === 'held';
      tell(this.#answer(tenant, wish, verdict, nowMs));
    }
    // Two routers that each keep a part of what one call needs would keep each other out.
    if (short && account.shared && !account.asking && account.slice > account.need)
      this.#ask(tenant, nowMs, null, account.need);
    tenant.tellFreed();
  }

  #sweep(): void {
    const { clock, ledger } = this.#deps;
    const nowMs = clock.nowMs();
    const { ok, failingSinceMs } = ledger.health;
    if (!ok) this.#fails(failingSinceMs ?? nowMs);
    // While the store fails, one question a sweep tells when it is back.
    let questions = this.#failingMs === null ? Number.POSITIVE_INFINITY : 1;
    for (const [name, tenant] of this.#live) {
      const { account } = tenant;
      if (account.asking) this.#patience(tenant, nowMs);
      else if (questions > 0) {
        const amount = this.#due(tenant, nowMs);
        if (amount !== null) {
          questions--;
          this.#ask(tenant, nowMs, null, amount);
        }
      }
      if (tenant.atRest) this.#rest(name, tenant);
      else tenant.tellFreed();
    }
    this.#timer = this.#live.size > 0 && !this.#closed ? clock.after(SWEEP_MS, () => this.#sweep()) : null;
  }

  /** What is to be held from now on; null: it may stay as it is. */
  #due(tenant: SpendTenant, nowMs: number): NanoUsd | null {
    const { account } = tenant;
    account.quietSweeps = account.touched || !tenant.idle ? 0 : account.quietSweeps + 1;
    account.touched = false;
    if (account.quietSweeps >= QUIET_SWEEPS && account.holds) return 0;
    if (account.rolled(nowMs) || account.wantsAhead(nowMs) || this.#failingMs !== null) return account.target(0, 0);
    return account.surplus();
  }

  #patience(tenant: SpendTenant, nowMs: number): void {
    if (nowMs - tenant.account.askedMs < ANSWER_MS) return;
    tenant.questions++;
    tenant.account.failed();
    this.#fails();
    this.#goOn(tenant);
  }
}
