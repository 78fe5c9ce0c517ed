// Whose limit a pause is: a model's, an account's, a worker's own. For fleet.
import { describe, expect, it } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import { Account } from '../../src/fleet/account.ts';
import { PoolWorker } from '../../src/fleet/worker.ts';
import { Breaker, DEFAULT_BREAKER } from '../../src/upstream/breaker.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { fixedLimit, report } from './fleets.ts';

describe('an account', () => {
  it('F069 pauses one model, or all of them; a longer pause is never shortened', () => {
    const account = new Account();
    expect(account.pausedUntil('a', 0)).toBeNull();
    account.pauseModel('a', 100);
    account.pauseModel('a', 50);
    expect(account.pausedUntil('a', 99)).toEqual({ untilMs: 100, reason: 'saturated' });
    expect(account.pausedUntil('b', 99)).toBeNull();
    expect(account.pausedUntil('a', 100)).toBeNull();
    account.pause(300);
    account.pause(200);
    for (const model of ['a', 'b', ''])
      expect(account.pausedUntil(model, 299)).toEqual({ untilMs: 300, reason: 'failing' });
    expect(account.pausedUntil('a', 300)).toBeNull();
  });

  it('forgets what was said to a credential that is no longer used', () => {
    const account = new Account();
    account.pause(100);
    account.pauseModel('a', 100);
    account.clear();
    expect(account.pausedUntil('a', 0)).toBeNull();
  });

  it('remembers a bounded number of models, the newest ones, whatever names callers make up', () => {
    const account = new Account();
    for (let at = 0; at < 5_000; at++) account.pauseModel(`m${at}`, 1_000);
    expect(account.pausedUntil('m0', 0)).toBeNull();
    expect(account.pausedUntil('m4999', 0)).not.toBeNull();
    expect(account.pausedUntil('m4000', 0)).not.toBeNull();
    expect(account.pausedUntil('m3999', 0)).toBeNull();
  });

  it('a model that is paused again counts as new', () => {
    const account = new Account();
    for (let at = 0; at < 1_000; at++) account.pauseModel(`m${at}`, 1_000);
    account.pauseModel('m0', 1_000);
    account.pauseModel('another', 1_000);
    expect(account.pausedUntil('m0', 0)).not.toBeNull();
    expect(account.pausedUntil('m1', 0)).toBeNull();
  });
});

describe('workers of one account', () => {
  const full = new RouterError('worker_full', 'full', { coolDownMs: 5_000 });
  const unfunded = new RouterError('upstream_unfunded', 'no money');
  const refused = new RouterError('upstream_refused_key', 'wrong key');

  function pair() {
    const clock = new VirtualClock();
    const account = new Account();
    const worker = (id: string, own: Account | null) => {
      const made = new PoolWorker({
        id,
        headers: [],
        limit: fixedLimit(9).createLimit(),
        state: 'unknown',
        breaker: new Breaker(DEFAULT_BREAKER, clock, () => 0.5),
        clock,
        expectedReadyMs: 0,
        account: own,
      });
      made.origin = 'http://127.0.0.1:9';
      return made;
    };
    const fail = (on: PoolWorker, error: RouterError, model: string) =>
      on.record(report({ outcome: 'failed', error, begun: on.begin(), model }));
    return { clock, one: worker('one/1', account), two: worker('two/2', account), own: worker('own/3', null), fail };
  }

  it('F069 a rate limit of a model stops it on both of them, and no other model', () => {
    const { clock, one, two, fail } = pair();
    fail(one, full.with({ rateLimit: true }), 'a');
    const now = clock.nowMs();
    expect([one, two].map((each) => [each.admits(now, 'a'), each.admits(now, 'b')])).toEqual([
      [false, true],
      [false, true],
    ]);
    expect(two.admits(now + 5_000, 'a')).toBe(true);
  });

  it('F069 one that has no room is passed over for that model alone, and the other is asked', () => {
    const { clock, one, two, fail } = pair();
    fail(one, full, 'a');
    const now = clock.nowMs();
    expect([one.admits(now, 'a'), one.admits(now, 'b'), two.admits(now, 'a')]).toEqual([false, true, true]);
    expect(one.accountPause('a', now)).toMatchObject({ reason: 'saturated' });
    expect(one.admits(now + 5_000, 'a')).toBe(true);
  });

  it('F068 money stops both of them for every model', () => {
    const { clock, one, two, fail } = pair();
    fail(one, unfunded, 'a');
    expect([one.admits(clock.nowMs(), 'b'), two.admits(clock.nowMs(), 'c')]).toEqual([false, false]);
    expect(two.admits(clock.nowMs() + 60_000, 'c')).toBe(true);
  });

  it('a refused key is the one worker’s own, and neither moves a breaker', () => {
    const { clock, one, two, fail } = pair();
    for (let times = 0; times < 20; times++) fail(one, refused, 'a');
    expect([one.admits(clock.nowMs(), 'b'), two.admits(clock.nowMs(), 'a')]).toEqual([false, true]);
    expect(one.breaker.state(clock.nowMs())).toBe('closed');
  });

  it('a worker without an account is full as such', () => {
    const { clock, own, fail } = pair();
    fail(own, full, 'a');
    expect(own.admits(clock.nowMs(), 'b')).toBe(false);
    expect(own.admits(clock.nowMs() + 5_000, 'b')).toBe(true);
  });
});
