// What rate-limit headers of managed APIs say, and what they do to everyone who spends from the account. For src/fleet/rate-limits.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Account } from '../../src/fleet/account.ts';
import { pauseMs } from '../../src/fleet/rate-limits.ts';
import { PoolWorker } from '../../src/fleet/worker.ts';
import { Breaker, DEFAULT_BREAKER } from '../../src/upstream/breaker.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { fixedLimit } from './fleets.ts';

const WALL = Date.UTC(2026, 10, 22, 12);
const inSeconds = (seconds: number) => new Date(WALL + seconds * 1_000).toISOString();

const openai = (left: string, reset: string, what = 'requests', limit = '1000') => ({
  [`x-ratelimit-limit-${what}`]: limit,
  [`x-ratelimit-remaining-${what}`]: left,
  [`x-ratelimit-reset-${what}`]: reset,
});
const anthropic = (left: string, reset: string, what = 'requests', limit = '1000') => ({
  [`anthropic-ratelimit-${what}-limit`]: limit,
  [`anthropic-ratelimit-${what}-remaining`]: left,
  [`anthropic-ratelimit-${what}-reset`]: reset,
});

describe('the pause that rate-limit headers ask for', () => {
  it.each([
    ['nothing left for 120 ms', openai('0', '120ms'), 120],
    ['nothing left for 1.5 s', openai('0', '1.5s'), 1_500],
    ['nothing left for a minute and more: capped', openai('0', '6m0s'), 60_000],
    ['nothing left for days: capped', openai('0', '2d3h'), 60_000],
    ['plain seconds', openai('0', '7'), 7_000],
    ['tokens', openai('0', '2.5s', 'tokens'), 2_500],
    ['a time of day', anthropic('0', inSeconds(20)), 20_000],
    ['a time with an offset', anthropic('0', '2026-11-22T13:00:05+01:00'), 5_000],
    ['input tokens', anthropic('0', inSeconds(9), 'input-tokens'), 9_000],
    ['output tokens', anthropic('0', inSeconds(8), 'output-tokens'), 8_000],
    ['the longest of two', { ...openai('0', '1s'), ...openai('0', '3s', 'tokens') }, 3_000],
    ['something left', openai('1', '6m0s'), 0],
    ['a reset that is past', anthropic('0', inSeconds(-3)), 0],
    ['no reset', { 'x-ratelimit-remaining-requests': '0' }, 0],
    ['no limit named', { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '2s' }, 2_000],
    ['a limit of nothing', openai('0', '1m', 'requests', '0'), 0],
    ['minus one', openai('-1', '1m'), 0],
    ['more left than there is', openai('5000', '1m'), 0],
    ['an epoch', openai('0', '1795348800'), 0],
    ['nonsense', openai('0', 'soon'), 0],
    ['a date without a time', anthropic('0', '2026-11-23'), 0],
    ['none', {}, 0],
  ])('%s', (_, headers, expected) => {
    expect(pauseMs(headers, 0, WALL)).toBe(expected);
  });

  it('prompts in flight that need more tokens than are left wait until that much has grown back', () => {
    const headers = openai('2000', '60s', 'tokens', '10000');
    expect(pauseMs(headers, 1_500, WALL)).toBe(0);
    expect(pauseMs(headers, 4_000, WALL)).toBe(15_000);
    expect(pauseMs(headers, 900_000, WALL)).toBe(60_000);
  });

  it('is between 0 and a minute whatever the headers hold', () => {
    const text = fc.oneof(
      fc.string(),
      fc.nat().map(String),
      fc.date({ noInvalidDate: true }).map((at) => at.toISOString()),
      fc.nat(1e6).map((ms) => `${ms}ms`),
    );
    fc.assert(
      fc.property(text, text, text, fc.nat(1e6), (left, reset, limit, backlog) => {
        for (const headers of [openai(left, reset, 'tokens', limit), anthropic(left, reset, 'requests', limit)]) {
          const ms = pauseMs(headers, backlog, WALL);
          expect(ms).toBeGreaterThanOrEqual(0);
          expect(ms).toBeLessThanOrEqual(60_000);
        }
      }),
    );
  });
});

describe('a reply that says that nothing is left', () => {
  function worker(clock: VirtualClock, account: Account | null) {
    const made = new PoolWorker({
      id: 'p/1',
      headers: [],
      limit: fixedLimit(9).createLimit(),
      state: 'unknown',
      breaker: new Breaker(DEFAULT_BREAKER, clock, () => 0.5),
      clock,
      expectedReadyMs: 0,
      account,
    });
    made.origin = 'http://127.0.0.1:9';
    return made;
  }

  it('F069 pauses the model for all who spend from the account, until the reset', () => {
    const clock = new VirtualClock();
    const account = new Account();
    const [one, two] = [worker(clock, account), worker(clock, account)];
    one.replied('a', openai('0', '4s'));
    for (const each of [one, two]) {
      expect(each.accountPause('a', clock.nowMs())).toEqual({ untilMs: 4_000, reason: 'saturated' });
      expect(each.admits(clock.nowMs(), 'b')).toBe(true);
    }
    clock.advance(4_000);
    expect([one.admits(clock.nowMs(), 'a'), two.admits(clock.nowMs(), 'a')]).toEqual([true, true]);
  });

  it('an own worker’s headers are not an account’s', () => {
    const clock = new VirtualClock();
    const own = worker(clock, null);
    own.replied('a', openai('0', '4s'));
    expect(own.admits(clock.nowMs(), 'a')).toBe(true);
  });
});
