// What a call is told by its tenant's limits, what it holds of them and gives back. For src/admission.
import { describe, expect, it } from 'vitest';
import { NO_LIMITS } from '../../src/core/plan.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { inFlight, limits, perMinute, stage } from './stage.ts';

describe('a tenant without limits', () => {
  it('costs nothing: all its calls get one and the same answer', () => {
    const { enter, store, held } = stage();
    const first = enter();
    expect(enter({ tenant: 'other', limits: { ...NO_LIMITS } })).toBe(first);
    expect(first).toMatchObject({ quota: null, waitedMs: 0 });
    first.settle(5);
    expect([store.size, held.tokens]).toEqual([0, 0]);
  });
});

describe('requests per minute', () => {
  const sixty = limits({ requests: perMinute(60, 2) });

  it('are refused when used up, with text, time and standing; a request is not given back', async () => {
    const { clock, enter, refusal, counted } = stage();
    enter({ limits: sixty }).settle(0);
    expect(enter({ limits: sixty }).quota).toEqual({
      requests: { limit: 60, remaining: 0, resetMs: 2_000 },
      tokens: null,
      wallMs: clock.wallMs(),
    });
    const error = await refusal({ limits: sixty });
    expect(error).toMatchObject({ code: 'rate_limit_exceeded', status: 429, type: 'rate_limit_error' });
    expect(error.message).toBe('acme has used its 60 requests per minute. Next in 1 s.');
    expect(error.detail).toMatchObject({ retryAfterSeconds: 2, quota: { requests: { remaining: 0 } } });
    expect(counted).toEqual(['denied requests acme']);
    clock.advance(1_000);
    enter({ limits: sixty });
  });

  it('F100 the hint is from 1 to 55 whole seconds, whatever the wait, and the wall clock moves nothing', async () => {
    const { clock, enter, refusal } = stage();
    const slow = limits({ requests: perMinute(0.1, 1) });
    enter({ limits: slow });
    for (const stepMs of [0, 3_600_000, -7_200_000]) {
      clock.stepWall(stepMs);
      const error = await refusal({ limits: slow });
      expect(error.message).toContain('Next in 600 s.');
      expect(error.detail.retryAfterSeconds).toBe(55);
    }
  });

  it.each([0, 0.999])('F104 who comes back when it is told to is let in, whatever the dice say (%d)', async (die) => {
    const { clock, enter, refusal } = stage({ random: () => die });
    const slow = limits({ requests: perMinute(3, 1) });
    enter({ limits: slow });
    for (let round = 0; round < 5; round++) {
      const { retryAfterSeconds } = (await refusal({ limits: slow })).detail;
      clock.advance(retryAfterSeconds! * 1_000);
      enter({ limits: slow });
    }
  });

  it('tenants of one plan have a bucket each, and all keys of a tenant share it', async () => {
    const { enter, refusal } = stage();
    const plan = limits({ requests: perMinute(1) });
    enter({ tenant: 'a', limits: plan });
    enter({ tenant: 'b', limits: plan });
    await refusal({ tenant: 'a', limits: plan });
    await refusal({ tenant: 'a', limits: limits({ requests: perMinute(1) }) });
  });
});

describe('uncached tokens per minute', () => {
  const hundred = limits({ uncachedTokens: perMinute(100) });

  it('F106 are held by the estimate, corrected to what was used; parallel calls stay within the limit', async () => {
    const { enter, refusal, held } = stage();
    const calls = [1, 2, 3].map(() => enter({ limits: hundred, uncachedTokens: 20, outputTokens: 12.5 }));
    expect(held.tokens).toBe(99);
    await refusal({ limits: hundred, uncachedTokens: 20, outputTokens: 10 });
    calls[0]!.settle(3);
    calls[0]!.settle(3);
    expect(held.tokens).toBe(66);
    expect(enter({ limits: hundred, uncachedTokens: 20, outputTokens: 10 }).quota!.tokens!.remaining).toBe(1);
  });

  it('an unknown use lets the estimate stand, and more than was claimed is waited for', async () => {
    const { enter, refusal, clock } = stage();
    enter({ limits: hundred, uncachedTokens: 50, outputTokens: 10 }).settle(null);
    expect(enter({ limits: hundred, uncachedTokens: 0, outputTokens: 1 }).quota!.tokens!.remaining).toBe(39);
    enter({ limits: hundred, uncachedTokens: 0, outputTokens: 39 }).settle(139);
    const error = await refusal({ limits: hundred, uncachedTokens: 1, outputTokens: 0 });
    expect(error.message).toBe('acme has used its 100 uncached tokens per minute. Next in 61 s.');
    clock.advance(60_600);
    enter({ limits: hundred, uncachedTokens: 1, outputTokens: 0 });
  });

  it('a call above the burst fits never: it is the caller’s to change', async () => {
    const { refusal, counted, held } = stage();
    const error = await refusal({ limits: limits({ uncachedTokens: perMinute(100, 50) }), uncachedTokens: 9_000 });
    expect(error).toMatchObject({ code: 'above_limit', status: 400, waits: false });
    expect(error.message).toContain('expected to use 9005 tokens, and acme may use 50 at once');
    expect(error.message).toContain('100 uncached tokens per minute');
    expect([counted, held.tokens]).toEqual([['denied tokens acme'], 0]);
  });
});

describe('all limits together', () => {
  it('nothing is taken of one when another refuses', async () => {
    const { enter, refusal } = stage();
    const all = limits({
      requests: perMinute(2),
      uncachedTokens: perMinute(20),
      inFlight: { limit: 1, dryRun: false },
    });
    const first = enter({ limits: all });
    expect((await refusal({ limits: all })).message).toContain('uncached tokens');
    const cheap = { limits: all, uncachedTokens: 1, outputTokens: 1 };
    expect((await refusal(cheap)).message).toBe('acme has 1 calls in flight, as many as it may.');
    first.settle(15);
    expect(enter(cheap).quota).toMatchObject({ requests: { remaining: 0 }, tokens: { remaining: 3 } });
  });

  it('in dry run none refuses: they are counted, and the caller is told of none', () => {
    const { enter, counted, held } = stage();
    const dry = limits({
      requests: perMinute(1, 1, true),
      uncachedTokens: perMinute(20, 20, true),
      inFlight: { limit: 1, dryRun: true },
    });
    expect(enter({ limits: dry }).quota).toBe(null);
    expect([counted, held.tokens]).toEqual([[], 15]);
    const second = enter({ limits: dry });
    expect(counted).toEqual(['overrun requests acme', 'overrun tokens acme', 'overrun in_flight acme']);
    expect(held.tokens).toBe(15);
    second.settle(null);
    expect(held.tokens).toBe(15);
  });

  it('a caller who has gone is let in nowhere and holds nothing', async () => {
    const { refusal, enter, held } = stage();
    const signal = new CallSignal();
    signal.abort();
    const all = limits({ requests: perMinute(1), inFlight: { limit: 1, dryRun: false } });
    expect(await refusal({ limits: all, signal })).toMatchObject({ code: 'client_gone' });
    expect(enter({ limits: all }).quota).toMatchObject({ requests: { remaining: 0 } });
    expect(held.tokens).toBe(0);
  });

  it('a slot that nobody gives back comes back with its lease', async () => {
    const { enter, refusal, clock } = stage();
    enter({ limits: inFlight(1), leaseMs: 30_000 });
    clock.advance(29_999);
    await refusal({ limits: inFlight(1) });
    clock.advance(1);
    enter({ limits: inFlight(1) });
  });
});
