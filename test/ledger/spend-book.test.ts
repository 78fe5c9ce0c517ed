// What a book answers to single wishes: when it asks the store, gives back, warns, goes on without the store, and forgets. For src/ledger/spend-book.
import { describe, expect, it } from 'vitest';
import type { HoldRequest } from '../../src/core/ledger.ts';
import type { SpendLimits } from '../../src/core/plan.ts';
import type { SpendHold, SpendRefusal } from '../../src/core/spend.ts';
import { SpendAccounts } from '../../src/ledger/spend-book.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { HeldMoney, LedgerDouble } from './held-money.ts';
import { perDay, settle, usd } from './spend-runs.ts';

interface Stage {
  readonly clock: VirtualClock;
  readonly money: HeldMoney;
  readonly ledger: LedgerDouble;
  readonly log: ReturnType<typeof recordingLog>;
  readonly book: SpendAccounts;
}

/** `delayMs` null: the store answers at once. */
function stage(delayMs: number | null = null, shared?: Pick<Stage, 'clock' | 'money'>, router = 'one'): Stage {
  const clock = shared?.clock ?? new VirtualClock();
  const money = shared?.money ?? new HeldMoney(clock);
  const ledger = new LedgerDouble(money, { router, delayMs: delayMs === null ? null : () => delayMs });
  const log = recordingLog();
  return { clock, money, ledger, log, book: new SpendAccounts({ ledger: ledger as never, clock, log }) };
}

const TEN = perDay(usd(10));
const wish = (likely: number, most = likely, limits: SpendLimits = TEN, tenant = 'acme') => ({
  tenant,
  limits,
  likely: usd(likely),
  most: usd(most),
});
function now(answer: ReturnType<SpendAccounts['reserve']>): SpendHold | SpendRefusal {
  if (answer instanceof Promise) throw new Error('it asked the store');
  return answer;
}
function granted(answer: ReturnType<SpendAccounts['reserve']>): SpendHold {
  const hold = now(answer);
  if (!hold.granted) throw new Error(hold.reason);
  return hold;
}
const reasonOf = (answer: SpendHold | SpendRefusal) => (answer.granted ? 'granted' : answer.reason);
const pay = ({ ledger }: Stage, hold: SpendHold, cost: number) => {
  ledger.add('acme', usd(cost));
  hold.close(usd(cost));
};

describe('who is let in', () => {
  it('all calls but one are backed by the most they can cost', () => {
    const { book } = stage();
    granted(book.reserve(wish(0.1, 4)));
    granted(book.reserve(wish(0.1, 4)));
    // 12 at most, less 3.9 that one of them is unsure by: 8.1 of 10; with one more 12.1.
    granted(book.reserve(wish(0.1, 4)));
    expect(reasonOf(now(book.reserve(wish(0.1, 4))))).toBe('held');
    granted(book.reserve(wish(0.1, 1)));
    expect(book.reserved).toBe(usd(0.4));
  });

  it('F105 a call like those of Claude Code does not use a small budget up by what it might cost', () => {
    const at = stage();
    const five = perDay(usd(5));
    // 128,000 tokens at 20 USD a million, of which 4,096 are likely.
    const claude = () => at.book.reserve(wish(0.09, 2.56, five));
    const small = () => at.book.reserve(wish(0.002, 0.01, five));
    const holds: SpendHold[] = [granted(claude()), granted(claude())];
    for (let more = 0; more < 40; more++) {
      const answer = now(more % 8 === 0 ? claude() : small());
      if (answer.granted) holds.push(answer);
      else expect(answer.reason).toBe('held');
    }
    expect(holds.length).toBeGreaterThan(30);
    for (const hold of holds) pay(at, hold, 0.03);
    expect(reasonOf(now(claude()))).toBe('granted');
  });

  it('a call alone is let in while its likely cost is left, and is told so once it is not', () => {
    const at = stage();
    pay(at, granted(at.book.reserve(wish(5, 9))), 9.5);
    expect(reasonOf(now(at.book.reserve(wish(0.6, 0.6))))).toBe('spent');
    const last = granted(at.book.reserve(wish(0.5, 3)));
    expect(reasonOf(now(at.book.reserve(wish(0.5, 3))))).toBe('held');
    pay(at, last, 0.5);
    at.clock.advance(1_000);
    expect(now(at.book.reserve(wish(0.001)))).toMatchObject({
      reason: 'spent',
      window: { window: 'day', limit: usd(10), spent: usd(10), resetsMs: Date.UTC(2026, 10, 23) },
    });
    granted(at.book.reserve(wish(0, 0)));
  });

  it('a call above the whole limit is told that at once, whatever the store does', () => {
    const at = stage();
    at.ledger.fails = true;
    expect(reasonOf(now(at.book.reserve(wish(10.01))))).toBe('above');
    expect(at.ledger.asked).toEqual([]);
  });

  it('of two windows the one counts that keeps the call out longest', () => {
    const at = stage();
    const limits = { hour: usd(1), day: usd(2), month: usd(2), warnAt: [], dryRun: false };
    pay(at, granted(at.book.reserve(wish(1, 1, limits))), 1);
    expect(now(at.book.reserve(wish(0.5, 0.5, limits)))).toMatchObject({ reason: 'spent', window: { window: 'hour' } });
    at.clock.advance(3_600_000);
    pay(at, granted(at.book.reserve(wish(1, 1, limits))), 1);
    const told = now(at.book.reserve(wish(0.5, 0.5, limits)));
    expect(told).toMatchObject({ reason: 'spent', window: { window: 'month' } });
  });

  it('no limit and no cost need no account', () => {
    const { book, ledger } = stage();
    granted(book.reserve(wish(1, 2, { ...TEN, day: null }))).close(usd(1));
    expect([book.size, ledger.asked]).toEqual([0, []]);
  });
});

describe('the slice', () => {
  it('is asked for in steps, ahead of need, so that hardly a call waits for the store', async () => {
    const at = stage(5);
    let waited = 0;
    for (let call = 0; call < 2_000; call++) {
      let answer = at.book.reserve(wish(0.001, 0.004));
      if (answer instanceof Promise) {
        waited++;
        at.clock.advance(10);
        answer = await answer;
      }
      at.clock.advance(10);
      pay(at, answer as SpendHold, 0.001);
      await settle();
    }
    expect(waited).toBeLessThan(5);
    expect(at.ledger.asked.length).toBeLessThan(80);
    const slices = at.ledger.asked.map(({ amount }) => amount);
    // A crash costs a step, 1 % of the limit, and what is in flight.
    expect(Math.max(...slices)).toBeLessThanOrEqual(usd(0.1 + 0.004));
  });

  it('F109 a charge that comes while the store is asked is in neither answer nor oblivion', async () => {
    const at = stage(20);
    const first = at.book.reserve(wish(1, 1));
    at.clock.advance(50);
    const hold = (await first) as SpendHold;
    const second = at.book.reserve(wish(8, 8));
    // The question is under way, and does not know of this.
    pay(at, hold, 3);
    at.clock.advance(50);
    // 7 are left; had the charge been forgotten, 9 would seem to be.
    expect(reasonOf(await second)).toBe('spent');
    expect(at.book.windows('acme')).toMatchObject([{ spent: usd(3) }]);
    at.clock.advance(1_500);
    await settle();
    const third = at.book.reserve(wish(6, 6));
    at.clock.advance(50);
    expect(reasonOf(await third)).toBe('granted');
    expect(at.book.windows('acme')).toMatchObject([{ spent: usd(3) }]);
  });

  it('wishes during a question share it, in their order', async () => {
    const at = stage(20);
    const told: number[] = [];
    const answers = [4, 3, 2, 6].map((cost, place) =>
      Promise.resolve(at.book.reserve(wish(cost))).then((answer) => {
        told.push(place);
        return reasonOf(answer);
      }),
    );
    for (let step = 0; step < 8; step++) {
      at.clock.advance(20);
      await settle();
    }
    expect(await Promise.all(answers)).toEqual(['granted', 'granted', 'granted', 'held']);
    expect(told).toEqual([0, 1, 2, 3]);
    expect(at.ledger.asked.length).toBeLessThanOrEqual(4);
  });

  it('F108 goes back 10 s after the last call, with no timer left', () => {
    const at = stage();
    const hold = granted(at.book.reserve(wish(1, 2)));
    expect(at.money.held('acme')).toBeGreaterThanOrEqual(usd(1));
    at.clock.advance(60_000);
    expect(at.money.held('acme')).toBeGreaterThanOrEqual(usd(1));
    pay(at, hold, 0.7);
    at.clock.advance(9_000);
    expect(at.money.held('acme')).toBeGreaterThan(0);
    at.clock.advance(3_000);
    expect([at.money.held('acme'), at.book.reserved, at.clock.pending]).toEqual([0, 0, 0]);
    expect(at.book.windows('acme')).toMatchObject([{ spent: usd(0.7) }]);
  });

  it('goes back on close, where nothing more is let in', async () => {
    const at = stage(5);
    const first = at.book.reserve(wish(1));
    at.clock.advance(20);
    pay(at, (await first) as SpendHold, 1);
    const closed = at.book.close();
    at.clock.advance(20);
    await settle();
    at.clock.advance(20);
    await closed;
    expect([at.money.held('acme'), at.clock.pending]).toEqual([0, 0]);
    expect(reasonOf(now(at.book.reserve(wish(1))))).toBe('store');
  });

  it('of another router keeps money away, and its return is seen within a second', () => {
    const one = stage();
    const two = stage(null, one, 'two');
    const hold = granted(one.book.reserve(wish(9, 9)));
    expect(reasonOf(now(two.book.reserve(wish(2))))).toBe('held');
    const asked = two.ledger.asked.length;
    expect(reasonOf(now(two.book.reserve(wish(2))))).toBe('held');
    expect(two.ledger.asked.length).toBe(asked);
    hold.close(0);
    one.clock.advance(12_000);
    expect(reasonOf(now(two.book.reserve(wish(2))))).toBe('granted');
  });
});

describe('windows', () => {
  it.each([0, -300_000, 300_000])('end by the store’s clock, which is %i ms ahead', (skewMs) => {
    const at = stage();
    at.money.skewMs = skewMs;
    const limits = { ...perDay(0), day: null, hour: usd(1) };
    pay(at, granted(at.book.reserve(wish(1, 1, limits))), 1);
    expect(reasonOf(now(at.book.reserve(wish(1, 1, limits))))).toBe('spent');
    // A second before and after the store's full hour; the test begins at noon.
    at.clock.advance(3_600_000 - (((skewMs % 3_600_000) + 3_600_000) % 3_600_000) - 1_000);
    expect(reasonOf(now(at.book.reserve(wish(1, 1, limits))))).toBe('spent');
    at.clock.advance(2_000);
    expect(reasonOf(now(at.book.reserve(wish(1, 1, limits))))).toBe('granted');
  });

  it('warn once per level, and anew in the next window', () => {
    const at = stage();
    const limits = { ...TEN, warnAt: [0.5, 0.8, 1] };
    const spend = (cost: number) => {
      pay(at, granted(at.book.reserve(wish(cost, cost, limits))), cost);
      at.clock.advance(15_000);
      return at.log.of('spend_warning').map(({ fields }) => fields['share']);
    };
    expect(spend(4.9)).toEqual([]);
    expect(spend(0.2)).toEqual([0.5]);
    expect(spend(0.2)).toEqual([0.5]);
    expect(spend(4.7)).toEqual([0.5, 0.8, 1]);
    at.clock.advance(86_400_000);
    expect(spend(6)).toEqual([0.5, 0.8, 1, 0.5]);
    expect(at.log.of('spend_warning')[0]?.fields).toEqual({ tenant: 'acme', window: 'day', share: 0.5 });
  });

  it('limits that change count at once', () => {
    const at = stage();
    pay(at, granted(at.book.reserve(wish(9))), 9);
    expect(reasonOf(now(at.book.reserve(wish(5))))).toBe('spent');
    granted(at.book.reserve(wish(5, 5, perDay(usd(20)))));
    expect(reasonOf(now(at.book.reserve(wish(5, 5, perDay(usd(12))))))).toBe('spent');
  });

  it('in dry run let all in, hold nothing, and tell what they would have refused', () => {
    const at = stage();
    const dry = { ...TEN, dryRun: true };
    const overruns: unknown[] = [];
    for (const cost of [6, 6, 20, 1]) {
      const hold = granted(at.book.reserve(wish(cost, cost, dry)));
      overruns.push(hold.overrun);
      pay(at, hold, cost);
    }
    expect(overruns).toEqual([null, 'spent', 'above', 'spent']);
    expect(at.money.held('acme')).toBe(0);
  });
});

describe('a store that fails', () => {
  it('lets calls go on within the slice for 60 s, then none; batch none at all', () => {
    const at = stage();
    const small = () => now(at.book.reserve(wish(0.01, 0.02)));
    pay(at, granted(at.book.reserve(wish(0.01, 0.02))), 0.01);
    at.ledger.fails = true;
    let let_in = 0;
    // The slice is 1 % of the limit.
    for (let call = 0; call < 30; call++) {
      const answer = small();
      if (answer.granted) {
        let_in++;
        pay(at, answer, 0.002);
      } else expect(answer).toMatchObject({ reason: 'store' });
    }
    expect(let_in).toBe(30);
    expect(reasonOf(now(at.book.reserve(wish(0.5))))).toBe('store');
    expect(at.log.of('spend_store_fails')).toHaveLength(1);
    expect(reasonOf(now(at.book.reserve({ ...wish(0.01), defers: true })))).toBe('store');
    for (let second = 0; second < 59; second++) {
      at.clock.advance(1_000);
      const answer = small();
      expect(answer.granted).toBe(true);
      (answer as SpendHold).close(0);
    }
    at.clock.advance(2_000);
    expect(reasonOf(small())).toBe('store');
    at.ledger.fails = false;
    at.clock.advance(2_000);
    expect(reasonOf(small())).toBe('granted');
    expect(at.log.of('spend_store_answers')).toHaveLength(1);
  });

  it('refuses those of whom nothing is known, and asks again once a second', async () => {
    const at = stage(5);
    at.ledger.fails = true;
    expect(reasonOf(await at.book.reserve(wish(1)))).toBe('store');
    for (let call = 0; call < 100; call++) expect(reasonOf(now(at.book.reserve(wish(1))))).toBe('store');
    expect(at.ledger.asked).toHaveLength(1);
    at.clock.advance(1_100);
    await settle();
    expect(at.ledger.asked.length).toBeLessThanOrEqual(2);
  });

  it('counts as failing when it does not answer for 5 s, and when it cannot write', async () => {
    const at = stage(5);
    at.ledger.hangs = true;
    const answer = Promise.resolve(at.book.reserve(wish(1)));
    at.clock.advance(7_000);
    expect(reasonOf(await answer)).toBe('store');
    const other = stage();
    granted(other.book.reserve(wish(1)));
    other.ledger.health = { ok: false, failingSinceMs: 0, waiting: 9, lost: 0 };
    other.clock.advance(61_000);
    expect(reasonOf(now(other.book.reserve(wish(0.001))))).toBe('store');
  });
});

describe('many tenants', () => {
  it('however many they are, take no more room than 20,000, and no timer each', () => {
    const clock = new VirtualClock();
    const limits = perDay(usd(10));
    const windows = [{ window: 'day', limit: usd(10), spent: 0, startMs: 0, resetsMs: clock.wallMs() + 9e7 }] as const;
    let held = 0;
    const hold = ({ amount }: HoldRequest) => {
      held += amount === 0 ? -1 : 1;
      return { held: amount, free: usd(10) - amount, windows };
    };
    const health = { ok: true, failingSinceMs: null, waiting: 0, lost: 0 };
    const book = new SpendAccounts({ ledger: { hold, health }, clock, log: recordingLog() });
    for (let one = 0; one < 120_000; one++) {
      granted(book.reserve({ tenant: `t${one}`, limits, likely: 1_000, most: 2_000 })).close(0);
    }
    expect(book.size).toBeLessThanOrEqual(20_001);
    expect([held, clock.pending]).toEqual([expect.closeTo(10_000, -1), 1]);
    clock.advance(15_000);
    expect([book.size, held, clock.pending]).toEqual([10_000, 0, 0]);
  }, 60_000);
});

describe('who waits', () => {
  it('is told once, in order, after a call ended; and not once it left', async () => {
    const at = stage();
    const hold = granted(at.book.reserve(wish(1)));
    const told: string[] = [];
    at.book.awaits('acme', () => told.push('a'));
    at.book.awaits('acme', () => told.push('b'))();
    at.book.awaits('acme', () => told.push('c'));
    hold.close(0);
    expect(told).toEqual([]);
    await settle();
    expect(told).toEqual(['a', 'c']);
    hold.close(0);
    at.book.awaits('nobody', () => told.push('n'));
    at.book.awaits('nobody', () => told.push('m'))();
    at.clock.advance(1_000);
    await settle();
    expect(told).toEqual(['a', 'c', 'n']);
  });
});
