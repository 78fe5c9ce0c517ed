// Who waits for a tenant's money, how long, in which order, and what the others are told. For src/admission/spend.
import { describe, expect, it } from 'vitest';
import { type SpendCall, SpendRule } from '../../src/admission/spend.ts';
import { RouterError } from '../../src/core/errors.ts';
import { CallSignal } from '../../src/core/signal.ts';
import type { SpendHold } from '../../src/core/spend.ts';
import { anthropicMessages } from '../../src/dialects/anthropic-messages.ts';
import { errorReply } from '../../src/http/errors.ts';
import { SpendAccounts } from '../../src/ledger/spend-book.ts';
import { recordingLog } from '../fakes/recording-log.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { HeldMoney, LedgerDouble } from '../ledger/held-money.ts';
import { perDay, settle, usd } from '../ledger/spend-runs.ts';

function stage(delayMs: number | null = null) {
  const clock = new VirtualClock();
  const money = new HeldMoney(clock);
  const ledger = new LedgerDouble(money, { delayMs: delayMs === null ? null : () => delayMs });
  const book = new SpendAccounts({ ledger: ledger as never, clock, log: recordingLog() });
  const refused: string[] = [];
  const metrics = {
    spendRefused: (reason: string, tenant: string, dryRun: boolean) =>
      void refused.push(`${tenant} ${reason}${dryRun ? ' dry' : ''}`),
  };
  const rule = new SpendRule({ book, clock, random: () => 0.5, metrics });
  return { clock, money, ledger, book, rule, refused };
}

const TEN = perDay(usd(10));
const call = (likely: number, more: Partial<SpendCall> = {}): SpendCall => ({
  tenant: 'acme',
  limits: TEN,
  likely: usd(likely),
  most: usd(likely),
  maxWaitMs: 30_000,
  signal: new CallSignal(),
  ...more,
});
/** What it is told, at once or later. */
async function told(reserve: () => SpendHold | Promise<SpendHold>): Promise<SpendHold | RouterError> {
  try {
    return await reserve();
  } catch (thrown) {
    if (thrown instanceof RouterError) return thrown;
    throw thrown;
  }
}
const hold = (answer: unknown): SpendHold => {
  expect(answer).toMatchObject({ granted: true });
  return answer as SpendHold;
};

describe('while calls in flight hold what is left', () => {
  it('those who come wait in line, first come first served, and small ones do not overtake', async () => {
    const { rule, ledger } = stage();
    const first = hold(await told(() => rule.reserve(call(9))));
    const order: string[] = [];
    const waiting = [4, 0.1, 6].map(async (cost, at) => {
      const held = hold(await told(() => rule.reserve(call(cost))));
      order.push(`${at}`);
      return held;
    });
    await settle();
    expect([order, rule.waiting]).toEqual([[], 3]);
    ledger.add('acme', usd(0.5));
    first.close(usd(0.5));
    await settle();
    expect([order, rule.waiting]).toEqual([['0', '1'], 1]);
    hold(await waiting[0]).close(0);
    await settle();
    expect([order, rule.waiting]).toEqual([['0', '1', '2'], 0]);
  });

  it('F108 who leaves or has waited long enough makes room for the next, and nothing stays held for it', async () => {
    const { rule, clock, book, refused } = stage(2);
    const begun = told(() => rule.reserve(call(9)));
    clock.advance(10);
    const first = hold(await begun);
    const gone = new CallSignal();
    const answers = [
      told(() => rule.reserve(call(5, { signal: gone }))),
      told(() => rule.reserve(call(5, { maxWaitMs: 1_500 }))),
      told(() => rule.reserve(call(5))),
    ];
    await clock.advanceSettling(100);
    expect(rule.waiting).toBe(3);
    gone.abort();
    await clock.advanceSettling(2_000);
    expect(await answers[0]).toMatchObject({ code: 'client_gone' });
    expect(await answers[1]).toMatchObject({ code: 'rate_limit_exceeded', detail: { retryAfterSeconds: 5 } });
    expect(rule.waiting).toBe(1);
    first.close(0);
    await clock.advanceSettling(3_000);
    hold(await answers[2]).close(0);
    expect(refused).toEqual(['acme held']);
    await clock.advanceSettling(20_000);
    expect([book.reserved, rule.waiting, clock.pending]).toEqual([0, 0, 0]);
  });

  it('without patience, or with too many in line, it is a 429 at once', async () => {
    const { rule } = stage();
    hold(await told(() => rule.reserve(call(9))));
    const impatient = call(5, { maxWaitMs: 0 });
    expect(await told(() => rule.reserve(impatient))).toMatchObject({ code: 'rate_limit_exceeded', descends: false });
    for (let at = 0; at < 256; at++) void told(() => rule.reserve(call(5)));
    expect(rule.waiting).toBe(256);
    expect(await told(() => rule.reserve(call(5)))).toMatchObject({ code: 'rate_limit_exceeded' });
  });

  it('a call that is aborted while the store is asked holds nothing', async () => {
    const { rule, clock, book } = stage(50);
    const signal = new CallSignal();
    const answer = told(() => rule.reserve(call(1, { signal })));
    signal.abort();
    await clock.advanceSettling(200);
    expect(await answer).toMatchObject({ code: 'client_gone' });
    expect(book.reserved).toBe(0);
    expect(await told(() => rule.reserve(call(1, { signal })))).toMatchObject({ code: 'client_gone' });
  });

  it('another tenant is not kept waiting', async () => {
    const { rule } = stage();
    hold(await told(() => rule.reserve(call(9))));
    void told(() => rule.reserve(call(5)));
    hold(await told(() => rule.reserve(call(5, { tenant: 'other' }))));
  });
});

describe('what is told', () => {
  it('F105 money that is spent: how much, of what, until when, and that another try is no use', async () => {
    const { rule, ledger, refused } = stage();
    const all = hold(await told(() => rule.reserve(call(10))));
    ledger.add('acme', usd(10));
    all.close(usd(10));
    const error = (await told(() => rule.reserve(call(1)))) as RouterError;
    expect(error.message).toBe('acme has spent $10.00 of $10.00 for 2026-11-22 (UTC). Resets 2026-11-23T00:00Z.');
    expect([error.descends, error.reason, error.retryable, error.blame]).toEqual([true, 'budget', false, 'caller']);
    const openai = errorReply(error, 'req_1');
    expect([openai.status, openai.headers['x-should-retry'], openai.headers['retry-after']]).toEqual([
      429,
      'false',
      undefined,
    ]);
    expect(JSON.parse(openai.body)).toEqual({
      error: {
        message: error.message,
        type: 'insufficient_quota',
        param: null,
        code: 'project_spend_limit_exceeded',
        resets_at: '2026-11-23T00:00:00.000Z',
      },
    });
    const anthropic = errorReply(error, 'req_1', anthropicMessages);
    expect(anthropic.status).toBe(402);
    expect(JSON.parse(anthropic.body)).toMatchObject({
      error: {
        type: 'billing_error',
        details: { error_code: 'project_spend_limit_exceeded', resets_at: '2026-11-23T00:00:00.000Z' },
      },
    });
    expect(refused).toEqual(['acme spent']);
  });

  it.each([
    ['hour', '$0.50 left of $2.00 for the hour from 2026-11-22T12:00Z', '2026-11-22T13:00Z'],
    ['month', '$0.50 left of $2.00 for 2026-11 (UTC)', '2026-12-01T00:00Z'],
  ])('less than the call needs, of a limit per %s', async (window, left, resets) => {
    const { rule, ledger } = stage();
    const limits = { ...TEN, day: null, [window]: usd(2) };
    const most = hold(await told(() => rule.reserve(call(1.5, { limits }))));
    ledger.add('acme', usd(1.5));
    most.close(usd(1.5));
    expect(await told(() => rule.reserve(call(0.75, { limits })))).toMatchObject({
      code: 'project_spend_limit_exceeded',
      message: `acme has ${left}, and this call is likely to cost $0.75. Resets ${resets}.`,
    });
  });

  it('a call above the whole limit, and a store that cannot be reached', async () => {
    const { rule, ledger, refused } = stage();
    const above = (await told(() => rule.reserve(call(10.5)))) as RouterError;
    expect([above.status, above.code, above.descends]).toEqual([400, 'above_limit', false]);
    expect(above.message).toBe('This call is likely to cost $10.50, more than the whole limit of $10.00 of acme.');
    ledger.fails = true;
    const store = (await told(() => rule.reserve(call(1)))) as RouterError;
    expect([store.status, store.code, store.detail.retryAfterSeconds]).toEqual([503, 'store_unavailable', 5]);
    expect(errorReply(store, 'req_1', anthropicMessages).status).toBe(529);
    expect(refused).toEqual(['acme above', 'acme store']);
  });

  it('in dry run nobody is refused, and what would have been is counted', async () => {
    const { rule, refused } = stage();
    const limits = { ...TEN, dryRun: true };
    hold(await told(() => rule.reserve(call(8, { limits }))));
    hold(await told(() => rule.reserve(call(8, { limits }))));
    expect(refused).toEqual(['acme held dry']);
  });
});
