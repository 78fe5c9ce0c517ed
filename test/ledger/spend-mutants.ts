// Books with one fault each, to show that the properties of spend limits see it. For the tests of those properties.
import type { HoldReply, HoldRequest } from '../../src/core/ledger.ts';
import type { SpendBook, SpendHold, SpendRefusal } from '../../src/core/spend.ts';
import type { LedgerDouble } from './held-money.ts';
import { type MakeBook, realBook } from './spend-runs.ts';

type Answer = SpendHold | SpendRefusal;

/** A book whose wishes and holds are changed on their way in and out. */
function around(
  book: SpendBook,
  wish: (wish: Parameters<SpendBook['reserve']>[0]) => Parameters<SpendBook['reserve']>[0],
  map: (answer: Answer) => Answer = (answer) => answer,
): SpendBook {
  return {
    reserve(asked) {
      const answer = book.reserve(wish(asked));
      return answer instanceof Promise ? answer.then(map) : map(answer);
    },
    awaits: (tenant, freed) => book.awaits(tenant, freed),
    windows: (tenant) => book.windows(tenant),
    close: () => book.close(),
    get reserved() {
      return book.reserved;
    },
  };
}

/** A ledger whose questions are changed on their way. */
function asking(ledger: LedgerDouble, hold: (request: HoldRequest) => HoldReply | Promise<HoldReply>): LedgerDouble {
  return { hold, health: ledger.health, asked: ledger.asked } as unknown as LedgerDouble;
}

/** Calls are let in as long as anything is left; only what they cost in the end is counted. */
export const reservesNothing: MakeBook = (ledger, clock) =>
  around(realBook(ledger, clock), (wish) => ({ ...wish, likely: 1, most: 1 }));

/** The most a call can cost is taken to be what it is likely to cost. */
export const backsNothing: MakeBook = (ledger, clock) =>
  around(realBook(ledger, clock), (wish) => ({ ...wish, most: wish.likely }));

/** What was held once stays held. */
export const keepsAll: MakeBook = (ledger, clock) => {
  let most = 0;
  return realBook(
    asking(ledger, (request) => {
      most = Math.max(most, request.amount);
      return ledger.hold({ ...request, amount: most });
    }),
    clock,
  );
};

/** What is charged while a question is under way is forgotten with its answer. */
export const losesRace: MakeBook = (ledger, clock) => {
  let under = 0;
  const book = realBook(
    asking(ledger, (request) => {
      under++;
      const reply = ledger.hold(request);
      return Promise.resolve(reply).finally(() => under--);
    }),
    clock,
  );
  return around(
    book,
    (wish) => wish,
    (answer) =>
      answer.granted ? { ...answer, granted: true, close: (charge) => answer.close(under > 0 ? 0 : charge) } : answer,
  );
};

/** A hold that is closed twice gives back twice. */
export const closesTwice: MakeBook = (ledger, clock) => {
  const book = realBook(ledger, clock);
  let extra = 0;
  const faulty = around(
    book,
    (wish) => wish,
    (answer) => {
      if (!answer.granted) return answer;
      let closed = false;
      const close = (charge: number) => {
        if (closed) extra++;
        closed = true;
        answer.close(charge);
      };
      return { granted: true, overrun: answer.overrun, close };
    },
  );
  return {
    ...faulty,
    get reserved() {
      return book.reserved - extra;
    },
  };
};
