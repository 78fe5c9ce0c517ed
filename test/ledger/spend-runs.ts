// Decides how callers spend a tenant's money until none is left, on one router or several, and what came of it. For tests of spend.
import type { NanoUsd } from '../../src/core/money.ts';
import type { SpendLimits } from '../../src/core/plan.ts';
import type { Log, Random } from '../../src/core/runtime.ts';
import type { SpendBook, SpendHold, SpendRefusal } from '../../src/core/spend.ts';
import { SpendAccounts } from '../../src/ledger/spend-book.ts';
import { SimulatedClock } from '../../src/simulation/clock.ts';
import { HeldMoney, LedgerDouble } from './held-money.ts';

export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };
export const usd = (amount: number): NanoUsd => Math.round(amount * 1e9);
export const perDay = (amount: NanoUsd): SpendLimits => ({
  hour: null,
  day: amount,
  month: null,
  warnAt: [],
  dryRun: false,
});

/** Mulberry32: small, seeded, good enough for tests. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Promises settle in few turns of the microtask queue: the event loop itself need not turn. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 8; turn++) await null;
};

export type MakeBook = (ledger: LedgerDouble, clock: SimulatedClock) => SpendBook;
export const realBook: MakeBook = (ledger, clock) => new SpendAccounts({ ledger: ledger as never, clock, log: SILENT });

export interface Run {
  readonly limit: NanoUsd;
  readonly spent: NanoUsd;
  /** The widest distance between what a call cost and what was likely. */
  readonly error: NanoUsd;
  /** What was left when the last caller was told that it is spent. */
  readonly left: NanoUsd;
  readonly calls: number;
  readonly waits: number;
  readonly questions: number;
  readonly peak: number;
  readonly reserved: NanoUsd;
  readonly held: NanoUsd;
  readonly charged: NanoUsd;
  readonly pending: number;
  readonly stuck: boolean;
  readonly smallest: NanoUsd;
}

const CALLERS = 64;

/** How long a call takes, what it is taken for, and what it costs. */
interface Habits {
  readonly most: () => NanoUsd;
  readonly likelyShare: () => number;
  readonly usedShare: (likelyShare: number) => number;
}

function habitsOf(random: Random, limit: NanoUsd): Habits {
  // One call's error stays below 1 % of the limit.
  const widest = limit * (0.001 + 0.009 * random());
  const narrow = random();
  const kind = Math.floor(random() * 4);
  return {
    most: () => Math.ceil(widest * (0.2 + 0.8 * random())),
    likelyShare: () => 0.03 + 0.97 * random() ** (1 + 4 * narrow),
    usedShare: (likely) => {
      if (kind === 0) return random();
      if (kind === 1) return 1;
      if (kind === 2) return Math.min(1, likely * (0.2 + random()));
      return random() < 0.2 ? 1 : likely * random();
    },
  };
}

/** 64 callers at once, each with the next call as soon as one ends, until all are told that the money is spent. */
export async function spendAll(seed: number, routers: number, make: MakeBook = realBook): Promise<Run> {
  const random = seeded(seed);
  const clock = new SimulatedClock(Date.UTC(2026, 10, 22, 9));
  const money = new HeldMoney(clock);
  const slowest = 1 + 60 * random();
  const ledgers = Array.from(
    { length: routers },
    (_, at) => new LedgerDouble(money, { router: `r${at}`, delayMs: () => slowest * random() }),
  );
  const books = ledgers.map((ledger) => make(ledger, clock));
  const limit = usd(1 + 500 * random());
  const limits = perDay(limit);
  const habits = habitsOf(random, limit);
  let [error, calls, waits, flying, peak, busy, charged, left, smallest] = [0, 0, 0, 0, 0, CALLERS, 0, limit, limit];

  const call = async (book: SpendBook, ledger: LedgerDouble): Promise<boolean> => {
    const most = habits.most();
    const share = habits.likelyShare();
    const likely = Math.ceil(most * share);
    let answer: SpendHold | SpendRefusal = await book.reserve({ tenant: 'acme', limits, likely, most });
    while (!answer.granted && answer.reason === 'held') {
      waits++;
      await new Promise<void>((freed) => book.awaits('acme', freed));
      answer = await book.reserve({ tenant: 'acme', limits, likely, most });
    }
    if (!answer.granted) {
      left = limit - (answer.window?.spent ?? 0);
      smallest = Math.min(smallest, likely);
      return false;
    }
    calls++;
    peak = Math.max(peak, ++flying);
    await new Promise<void>((done) => clock.after(5 + 2_000 * random() ** 3, done));
    flying--;
    const charge = random() < 0.05 ? 0 : Math.floor(most * habits.usedShare(share));
    error = Math.max(error, charge - likely);
    charged += charge;
    ledger.add('acme', charge);
    answer.close(charge);
    answer.close(charge);
    return true;
  };
  for (let caller = 0; caller < CALLERS; caller++) {
    const at = caller % routers;
    clock.after(1_000 * random(), async () => {
      while (await call(books[at]!, ledgers[at]!));
      busy--;
    });
  }
  const lastMs = 3_600_000;
  await clock.run(settle, () => busy === 0 || clock.nowMs() > lastMs);
  const stuck = busy > 0;
  const quietMs = clock.nowMs() + 20_000;
  let over = false;
  clock.after(20_000, () => {
    over = true;
  });
  await clock.run(settle, () => over || clock.nowMs() > quietMs);
  const reserved = books.reduce((sum, book) => sum + book.reserved, 0);
  const questions = ledgers.reduce((sum, { asked }) => sum + asked.length, 0);
  const spent = money.spent('acme');
  const held = money.held('acme');
  const { pending } = clock;
  return {
    limit,
    spent,
    error,
    left,
    calls,
    waits,
    questions,
    peak,
    reserved,
    held,
    charged,
    pending,
    stuck,
    smallest,
  };
}
