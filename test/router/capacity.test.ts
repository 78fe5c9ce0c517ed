// What happens when there is no room: lines, spills, retries within their budget, and the honest "no". For src/router.
import { describe, expect, it } from 'vitest';
import { CallSignal } from '../../src/core/signal.ts';
import { ladder, scriptedRouter } from './scripted-router.ts';
import { plays } from './scripted-transport.ts';

const A1 = 'http://a1';
const A2 = 'http://a2';
const B = 'http://b1';

describe('another worker of the same pool', () => {
  it('F072 a full worker spills to its neighbour, and is left alone', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1', 'a2'] }), () => 0.9);
    r.transport.play(A1, plays.status(503, { 'retry-after': '7' }));
    r.transport.play(A2, plays.reply());
    const got = await r.get();
    expect(got.disclosure).toMatchObject({ rung: 1, degraded: null, attempts: 2 });
    expect(r.transport.origins()).toEqual([A1, A2]);
    expect(r.worker('a/1')).toMatchObject({ pausedFor: 'saturated', breaker: 'closed' });
    for (let i = 0; i < 20; i++) expect((await r.get()).disclosure).toMatchObject({ attempts: 1 });
    r.clock.advance(7_000);
    expect(r.worker('a/1').pausedFor).toBe(null);
    await r.atRest();
  });

  it('F072 a worker that says it is full gets none of those who wait in line for it', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'] }, undefined, { perWorker: 1 }));
    r.transport.play(A1, plays.status(503, { 'retry-after': '60' }));
    const calls = Array.from({ length: 5 }, () => r.ask());
    for (const call of calls) {
      const { error } = await r.settle(call);
      expect(error).toMatchObject({ status: 429, code: 'capacity_contended' });
      expect(error!.detail.retryAfterSeconds).toBeGreaterThanOrEqual(45);
    }
    expect(r.transport.sent).toHaveLength(1);
    await r.atRest();
  });

  it('F072 those who wait are served when a short pause of the only worker is over, who met it full the first', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'] }, undefined, { perWorker: 1 }));
    r.transport.play(A1, (n) => (n === 0 ? plays.status(503, { 'retry-after': '2' }) : plays.reply(100)));
    const calls: ReturnType<typeof r.ask>[] = [];
    for (let at = 0; at < 4; at++) {
      calls.push(r.ask());
      await r.clock.advanceSettling(1);
    }
    const waits: number[] = [];
    for (const call of calls) {
      const { disclosure } = await r.settle(call);
      waits.push(disclosure!.queueMs);
      expect(disclosure!.attempts).toBe(waits.length === 1 ? 2 : 1);
    }
    expect(waits[0]).toBeGreaterThanOrEqual(1_990);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(r.transport.sent).toHaveLength(5);
    await r.atRest();
  });

  it('F072 a worker that is always full is asked again a bounded number of times, and never gains a breaker', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'] }, undefined, { chat: '{ queue: { wait: 5m }, retries: 5 }' }));
    r.transport.play(A1, plays.status(503));
    const { error } = await r.get();
    expect(error).toMatchObject({ status: 429, code: 'capacity_contended', detail: { attempts: 9 } });
    expect(r.transport.sent).toHaveLength(9);
    // Eight pauses of a quarter of a second lie between.
    expect(r.clock.nowMs()).toBeGreaterThanOrEqual(2_000);
    expect(r.worker('a/1').breaker).toBe('closed');
    await r.atRest();
  });

  it('F072 waits in line and at full workers are one patience', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'] }, undefined, { chat: '{ queue: { wait: 1s } }' }));
    r.transport.play(A1, plays.status(503, { 'retry-after-ms': '400' }));
    const { error } = await r.get();
    expect(error).toMatchObject({ status: 429, detail: { attempts: 3 } });
    // The second look comes at 500 ms, and a last one when the wait is over.
    expect(r.clock.nowMs()).toBeLessThanOrEqual(1_000);
    expect((await r.get({ wants: { maxWaitMs: 0 } })).error).toMatchObject({ status: 429 });
    await r.atRest();
  });

  it('F072 a lower rung that takes over from full pools does so at once, unless a neighbour has room', async () => {
    const r = await scriptedRouter(
      ladder({ a: ['a1', 'a2'], b: ['b1'] }, undefined, { chat: '{ retries: 1 }' }),
      () => 0.9,
    );
    r.transport.play(A1, plays.status(503));
    r.transport.play(A2, plays.reply());
    r.transport.play(B, plays.reply());
    expect((await r.get()).disclosure).toMatchObject({ rung: 1, attempts: 2 });
    r.clock.advance(1_000);
    r.transport.play(A2, plays.status(503));
    expect((await r.get()).disclosure).toMatchObject({ rung: 2, degraded: 'saturated', queueMs: 0 });
    expect(r.clock.nowMs()).toBe(1_000);
    await r.atRest();
  });

  it('F081 a worker whose breaker has just opened gets none of those who wait in line for it', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'] }, undefined, { perWorker: 1, chat: '{ retries: 0 }' }));
    r.transport.play(A1, plays.status(500));
    const calls = Array.from({ length: 12 }, () => r.ask());
    for (const call of calls) expect([502, 503]).toContain((await r.settle(call)).error?.status);
    expect(r.transport.sent).toHaveLength(5);
    expect(r.worker('a/1').breaker).toBe('open');
    await r.atRest();
  });

  it('each rung has its own second try', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1', 'a2'], b: ['b1', 'b2'] }), () => 0.9);
    r.transport.play('http://b2', plays.reply());
    const got = await r.get();
    expect(got.disclosure).toMatchObject({ rung: 2, attempts: 4 });
    expect(new Set(r.transport.origins())).toEqual(new Set([A1, A2, B, 'http://b2']));
    await r.atRest();
  });

  it('a broken worker may be tried again in place; one that took no connection in time is not', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'] }));
    r.transport.play(A1, (n) => (n === 0 ? plays.fault('reset') : plays.reply()));
    expect((await r.get()).disclosure).toMatchObject({ attempts: 2, degraded: null });
    r.transport.play(A1, plays.fault('connect_timeout'));
    const got = await r.get();
    expect(got.error).toMatchObject({ status: 504, code: 'upstream_timeout', detail: { attempts: 1 } });
    await r.atRest();
  });

  it('F081 retries never multiply an outage: at most a fifth more attempts than calls, and a little to begin with', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1', 'a2', 'a3', 'a4'] }));
    for (let i = 0; i < 500; i++) {
      const { error } = await r.get();
      expect(error!.status).toBeGreaterThanOrEqual(502);
      expect(error!.detail.retryAfterSeconds).toBeGreaterThanOrEqual(1);
    }
    expect(r.transport.sent.length).toBeLessThanOrEqual(500 * 1.2 + 10);
    for (const { breaker } of r.router.status().pools[0]!.workers) expect(breaker).toBe('open');
    await r.atRest();
  });
});

describe('the line', () => {
  const slow = { perWorker: 1, chat: '{ queue: { max: 2, wait: 3s } }' };

  it('a call waits for a slot, and its reply says how long', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'] }, undefined, slow));
    r.transport.play(A1, plays.reply(500));
    const first = r.ask();
    const second = r.ask();
    await r.clock.advanceSettling(0);
    expect(r.router.status().pools[0]).toMatchObject({ inFlight: 1, waiting: 1 });
    expect((await r.settle(first)).disclosure!.queueMs).toBe(0);
    expect((await r.settle(second)).disclosure).toMatchObject({ queueMs: 500, attempts: 1, coldMs: 0 });
    await r.atRest();
  });

  it('F079 a full line is told at once, with the way out: the next rung, or a 429', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'], b: ['b1'] }, undefined, slow));
    r.transport.play(A1, plays.reply(1_000));
    r.transport.play(B, plays.reply(10));
    const running = [r.ask(), r.ask(), r.ask()];
    await r.clock.advanceSettling(0);
    const spilled = await r.get();
    expect(spilled.disclosure).toMatchObject({ rung: 2, degraded: 'saturated', queueMs: 0 });
    const refused = await r.get({ wants: { degrade: 'never' } });
    expect(refused.error).toMatchObject({ status: 429, type: 'rate_limit_error', code: 'capacity_contended' });
    expect(refused.error!.message).toBe('All capacity for this model is in use (a).');
    for (const call of running) expect((await r.settle(call)).error).toBe(null);
    await r.atRest();
  });

  it('a caller who will not wait, or not so long, is not made to', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'] }, undefined, slow));
    r.transport.play(A1, plays.reply(10_000));
    const running = r.ask();
    await r.clock.advanceSettling(0);
    expect((await r.get({ wants: { maxWaitMs: 0 } })).error).toMatchObject({ status: 429 });
    expect(r.clock.nowMs()).toBe(0);
    expect((await r.get({ wants: { maxWaitMs: 700 } })).error).toMatchObject({ status: 429 });
    expect(r.clock.nowMs()).toBe(700);
    // Nobody waits longer than the class allows.
    expect((await r.get({ wants: { maxWaitMs: 60_000 } })).error).toMatchObject({ status: 429 });
    expect(r.clock.nowMs()).toBe(3_700);
    await r.settle(running);
    await r.atRest();
  });

  it('F078 a caller that leaves the line is counted as gone, and asked of nobody', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1'] }, undefined, slow));
    r.transport.play(A1, plays.reply(1_000));
    const running = r.ask();
    await r.clock.advanceSettling(0);
    const signal = new CallSignal();
    const waiting = r.ask({ signal });
    await r.clock.advanceSettling(10);
    signal.abort();
    expect((await r.settle(waiting)).error).toMatchObject({ code: 'client_gone' });
    expect(r.log.of('call').map(({ fields }) => fields['how'])).toEqual(['client_gone']);
    await r.settle(running);
    expect(r.transport.sent).toHaveLength(1);
    await r.atRest();
  });

  it('a worker whose pause is over takes those who wait for its busy neighbour', async () => {
    const r = await scriptedRouter(ladder({ a: ['a1', 'a2'] }, undefined, { perWorker: 1 }), () => 0.9);
    r.transport.play(A1, (n) => (n === 0 ? plays.status(429, { 'retry-after': '1' }) : plays.reply()));
    r.transport.play(A2, plays.reply(8_000));
    const long = r.ask();
    await r.clock.advanceSettling(0);
    const waited = await r.get();
    expect(waited.disclosure).toMatchObject({ served: 'a/a', queueMs: 1_000, attempts: 1 });
    expect(r.transport.origins()).toEqual([A1, A2, A1]);
    await r.settle(long);
    await r.atRest();
  });
});
